import { isTold, returnedShare } from '../core/servedBy.ts';
import { at } from '../core/tensor.ts';
import { CHAT, indexArgument, modelTool, MOST_TEXT_UNITS, positionIn, readPart, sentTo, stopIfAborted } from './agentTool.ts';
import { answerOf } from './toolAnswer.ts';
import { textArgument, wholeArgument } from './toolArguments.ts';

/** The likeliest tokens after a text. */
export const nextTokensTool = modelTool(
  {
    name: 'next_tokens',
    title: 'Likeliest next tokens',
    description:
      'The tokens that a local language model holds likeliest after a text, or after one of its tokens, with their probabilities ' +
      'before any temperature or filter, and the entropy of the whole distribution in bits.',
  },
  {
    text: textArgument('The text; white space at its end counts.', MOST_TEXT_UNITS),
    top: wholeArgument('Tokens to list.', 1, 50, 10),
    position: indexArgument('After which token, from 0. Left out: the last.'),
    chat: CHAT,
  },
  async (model, { text, top, position: asked, chat }, call) => {
    const explanation = await model.explain({ text, topK: top, chat });
    const { run, topIds, topProbs, topK, pieces, tokens } = explanation;
    const position = positionIn(explanation, 'position', asked);
    stopIfAborted(call);
    const { layers, served } = explanation.model;
    const final = served ? null : await model.ask(run, 'lens', { layer: layers, layers: 1, position, positions: 1 });
    const returned = returnedShare(topIds, topProbs, position * topK, topK);
    const head = {
      model: explanation.model.name,
      ...sentTo(explanation.model),
      ...readPart(explanation),
      position,
      after: tokens[position]?.text ?? '',
      // Of an engine the alternatives that it returned are known alone.
      ...(final === null
        ? { entropyBitsAtLeast: returned.leastEntropy, probabilityNotReturned: 1 - returned.mass }
        : { entropyBits: at(final.entropy, 0) }),
    };
    return answerOf(head, {
      next: Array.from({ length: Math.min(top, returned.count) }, (_, k) => {
        const id = at(topIds, position * topK + k);
        return { id: isTold(id) ? id : null, text: pieces[id] ?? '', prob: at(topProbs, position * topK + k) };
      }),
    });
  },
);

import { at } from '../core/tensor.ts';
import { CHAT, indexArgument, modelTool, MOST_TEXT_UNITS, positionIn, readPart, stopIfAborted } from './agentTool.ts';
import { answerOf } from './toolAnswer.ts';
import { textArgument } from './toolArguments.ts';

/** The logit lens at one token. */
export const lensTool = modelTool(
  {
    name: 'lens',
    title: 'Logit lens',
    description:
      'What a local language model would predict after one token if it stopped after each layer (the logit lens): the likeliest ' +
      'token, its probability, probability and rank of the token that does follow in the text, entropy in bits, and KL divergence ' +
      'from the final prediction in bits. Layer 0 is the input of the first layer; the last row is the model itself.',
  },
  {
    text: textArgument('The text.', MOST_TEXT_UNITS),
    position: indexArgument('After which token, from 0. Left out: the last.'),
    chat: CHAT,
  },
  async (model, { text, position: asked, chat }, call) => {
    const explanation = await model.explain({ text, topK: 1, chat });
    const { tokens, run } = explanation;
    const position = positionIn(explanation, 'position', asked);
    stopIfAborted(call);
    const { layers, name } = explanation.model;
    const { topIds, topProbs, pieces, nextRank, nextProb, entropy, kl } = await model.ask(run, 'lens', {
      layer: 0,
      layers: layers + 1,
      position,
      positions: 1,
    });
    const following = tokens[position + 1];
    const head = {
      model: name,
      ...readPart(explanation),
      position,
      after: tokens[position]?.text ?? '',
      following: following === undefined ? null : { id: following.id, text: following.text },
    };
    return answerOf(head, {
      layers: Array.from(topIds, (id, layer) => ({
        layer,
        top: { id, text: pieces[id] ?? '', prob: at(topProbs, layer) },
        ...(following === undefined ? {} : { followingRank: at(nextRank, layer), followingProb: at(nextProb, layer) }),
        entropy: at(entropy, layer),
        kl: at(kl, layer),
      })),
    });
  },
);

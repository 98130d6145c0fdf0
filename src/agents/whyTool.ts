import { ATTRIBUTION_METHODS } from '../core/attribution.ts';
import { UserError } from '../core/errors.ts';
import { runOf, UNCHANGED } from '../core/run.ts';
import { at } from '../core/tensor.ts';
import type { Explanation } from '../core/trace.ts';
import { CHAT, indexArgument, modelTool, MOST_TEXT_UNITS, positionIn, readPart, stopIfAborted, type AgentModel } from './agentTool.ts';
import { answerOf } from './toolAnswer.ts';
import { choiceArgument, optionalText, textArgument } from './toolArguments.ts';

/** Longest text of one token. */
const MOST_TOKEN_UNITS = 200;

/** Where one prediction comes from. */
export const whyTool = modelTool(
  {
    name: 'why',
    title: 'Why a prediction',
    description:
      'Why a local language model gives a token its logit after a position: how much each token of the text counts for it by a ' +
      'method of attribution, and what each head and MLP adds to it directly (these sum to the target, all norms’ scales held ' +
      'fixed). With a rival it is the difference of the two logits, which is the better question. Methods that leave tokens out ' +
      '(hidden, replaced, removed) run the model once for each token.',
  },
  {
    text: textArgument('The text.', MOST_TEXT_UNITS),
    position: indexArgument('After which token the prediction is made, from 0. Left out: the last.'),
    token: optionalText(
      'Exactly the text of one token, such as " Paris" with its space. Left out: the one that follows, or the likeliest.',
      MOST_TOKEN_UNITS,
    ),
    rival: optionalText('The text of another token to compare with. Left out: none.', MOST_TOKEN_UNITS),
    method: choiceArgument('How the tokens of the text are weighed.', ATTRIBUTION_METHODS, 'gradient-x-input'),
    chat: CHAT,
  },
  async (model, { text, position: asked, token: tokenText, rival: rivalText, method, chat }, call) => {
    const explanation = await model.explain({ text, topK: 1, chat });
    const { run, tokens, topIds, topK, pieces } = explanation;
    const position = positionIn(explanation, 'position', asked);
    const likeliest = at(topIds, position * topK);
    const token = tokenText === null ? (tokens[position + 1]?.id ?? likeliest) : await namedToken(model, 'token', tokenText);
    const rival = rivalText === null ? null : await namedToken(model, 'rival', rivalText);
    if (token === rival) throw new UserError('rival is the token itself: a difference needs two tokens.');
    stopIfAborted(call);
    call.tell('Parts of the logit');
    const direct = await model.ask(run, 'direct', { position, token, rival });
    stopIfAborted(call);
    call.tell('Weighing the tokens');
    const attribution = await model.ask(run, 'attribution', { position, token, rival, method });
    const named = (id: number): object => ({ id, text: textOf(explanation, id) ?? tokenText ?? pieces[id] ?? '' });
    const head = {
      model: explanation.model.name,
      ...readPart(explanation),
      position,
      token: named(token),
      rival: rival === null ? null : { id: rival, text: rivalText },
      target: attribution.target,
      method,
      ...(attribution.completeness === null ? {} : { completenessGap: attribution.completeness.gap }),
      direct: { embedding: direct.embedding, rest: direct.rest },
    };
    const { heads } = explanation.model;
    return answerOf(head, {
      byToken: Array.from(attribution.values.subarray(0, position + 1), (value, index) => ({
        index,
        text: tokens[index]?.text ?? '',
        value,
      })).toSorted(byEffect),
      heads: Array.from(direct.heads, (value, index) => ({ layer: Math.floor(index / heads), head: index % heads, value })).toSorted(
        byEffect,
      ),
      mlps: Array.from(direct.mlp, (value, layer) => ({ layer, value })).toSorted(byEffect),
      ...(direct.perLayer === undefined
        ? {}
        : { perLayer: Array.from(direct.perLayer, (value, layer) => ({ layer, value })).toSorted(byEffect) }),
    });
  },
);

function byEffect(a: { readonly value: number }, b: { readonly value: number }): number {
  return Math.abs(b.value) - Math.abs(a.value);
}

function textOf({ tokens, pieces }: Explanation, id: number): string | undefined {
  return pieces[id] ?? tokens.find((token) => token.id === id)?.text;
}

/** The id of a token by its exact text. Throws UserError where it is not one token, with how it is cut. */
async function namedToken(model: AgentModel, name: string, text: string): Promise<number> {
  const { words } = await model.ask(runOf([], UNCHANGED), 'words', { texts: [text] });
  const readings = words[0]?.readings ?? [];
  const exact = readings.find(({ ids, pieces }) => ids.length === 1 && pieces[0] === text);
  const [id] = exact?.ids ?? [];
  if (id !== undefined) return id;
  const cuts = readings.map(({ pieces }) => pieces.map((piece) => JSON.stringify(piece)).join(' + '));
  throw new UserError(
    `${name}: ${JSON.stringify(text)} is not exactly one token${cuts.length === 0 ? '' : `; it is read as ${cuts.join(', or ')}`}.`,
  );
}

import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import type { AnswerPart } from './engineAnswer.ts';
import type { Alternative, GeneratedToken, ScoredToken, ServerToken } from './engineApi.ts';

/** Bytes of JSON that a token or an alternative takes at most on average; a few of a vocabulary's are longer. */
const BYTES_PER_ENTRY = 256;
const BYTES_AROUND = 4 * 1024 * 1024;
/** No answer is longer: JavaScript's own strings end not far beyond. */
const MOST_BYTES = 400 * 1024 * 1024;

/**
 * Largest answer about `tokens` tokens with `alternatives` each, and `more` bytes besides: what is longer is not the answer to the
 * question.
 */
export function mostBytes(tokens: number, alternatives: number, more = 0): number {
  return Math.min(MOST_BYTES, BYTES_AROUND + tokens * ((alternatives + 2) * BYTES_PER_ENTRY + more));
}

/** Most tokens of a text that the engine is still to cut: no token is shorter than a byte. */
export function mostTokens(text: string): number {
  return new TextEncoder().encode(text).length + 2;
}

/** Alternatives by their log-probabilities, best first, at most `most`. */
export function bestFirst(found: readonly Alternative[], most: number): readonly Alternative[] {
  return found.toSorted((a, b) => b.logprob - a.logprob).slice(0, most);
}

/** Rank of a token among all of a vocabulary by the alternatives that were returned; 0: it is not among them. */
export function rankAmong(id: number | null, top: readonly Alternative[]): number {
  return id === null ? 0 : top.findIndex(({ token }) => token.id === id) + 1;
}

/** Throws UserError unless the answer is about the ids that were asked for, each with its number but the first. */
export function checkAnswered(host: string, ids: ArrayLike<number>, answered: readonly ScoredToken[]): void {
  if (answered.length !== ids.length)
    throw new UserError(msg`${host} answers about ${answered.length} tokens where ${ids.length} were asked for.`);
  const wrong = answered.findIndex(({ token }, index) => token.id !== ids[index]);
  if (wrong !== -1)
    throw new UserError(
      msg`${host} answers about other tokens: at ${wrong} about ${answered[wrong]?.token.id ?? 0}, not ${ids[wrong] ?? 0}, which was \
asked for.`,
    );
}

/** Throws UserError where an answer names another model than the one asked for. */
export function checkModel(host: string, answer: AnswerPart, model: string): void {
  const { value } = answer.at('model');
  if (typeof value === 'string' && value !== model) throw new UserError(msg`${host} answers with the model ${value}, not with ${model}.`);
}

/** `{token, logprob, bytes, id?, top_logprobs}`, as OpenAI's chat, Ollama and llama.cpp write a generated token. */
export function chatToken(part: AnswerPart, most: number): GeneratedToken {
  const top = part.at('top_logprobs');
  const list = top.isThere ? top.list().map(alternativeOf) : [];
  return { ...alternativeOf(part), top: bestFirst(list, most) };
}

/** `{token, logprob, bytes, id?}`. */
export function alternativeOf(part: AnswerPart): Alternative {
  const [bytes, id] = [part.at('bytes'), part.at('id')];
  const token: ServerToken = {
    id: id.isThere ? id.id() : null,
    bytes: bytes.isThere ? Uint8Array.from(bytes.list(), (byte) => byte.number()) : null,
    text: part.at('token').text(),
    entry: null,
  };
  return { token, logprob: part.at('logprob').logprob() };
}

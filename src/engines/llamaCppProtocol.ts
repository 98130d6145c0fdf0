import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import { alternativeOf, chatToken, mostBytes, mostTokens } from './answeredTokens.ts';
import type { AnswerPart } from './engineAnswer.ts';
import { tokenOfId, type Protocol, type ScoredToken, type ScoreQuestion } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';
import type { ServedModel } from './servedModels.ts';

/** More are returned, but their texts take time at every token. */
const ALTERNATIVES = 100;
/** Tokens asked for first: nearly every token of a text is among them. */
const ASKED_FIRST = 256;
/** The server returns the whole vocabulary where more is asked for than there is. */
const WHOLE_VOCABULARY = 2 ** 20;

/**
 * llama.cpp's server. It returns the probabilities of generated tokens alone: a token of a text is found among those that may follow what
 * is before it, where need be in the whole vocabulary. Read in its source of 2026 (`tools/server/server-task.cpp`): the probabilities are
 * those before any sampling.
 */
export function llamaCppProtocol(connection: EngineConnection, served: ServedModel, props: AnswerPart): Protocol {
  const { host } = connection;
  const build = props.at('build_info');
  const context = props.at('default_generation_settings', 'n_ctx');
  const likeliest = async (prompt: readonly number[], n_probs: number, signal: AbortSignal): Promise<AnswerPart> => {
    const body = { prompt, n_predict: 1, n_probs, temperature: 0, cache_prompt: true, post_sampling_probs: false, stream: false };
    const answer = await connection.post('/completion', body, signal, mostBytes(1, n_probs));
    const rows = ['completion_probabilities', 'probs'].map((name) => answer.at(name)).find(({ isThere }) => isThere);
    return (rows ?? answer.at('completion_probabilities')).at(0, 'top_logprobs');
  };
  const scoreNext = async (prompt: readonly number[], id: number, question: ScoreQuestion): Promise<ScoredToken> => {
    for (const asked of [Math.max(ASKED_FIRST, question.alternatives), WHOLE_VOCABULARY]) {
      const top = await likeliest(prompt, asked, question.signal);
      const place = placeOf(top.value, id);
      if (place === -1) continue;
      const count = Math.min(question.alternatives, Array.isArray(top.value) ? top.value.length : 0);
      return { ...alternativeOf(top.at(place)), rank: place + 1, top: Array.from({ length: count }, (_, k) => alternativeOf(top.at(k))) };
    }
    throw new UserError(msg`${host} does not return the probability of the token ${id}, though its whole vocabulary was asked for.`);
  };
  return {
    kind: 'llama.cpp',
    model: served.id,
    version: build.isThere ? build.text() : null,
    abilities: {
      scores: 'requests',
      alternatives: ALTERNATIVES,
      ids: true,
      takesIds: true,
      contextLength: context.isThere ? context.number() : served.contextLength,
      parameters: served.parameters,
    },
    tokenize: async (text, signal) => {
      const body = { content: text, add_special: true, parse_special: false, with_pieces: true };
      const answer = await connection.post('/tokenize', body, signal, mostBytes(mostTokens(text), 0));
      return answer
        .at('tokens')
        .list()
        .map((token) => {
          const piece = token.at('piece');
          const own = tokenOfId(token.at('id').id());
          // Bytes that are no UTF-8 are written as numbers.
          if (Array.isArray(piece.value)) return { ...own, bytes: Uint8Array.from(piece.list(), (byte) => byte.number()) };
          return { ...own, bytes: new TextEncoder().encode(piece.text()), text: piece.text() };
        });
    },
    scoreText: null,
    scoreIds: async (ids, question) => {
      const all = [...ids];
      const scored: ScoredToken[] = [];
      for (const [index, id] of all.entries()) {
        if (index < question.from) scored.push({ token: tokenOfId(id), logprob: Number.NaN, rank: 0, top: [] });
        else scored.push(await scoreNext(all.slice(0, index), id, question));
        question.onRequest?.(Math.max(0, index + 1 - question.from));
      }
      return scored;
    },
    next: null,
    weights: null,
    generate: async (prompt, { temperature, topK, topP, minP, seed, tokens, alternatives }, signal) => {
      const body = {
        prompt: typeof prompt === 'string' ? prompt : [...prompt],
        n_predict: tokens,
        n_probs: Math.max(1, alternatives),
        temperature,
        top_k: topK,
        top_p: topP,
        min_p: minP,
        seed,
        post_sampling_probs: false,
        stream: false,
      };
      const answer = await connection.post('/completion', body, signal, mostBytes(tokens, alternatives + 1));
      const rows = answer.at('completion_probabilities');
      const end = answer.at('stop_type');
      return {
        text: answer.at('content').text(),
        tokens: rows.isThere ? rows.list().map((row) => chatToken(row, alternatives)) : [],
        end: end.isThere ? end.text() : null,
      };
    },
  };
}

/** Index of a token among those listed, the likeliest first; -1: it is not there. Of a whole vocabulary only this one is read closely. */
function placeOf(listed: unknown, id: number): number {
  return Array.isArray(listed)
    ? listed.findIndex((each: unknown) => typeof each === 'object' && each !== null && 'id' in each && each.id === id)
    : -1;
}

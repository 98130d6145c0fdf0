import { bestFirst, checkAnswered, mostBytes, mostTokens } from './answeredTokens.ts';
import type { AnswerPart } from './engineAnswer.ts';
import { textOnly, tokenOfId, type Alternative, type Protocol } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';

/**
 * Text Generation Inference: `decoder_input_details` of /generate returns each token of the input with its log-probability, without
 * alternatives. Read in its source (`router/src/lib.rs`).
 */
export function tgiProtocol(connection: EngineConnection, info: AnswerPart): Protocol {
  const { host } = connection;
  const length = ['max_input_tokens', 'max_input_length'].map((name) => info.at(name)).find(({ isThere }) => isThere);
  return {
    kind: 'tgi',
    model: info.at('model_id').text(),
    version: info.at('version').isThere ? info.at('version').text() : null,
    abilities: {
      scores: 'prompt',
      alternatives: 0,
      ids: true,
      takesIds: false,
      // One more than it takes as an input, as is reckoned with a token to be generated.
      contextLength: length === undefined ? null : length.number() + 1,
      parameters: null,
    },
    tokenize: async (text, signal) =>
      (await connection.post('/tokenize', { inputs: text }, signal, mostBytes(mostTokens(text), 0)))
        .list()
        .map((token) => ({ ...tokenOfId(token.at('id').id()), text: token.at('text').text() })),
    scoreIds: null,
    scoreText: async (text, { signal }) => {
      const body = { inputs: text, parameters: { details: true, decoder_input_details: true, max_new_tokens: 1 } };
      const [answer, cut] = await Promise.all([
        connection.post('/generate', body, signal, mostBytes(mostTokens(text), 0)),
        connection.post('/tokenize', { inputs: text }, signal, mostBytes(mostTokens(text), 0)),
      ]);
      const scored = answer
        .at('details', 'prefill')
        .list()
        .map((entry, index) => ({ ...alternativeOf(entry, index === 0), rank: 0, top: [] }));
      // /tokenize has the texts as they stand in the input, where decoding alone loses spaces.
      const pieces = cut.list();
      checkAnswered(
        host,
        pieces.map((piece) => piece.at('id').id()),
        scored,
      );
      return scored.map((each, index) => {
        const piece = pieces[index]?.at('text').text() ?? '';
        return piece === '' ? each : { ...each, token: { ...each.token, text: piece } };
      });
    },
    next: null,
    weights: null,
    generate: async (prompt, { temperature, topK, topP, seed, tokens, alternatives }, signal) => {
      const body = {
        inputs: textOnly(prompt),
        parameters: {
          details: true,
          max_new_tokens: tokens,
          ...(alternatives > 0 ? { top_n_tokens: Math.min(5, alternatives) } : {}),
          ...(temperature === 0
            ? { do_sample: false }
            : { do_sample: true, temperature, seed, ...(topK > 0 ? { top_k: topK } : {}), ...(topP < 1 ? { top_p: topP } : {}) }),
        },
      };
      const answer = await connection.post('/generate', body, signal, mostBytes(tokens, alternatives));
      const details = answer.at('details');
      const tops = details.at('top_tokens');
      const generated = details
        .at('tokens')
        .list()
        .map((entry, index) => {
          const row = tops.isThere ? tops.at(index) : null;
          const top = row?.isThere === true ? row.list().map((each) => alternativeOf(each)) : [];
          return { ...alternativeOf(entry), top: bestFirst(top, alternatives) };
        });
      const end = details.at('finish_reason');
      return { text: answer.at('generated_text').text(), tokens: generated, end: end.isThere ? end.text() : null };
    },
  };
}

function alternativeOf(entry: AnswerPart, optional = false): Alternative {
  return {
    token: { ...tokenOfId(entry.at('id').id()), text: entry.at('text').text() },
    logprob: entry.at('logprob').logprob(optional),
  };
}

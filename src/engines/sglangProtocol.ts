import { bestFirst, checkAnswered, mostBytes, mostTokens, rankAmong } from './answeredTokens.ts';
import { textAt, type AnswerPart } from './engineAnswer.ts';
import { tokenOfId, type Alternative, type Protocol, type ScoredToken, type ScoreQuestion } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';
import { promptAbilities, type ServedModel } from './servedModels.ts';

/** More are returned, but each takes time at every position. */
const ALTERNATIVES = 100;

/**
 * SGLang's own /generate, which returns log-probabilities of the input from `logprob_start_len` on. Read in its source of 2026
 * (`python/sglang/srt/managers/tokenizer_manager.py`): lists of [logprob, id, text].
 */
export async function sglangProtocol(connection: EngineConnection, served: ServedModel, signal: AbortSignal): Promise<Protocol> {
  const { host } = connection;
  const tokenized = (text: string, until: AbortSignal): Promise<AnswerPart> =>
    connection.post('/v1/tokenize', { model: served.id, prompt: text, add_special_tokens: true }, until, mostBytes(mostTokens(text), 0));
  // Versions before 0.5.3 have none.
  const cuts = await tokenized('a', signal).then(
    () => true,
    () => false,
  );
  const ask = async (prompt: object, most: number, { alternatives, signal: until }: ScoreQuestion): Promise<readonly ScoredToken[]> => {
    const body = {
      ...prompt,
      sampling_params: { max_new_tokens: 1, temperature: 0 },
      return_logprob: true,
      logprob_start_len: 0,
      top_logprobs_num: alternatives,
      return_text_in_logprobs: true,
    };
    const meta = (await connection.post('/generate', body, until, mostBytes(most, alternatives))).at('meta_info');
    const tops = meta.at('input_top_logprobs');
    return meta
      .at('input_token_logprobs')
      .list()
      .map((entry, index) => {
        const own = alternativeOf(entry, index === 0);
        const row = alternatives > 0 ? tops.at(index) : null;
        const top =
          row?.isThere === true
            ? bestFirst(
                row.list().map((each) => alternativeOf(each)),
                alternatives,
              )
            : [];
        return { ...own, rank: rankAmong(own.token.id, top), top };
      });
  };
  const version = await connection.get('/get_server_info', signal);
  return {
    kind: 'sglang',
    model: served.id,
    version: textAt(version, 'version'),
    abilities: promptAbilities(served, ALTERNATIVES),
    tokenize: cuts
      ? async (text, until) =>
          (await tokenized(text, until))
            .at('tokens')
            .list()
            .map((id) => tokenOfId(id.id()))
      : null,
    scoreText: (text, question) => ask({ text }, mostTokens(text), question),
    scoreIds: async (ids, question) => {
      const scored = await ask({ input_ids: [...ids] }, ids.length, question);
      checkAnswered(host, ids, scored);
      return scored;
    },
    next: null,
    weights: null,
    generate: async (prompt, { temperature, topK, topP, minP, seed, tokens, alternatives }, until) => {
      const body = {
        ...(typeof prompt === 'string' ? { text: prompt } : { input_ids: [...prompt] }),
        sampling_params: {
          max_new_tokens: tokens,
          temperature,
          top_p: topP,
          top_k: topK === 0 ? -1 : topK,
          min_p: minP,
          sampling_seed: seed,
        },
        return_logprob: true,
        logprob_start_len: -1,
        top_logprobs_num: alternatives,
        return_text_in_logprobs: true,
      };
      const answer = await connection.post(
        '/generate',
        body,
        until,
        mostBytes(tokens + (typeof prompt === 'string' ? mostTokens(prompt) : prompt.length), alternatives),
      );
      const meta = answer.at('meta_info');
      const tops = meta.at('output_top_logprobs');
      const generated = meta
        .at('output_token_logprobs')
        .list()
        .map((entry, index) => {
          const row = alternatives > 0 ? tops.at(index) : null;
          const top = row?.isThere === true ? row.list().map((each) => alternativeOf(each)) : [];
          return { ...alternativeOf(entry), top: bestFirst(top, alternatives) };
        });
      const end = meta.at('finish_reason', 'type');
      return { text: answer.at('text').text(), tokens: generated, end: end.isThere ? end.text() : null };
    },
  };
}

/** [logprob, id, text]. */
function alternativeOf(entry: AnswerPart, optional = false): Alternative {
  const text = entry.at(2);
  return {
    token: { ...tokenOfId(entry.at(1).id()), text: text.isThere ? text.text() : null },
    logprob: entry.at(0).logprob(optional),
  };
}

import { UserError } from '../core/errors.ts';
import { tensor, type Tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import { mapInTurns } from '../core/turns.ts';
import { bestFirst, checkAnswered, mostBytes, mostTokens, rankAmong } from './answeredTokens.ts';
import { textAt, type AnswerPart } from './engineAnswer.ts';
import { tokenOfId, type Alternative, type Protocol, type ScoredToken, type ScoreQuestion } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';
import { plainExperts, tellExperts } from './routedExperts.ts';
import { promptAbilities, type ServedModel } from './servedModels.ts';

/** More are returned, but each takes time at every position. */
const ALTERNATIVES = 100;
/** Bytes that numbers of experts take for each token, of 128 layers with 16 experts each as int32. */
const ROUTING_BYTES = 12_288;
/** A prompt that is read whole: where log-probabilities of all of it are wanted, nothing that was read before is taken from the cache. */
const WHOLE_PROMPT = { sampling_params: { max_new_tokens: 1, temperature: 0 }, return_logprob: true, logprob_start_len: 0 };
/** Longest prompt whose hidden states are asked for: they come as JSON, some hundred kilobytes a token of a large model. */
const MOST_HIDDEN = 512;
const HIDDEN_BYTES = 128 * 1024 * 1024;

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
  const info = (await connection.get('/get_server_info', signal)) ?? (await connection.get('/server_info', signal));
  const { experts, hidden } = insideOf(info);
  const ask = async (prompt: object, most: number, question: ScoreQuestion): Promise<readonly ScoredToken[]> => {
    const { alternatives, signal: until, onExperts } = question;
    const routing = experts && onExperts !== undefined;
    const body = {
      ...prompt,
      ...WHOLE_PROMPT,
      top_logprobs_num: alternatives,
      return_text_in_logprobs: true,
      ...(routing ? { return_routed_experts: true } : {}),
    };
    const meta = (await connection.post('/generate', body, until, mostBytes(most, alternatives, routing ? ROUTING_BYTES : 0))).at(
      'meta_info',
    );
    const tops = meta.at('input_top_logprobs');
    const scored = await mapInTurns(meta.at('input_token_logprobs').list(), (entry, index) => {
      const own = alternativeOf(entry, index === 0);
      const row = alternatives > 0 ? tops.at(index) : null;
      const listed = row?.isThere === true ? row.list().map((each) => alternativeOf(each)) : [];
      const top = bestFirst(listed, alternatives);
      return { ...own, rank: rankAmong(own.token.id, top), top };
    });
    // Of every token but the last, which is generated.
    if (routing)
      tellExperts(onExperts, () => plainExperts(meta.at('routed_experts'), meta.at('routed_experts_dtype'), host, scored.length));
    return scored;
  };
  return {
    kind: 'sglang',
    model: served.id,
    version: textAt(info, 'version'),
    abilities: {
      ...promptAbilities(served, ALTERNATIVES),
      ...(experts ? { experts: 'asked' } : {}),
      ...(hidden ? { hiddenStates: true } : {}),
    },
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
    ...(hidden ? { hiddenStates: (ids, until) => hiddenStatesOf(connection, ids, until) } : {}),
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

/**
 * What a server was started to return of the inside. With speculative decoding its hidden states are those that the draft model reads, of
 * other layers; with copies of experts the numbers are those of the copies.
 */
function insideOf(info: AnswerPart | null): { readonly experts: boolean; readonly hidden: boolean } {
  const says = (name: string): unknown => info?.at(name).value;
  const copies = says('enable_eplb') === true || ![undefined, null, 0].some((none) => says('ep_num_redundant_experts') === none);
  const drafts = typeof says('speculative_algorithm') === 'string';
  return {
    experts: says('enable_return_routed_experts') === true && !copies,
    hidden: says('enable_return_hidden_states') === true && says('return_hidden_states_mode') !== 'last' && !drafts,
  };
}

/**
 * `meta_info.hidden_states`: parts [rows, D] of the prompt, one for each piece in which it was read. They are what the model hands to the
 * unembedding (`LogitsProcessor` in `python/sglang/srt/layers/logits_processor.py`): the last layer's output after the final norm.
 */
async function hiddenStatesOf(connection: EngineConnection, ids: Int32Array, signal: AbortSignal): Promise<Tensor> {
  const { host } = connection;
  if (ids.length > MOST_HIDDEN)
    throw new UserError(
      msg`Hidden states come as text, and are asked for of ${MOST_HIDDEN} tokens at most: this text has ${ids.length}. Explain a part of \
it.`,
    );
  const body = { input_ids: [...ids], ...WHOLE_PROMPT, return_hidden_states: true };
  const meta = (await connection.post('/generate', body, signal, HIDDEN_BYTES)).at('meta_info');
  const told = meta.at('input_token_logprobs').list();
  checkAnswered(
    host,
    ids,
    told.map((entry, index) => ({ ...alternativeOf(entry, index === 0), rank: 0, top: [] })),
  );
  const rows = meta
    .at('hidden_states')
    .list()
    .flatMap(({ value }) => (Array.isArray(value) && Array.isArray(value[0]) ? (value as readonly unknown[]) : [value]));
  if (rows.length !== ids.length)
    throw new UserError(msg`${host} returns the hidden states of ${rows.length} tokens where those of ${ids.length} were asked for.`);
  const data = Float32Array.from(rows.flat() as readonly number[]);
  const width = data.length / rows.length;
  if (width === 0 || !rows.every((one) => Array.isArray(one) && one.length === width && one.every(Number.isFinite)))
    throw new UserError(msg`The hidden states that ${host} returns are not as many numbers for each token.`);
  return tensor([rows.length, width], data);
}

/** [logprob, id, text]. */
function alternativeOf(entry: AnswerPart, optional = false): Alternative {
  const text = entry.at(2);
  return {
    token: { ...tokenOfId(entry.at(1).id()), text: text.isThere ? text.text() : null },
    logprob: entry.at(0).logprob(optional),
  };
}

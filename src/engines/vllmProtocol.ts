import { mapInTurns } from '../core/turns.ts';
import { textAt, type AnswerPart } from './engineAnswer.ts';
import { checkAnswered, checkModel, mostBytes, mostTokens } from './answeredTokens.ts';
import { tokenOfId, type Alternative, type Protocol, type ScoredToken, type ScoreQuestion, type ServerToken } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';
import { completionGeneration } from './openAiProtocol.ts';
import { npyExperts, tellExperts } from './routedExperts.ts';
import { promptAbilities, type ServedModel } from './servedModels.ts';

/** The server's limit where it was not started with another (`--max-logprobs`). */
const ALTERNATIVES = 20;
/** Bytes that a server started with `--enable-return-routed-experts` adds for each token, of 128 layers with 16 experts each. */
const ROUTING_BYTES = 8192;

/**
 * vLLM's OpenAI-compatible server: `prompt_logprobs` of /v1/completions, and /tokenize. Read in its source of 2026
 * (`vllm/entrypoints/openai/completion/serving.py` and `protocol.py`); `routed_experts` are there from 0.22 on.
 */
export async function vllmProtocol(connection: EngineConnection, served: ServedModel, signal: AbortSignal): Promise<Protocol> {
  const { host } = connection;
  const model = served.id;
  const tokenized = (text: string, until: AbortSignal): Promise<AnswerPart> =>
    connection.post(
      '/tokenize',
      { model, prompt: text, add_special_tokens: true, return_token_strs: true },
      until,
      mostBytes(mostTokens(text), 0),
    );
  // A gateway may pass on /v1 alone.
  const cuts = await tokenized('a', signal).then(
    () => true,
    () => false,
  );
  const ask = async (
    prompt: string | readonly number[],
    { alternatives, signal: until, onExperts }: ScoreQuestion,
  ): Promise<readonly ScoredToken[]> => {
    const most = mostBytes(typeof prompt === 'string' ? mostTokens(prompt) : prompt.length, alternatives, ROUTING_BYTES);
    const body = { model, prompt, max_tokens: 1, temperature: 0, prompt_logprobs: alternatives, return_token_ids: true };
    const answer = await connection.post('/v1/completions', body, until, most);
    checkModel(host, answer, model);
    const choice = answer.at('choices', 0);
    const told = choice.at('prompt_token_ids');
    const ids = told.isThere || typeof prompt === 'string' ? told.list().map((id) => id.id()) : prompt;
    const rows = choice.at('prompt_logprobs').list();
    const scored = await mapInTurns(rows, (row, index) => scoredOf(row, ids[index] ?? -1, alternatives));
    checkAnswered(host, typeof prompt === 'string' ? ids : prompt, scored);
    // Of every token but the last, which is generated: no request turns it on or off. Lists are of 0.21, which does not tell their layers.
    const routed = choice.at('routed_experts');
    if (onExperts !== undefined && routed.isThere && !Array.isArray(routed.value))
      tellExperts(onExperts, () => npyExperts(routed, host, scored.length));
    return scored;
  };
  const version = await connection.get('/version', signal);
  return {
    kind: 'vllm',
    model,
    version: textAt(version, 'version'),
    abilities: { ...promptAbilities(served, ALTERNATIVES), experts: 'unasked' },
    tokenize: cuts
      ? async (text, until) => {
          const answer = await tokenized(text, until);
          const entries = answer.at('token_strs');
          const names = entries.isThere ? entries.list().map((entry) => entry.text()) : [];
          return answer
            .at('tokens')
            .list()
            .map((id, index) => ({ ...tokenOfId(id.id()), entry: names[index] ?? null }));
        }
      : null,
    scoreText: ask,
    scoreIds: (ids, question) => ask([...ids], question),
    next: null,
    weights: null,
    generate: (text, sampling, until) => completionGeneration(connection, model, text, sampling, until),
  };
}

/** A row of `prompt_logprobs`: the token's own entry, whatever its rank, and the likeliest; null for the first. */
function scoredOf(row: AnswerPart, id: number, alternatives: number): ScoredToken {
  if (!row.isThere) return { token: tokenOfId(id), logprob: Number.NaN, rank: 0, top: [] };
  const top: (Alternative | undefined)[] = [];
  let own: ScoredToken | undefined;
  for (const [name, entry] of row.entries()) {
    const logprob = entry.at('logprob').logprob();
    const rank = entry.at('rank').isThere ? entry.at('rank').number() : 0;
    const text = entry.at('decoded_token');
    const token: ServerToken = { ...tokenOfId(Number(name)), text: text.isThere ? text.text() : null };
    if (Number(name) === id) own = { token, logprob, rank, top: [] };
    if (rank >= 1 && rank <= alternatives) top[rank - 1] = { token, logprob };
  }
  // An id that is none of the text's is told by `checkAnswered`.
  if (own === undefined) return { token: tokenOfId(-1), logprob: Number.NaN, rank: 0, top: [] };
  // The token itself is listed at its own rank, beyond those that were asked for.
  const gap = Array.from(top).findIndex((each) => each === undefined);
  return { ...own, top: top.slice(0, gap === -1 ? top.length : gap).filter((each) => each !== undefined) };
}

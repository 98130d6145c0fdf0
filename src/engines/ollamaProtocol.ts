import { chatToken, checkModel, mostBytes } from './answeredTokens.ts';
import { textAt, type AnswerPart } from './engineAnswer.ts';
import { textOnly, type Alternative, type GeneratedToken, type Protocol } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';

const ALTERNATIVES = 20;
/** The probabilities as the model gives them: Ollama's own defaults filter, and tell what was generated less likely. */
const UNCHANGED = { repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0 };
const UNFILTERED = { ...UNCHANGED, temperature: 1, top_k: 0, top_p: 1, min_p: 0, typical_p: 1 };
/** The line of a Modelfile that names the file of the weights, which is called by its hash. */
const WEIGHTS = /^FROM\s.*sha256[-:](?<hash>[0-9a-f]{64})\s*$/im;

/**
 * Ollama, 0.12.11 or later. It neither takes nor tells ids, and returns the 20 likeliest tokens after a prompt; the bytes of those that
 * hold a part of a character are not told, as its servers pass tokens on as texts. Read in its documentation of /api/generate and
 * /api/show, and in its source of 2026 (`server/logprob.go`, `runner/common/logprob.go`).
 */
export async function ollamaProtocol(connection: EngineConnection, model: string, version: string, signal: AbortSignal): Promise<Protocol> {
  const { host } = connection;
  const shown = await connection.post('/api/show', { model }, signal);
  const facts = shown.at('model_info');
  const count = facts.at('general.parameter_count');
  const architecture = facts.at('general.architecture');
  const context = architecture.isThere ? facts.at(`${architecture.text()}.context_length`) : null;
  const ask = async (prompt: string, options: object, tokens: number, most: number, until: AbortSignal): Promise<AnswerPart> => {
    const body = { model, prompt, raw: true, stream: false, logprobs: true, top_logprobs: Math.min(ALTERNATIVES, most), options };
    const answer = await connection.post('/api/generate', body, until, mostBytes(tokens, most));
    checkModel(host, answer, model);
    return answer;
  };
  return {
    kind: 'ollama',
    model,
    version,
    abilities: {
      scores: 'texts',
      alternatives: ALTERNATIVES,
      ids: false,
      takesIds: false,
      contextLength: context?.isThere === true ? context.number() : null,
      parameters: count.isThere ? count.number() : null,
    },
    tokenize: null,
    scoreText: null,
    scoreIds: null,
    weights: WEIGHTS.exec(textAt(shown, 'modelfile') ?? '')?.groups?.['hash']?.toLowerCase() ?? null,
    next: async (text, until) => {
      const answer = await ask(text, { ...UNFILTERED, num_predict: 1 }, 1, ALTERNATIVES, until);
      const [first] = rowsOf(answer, ALTERNATIVES);
      const [all, kept] = [answer.at('prompt_eval_count'), answer.at('prompt_eval_cached_count')];
      const counts = all.isThere ? [all.number(), ...(kept.isThere ? [all.number() + kept.number()] : [])] : [];
      return { top: first?.top ?? [], read: counts };
    },
    generate: async (prompt, { temperature, topK, topP, minP, seed, tokens, alternatives }, until) => {
      const options = { ...UNCHANGED, num_predict: tokens, temperature, top_k: topK, top_p: topP, min_p: minP, seed };
      const answer = await ask(textOnly(prompt), options, tokens, alternatives, until);
      const end = answer.at('done_reason');
      return {
        text: answer.at('response').text(),
        tokens: rowsOf(answer, alternatives),
        end: end.isThere ? end.text() : null,
      };
    },
  };
}

/** Its tokens with their alternatives. */
function rowsOf(answer: AnswerPart, most: number): readonly GeneratedToken[] {
  const rows = answer.at('logprobs');
  const told = <T extends Alternative>(each: T): T =>
    each.token.text?.includes('\ufffd') === true ? { ...each, token: { ...each.token, bytes: null } } : each;
  return rows.isThere
    ? rows
        .list()
        .map((row) => chatToken(row, most))
        .map((token) => ({ ...told(token), top: token.top.map(told) }))
    : [];
}

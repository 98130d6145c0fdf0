import { chatToken, mostBytes } from './answeredTokens.ts';
import type { Protocol } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';

const ALTERNATIVES = 20;

/**
 * Ollama, 0.12.11 or later. It neither takes nor tells ids and returns the probabilities of generated tokens alone, so that a given text is
 * not scored. Read in its documentation of /api/generate and /api/show.
 */
export async function ollamaProtocol(connection: EngineConnection, model: string, version: string, signal: AbortSignal): Promise<Protocol> {
  const facts = (await connection.post('/api/show', { model }, signal)).at('model_info');
  const count = facts.at('general.parameter_count');
  const architecture = facts.at('general.architecture');
  const context = architecture.isThere ? facts.at(`${architecture.text()}.context_length`) : null;
  return {
    kind: 'ollama',
    model,
    version,
    abilities: {
      scores: 'none',
      alternatives: ALTERNATIVES,
      ids: false,
      takesIds: false,
      contextLength: context?.isThere === true ? context.number() : null,
      parameters: count.isThere ? count.number() : null,
    },
    tokenize: null,
    scoreText: null,
    scoreIds: null,
    generate: async (text, { temperature, topK, topP, minP, seed, tokens, alternatives }, until) => {
      const body = {
        model,
        prompt: text,
        raw: true,
        stream: false,
        logprobs: true,
        top_logprobs: Math.min(ALTERNATIVES, alternatives),
        options: { num_predict: tokens, temperature, top_k: topK, top_p: topP, min_p: minP, seed },
      };
      const answer = await connection.post('/api/generate', body, until, mostBytes(tokens, alternatives));
      const rows = answer.at('logprobs');
      const end = answer.at('done_reason');
      return {
        text: answer.at('response').text(),
        tokens: rows.isThere ? rows.list().map((row) => chatToken(row, alternatives)) : [],
        end: end.isThere ? end.text() : null,
      };
    },
  };
}

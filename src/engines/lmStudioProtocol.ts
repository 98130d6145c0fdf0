import { checkModel, chatToken, mostBytes } from './answeredTokens.ts';
import { textOnly, type Protocol } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';
import type { ServedModel } from './servedModels.ts';

const ALTERNATIVES = 20;

/**
 * LM Studio: /v1/responses returns the log-probabilities of generated tokens; the text is read in the model's chat template. Read in its
 * documentation.
 */
export function lmStudioProtocol(connection: EngineConnection, served: ServedModel): Protocol {
  const { host } = connection;
  const model = served.id;
  return {
    kind: 'lm studio',
    model,
    version: null,
    abilities: {
      scores: 'none',
      alternatives: ALTERNATIVES,
      ids: false,
      takesIds: false,
      contextLength: served.contextLength,
      parameters: null,
    },
    tokenize: null,
    scoreText: null,
    scoreIds: null,
    next: null,
    weights: null,
    generate: async (prompt, { temperature, topP, tokens, alternatives }, signal) => {
      const body = {
        model,
        input: textOnly(prompt),
        include: ['message.output_text.logprobs'],
        top_logprobs: Math.min(ALTERNATIVES, alternatives),
        max_output_tokens: tokens,
        temperature,
        top_p: topP,
        stream: false,
      };
      const answer = await connection.post('/v1/responses', body, signal, mostBytes(tokens, alternatives));
      checkModel(host, answer, model);
      const parts = answer
        .at('output')
        .list()
        .filter((item) => item.at('type').value === 'message')
        .flatMap((item) => item.at('content').list())
        .filter((part) => part.at('type').value === 'output_text');
      const end = answer.at('status');
      return {
        text: parts.map((part) => part.at('text').text()).join(''),
        tokens: parts.flatMap((part) => {
          const rows = part.at('logprobs');
          return rows.isThere ? rows.list().map((row) => chatToken(row, alternatives)) : [];
        }),
        end: end.isThere ? end.text() : null,
      };
    },
  };
}

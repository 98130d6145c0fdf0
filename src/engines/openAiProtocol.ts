import { UserError } from '../core/errors.ts';
import { bestFirst, checkModel, mostBytes, mostTokens } from './answeredTokens.ts';
import type { AnswerPart } from './engineAnswer.ts';
import type { Alternative, EngineGeneration, EngineSampling, GeneratedToken, Protocol, ServerToken } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';
import type { ServedModel } from './servedModels.ts';

/** OpenAI's own limit for completions. */
const ALTERNATIVES = 5;
/** A text that tells whether an engine echoes log-probabilities. */
const PROBE = 'One two';

/**
 * Any other server that speaks OpenAI's completions. Some score a prompt by `echo` with `logprobs`: that is asked first, with a text of two
 * words. Tokens are told as texts, so that those that hold part of a character are placed only where their bytes are told ("bytes:\xe4").
 */
export async function openAiProtocol(connection: EngineConnection, served: ServedModel, signal: AbortSignal): Promise<Protocol> {
  const { host } = connection;
  const model = served.id;
  const echoed = async (text: string, alternatives: number, until: AbortSignal): Promise<readonly GeneratedToken[]> => {
    const body = { model, prompt: text, echo: true, logprobs: Math.max(1, alternatives), max_tokens: 1, temperature: 0 };
    const answer = await connection.post('/v1/completions', body, until, mostBytes(mostTokens(text), alternatives));
    checkModel(host, answer, model);
    const choice = answer.at('choices', 0);
    const tokens = completionTokens(choice.at('logprobs'), alternatives);
    const prompt = answer.at('usage', 'prompt_tokens');
    const read = prompt.isThere
      ? prompt.number()
      : choice
          .at('logprobs', 'text_offset')
          .list()
          .filter((at) => at.number() < text.length).length;
    return tokens.slice(0, read);
  };
  const scores = await echoed(PROBE, 1, signal).then(
    (tokens) => tokens.length > 0 && tokens.slice(1).every(({ logprob }) => !Number.isNaN(logprob)),
    (error: unknown) => {
      if (error instanceof UserError) return false;
      throw error;
    },
  );
  return {
    kind: 'openai-compatible',
    model,
    version: null,
    abilities: {
      scores: scores ? 'prompt' : 'none',
      alternatives: ALTERNATIVES,
      ids: false,
      takesIds: false,
      contextLength: served.contextLength,
      parameters: null,
    },
    tokenize: null,
    scoreIds: null,
    scoreText: scores
      ? async (text, { alternatives, signal: until }) =>
          (await echoed(text, alternatives, until)).map((token) => ({ ...token, rank: rankOfText(token.token, token.top) }))
      : null,
    next: null,
    weights: null,
    generate: (text, sampling, until) => completionGeneration(connection, model, text, sampling, until),
  };
}

function rankOfText({ text }: ServerToken, top: readonly Alternative[]): number {
  return top.findIndex(({ token }) => token.text === text) + 1;
}

/** A generation by /v1/completions. */
export async function completionGeneration(
  connection: EngineConnection,
  model: string,
  prompt: string | Int32Array,
  { temperature, topK, topP, minP, seed, tokens, alternatives }: EngineSampling,
  signal: AbortSignal,
): Promise<EngineGeneration> {
  const body = {
    model,
    prompt: typeof prompt === 'string' ? prompt : [...prompt],
    max_tokens: tokens,
    temperature,
    top_p: topP,
    seed,
    // Not of OpenAI: sent only where they do something.
    ...(topK > 0 ? { top_k: topK } : {}),
    ...(minP > 0 ? { min_p: minP } : {}),
    logprobs: alternatives,
  };
  const answer = await connection.post('/v1/completions', body, signal, mostBytes(tokens, alternatives));
  checkModel(connection.host, answer, model);
  const choice = answer.at('choices', 0);
  const told = choice.at('logprobs');
  const end = choice.at('finish_reason');
  return {
    text: choice.at('text').text(),
    tokens: told.isThere ? completionTokens(told, alternatives) : [],
    end: end.isThere ? end.text() : null,
  };
}

/** `{tokens, token_logprobs, top_logprobs}`. */
function completionTokens(logprobs: AnswerPart, alternatives: number): readonly GeneratedToken[] {
  const [values, tops] = [logprobs.at('token_logprobs'), logprobs.at('top_logprobs')];
  return logprobs
    .at('tokens')
    .list()
    .map((name, index) => {
      const row = tops.at(index);
      const top = row.isThere ? row.entries().map(([each, value]) => ({ token: namedToken(each), logprob: value.logprob() })) : [];
      return { token: namedToken(name.text()), logprob: values.at(index).logprob(index === 0), top: bestFirst(top, alternatives) };
    });
}

/** A token by its name: its text, or "bytes:\xe4\xbd", or "token_id:17". */
function namedToken(name: string): ServerToken {
  const nothing = { id: null, bytes: null, text: null, entry: null };
  if (/^token_id:\d{1,9}$/.test(name)) return { ...nothing, id: Number(name.slice('token_id:'.length)) };
  if (!/^bytes:(\\x[0-9a-f]{2})+$/.test(name)) return { ...nothing, text: name };
  const bytes = Array.from(name.matchAll(/\\x([0-9a-f]{2})/g), ([, byte = '0']) => Number.parseInt(byte, 16));
  return { ...nothing, bytes: Uint8Array.from(bytes), text: new TextDecoder().decode(Uint8Array.from(bytes)) };
}

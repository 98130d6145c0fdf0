import { describe, expect, it } from 'vitest';
import { predict } from '../../src/analysis/predictions.ts';
import { scoreText } from '../../src/analysis/windowScores.ts';
import { lastResidual } from '../../src/analysis/traceRows.ts';
import { promptedTokens } from '../../src/core/promptedTokens.ts';
import { UserError } from '../../src/core/errors.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { english } from '../../src/core/translatable.ts';
import type { EngineKind, Protocol } from '../../src/engines/engineApi.ts';
import { engineConnection, type EngineConnection } from '../../src/engines/engineConnection.ts';
import { nodeSend } from '../../src/engines/engineHttp.node.ts';
import { readText, type EngineText, type EngineTextOptions, type LocalTokenizer } from '../../src/engines/engineText.ts';
import { openEngine } from '../../src/engines/openEngine.ts';
import { PATIENCE } from '../../src/library/hub/retry.ts';
import { serversOf, startEngine } from './engineServer.ts';
import { SERVED_CONTEXT, SERVED_NAME, type Fault } from './protocolAnswers.ts';
import { openServedModel } from './servedModel.ts';

const TEXT = 'The café’s 价 is\n  she said.';
/** Of an emoji's bytes no token holds all. */
const SPLIT = 'A 🦜 bird';
const PROMPT_SCORERS: readonly EngineKind[] = ['vllm', 'sglang', 'tgi', 'openai-compatible'];
const SCORERS: readonly EngineKind[] = [...PROMPT_SCORERS, 'llama.cpp'];
const KINDS: readonly EngineKind[] = [...SCORERS, 'ollama', 'lm studio'];

const { served, serverOf } = serversOf(KINDS, openServedModel);
const never = new AbortController().signal;

const patience = { ...PATIENCE, attempts: 3, firstMs: 5, longestMs: 10, longestAskedMs: 2000 };

function connect(kind: EngineKind, key: string | null = null, limit = 8): EngineConnection {
  return engineConnection(serverOf(kind).address, { send: nodeSend(english), key, limit, patience });
}

async function opened(kind: EngineKind): Promise<Protocol> {
  return openEngine(connect(kind), null, never);
}

async function read(kind: EngineKind, text: string, more: Partial<EngineTextOptions> = {}): Promise<EngineText> {
  const connection = connect(kind);
  const protocol = await openEngine(connection, null, never);
  return readText(protocol, text, { host: connection.host, signal: never, alternatives: 5, tokenizer: null, stride: null, ...more });
}

/** What a server that does `fault` leads to. */
async function saidAt(kind: EngineKind, fault: Fault): Promise<string> {
  const protocol = await opened(kind);
  const server = serverOf(kind);
  server.fault = fault;
  try {
    await readText(protocol, TEXT, { host: 'here', signal: never, alternatives: 5, tokenizer: null, stride: null });
    return '';
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message;
  } finally {
    server.fault = null;
  }
}

describe('recognising an engine by asking it', () => {
  it.each(KINDS)('%s says what it is, and nothing of the user is sent', async (kind) => {
    const server = serverOf(kind);
    server.bodies.length = 0;
    const { kind: found, model, abilities } = await opened(kind);
    expect([found, model.replace(':latest', ''), abilities.contextLength]).toEqual([kind, SERVED_NAME, SERVED_CONTEXT]);
    const others: Partial<Record<EngineKind, string>> = { 'llama.cpp': 'requests', ollama: 'texts', 'lm studio': 'none' };
    expect(abilities.scores).toBe(others[kind] ?? 'prompt');
    expect(server.bodies.join('')).not.toContain('café');
  });

  it('names the models there are where the one named is not among them', async () => {
    await expect(openEngine(connect('vllm'), 'gpt-5', never)).rejects.toThrow(/serves no model gpt-5, but explain-tokens-9m\.$/);
  });

  it('says of an address that is no engine that it is none', async () => {
    const send = async (): Promise<{ status: number; headers: object; body: Uint8Array }> => ({
      status: 200,
      headers: {},
      body: new TextEncoder().encode('<html>Welcome to nginx!</html>'),
    });
    const page = engineConnection('http://localhost:80', { send: send as never, key: null, patience });
    await expect(openEngine(page, null, never)).rejects.toThrow('At http://localhost:80 is no engine that is known');
  });
});

describe('the numbers of an engine are those of the model that it serves', () => {
  it.each(SCORERS)('%s: log-probabilities, ranks, alternatives and places equal the local ones', async (kind) => {
    const local = served().tokenizer.encode(TEXT);
    const trace = await served().model.run(runOf(local.ids, UNCHANGED));
    const expected = await predict(served().model, lastResidual(trace), local.ids, 5, () => undefined);
    const { tokens, logprob, rank, top } = await read(kind, TEXT);
    expect(tokens.map(({ start, end, special, bytes, partial }) => ({ start, end, special, bytes, partial }))).toEqual(
      local.tokens.map(({ start, end, special, bytes, partial }) => ({ start, end, special, bytes, partial })),
    );
    if (kind !== 'openai-compatible') expect(tokens.map(({ id }) => id)).toEqual([...local.ids]);
    expect(logprob[0]).toBeNaN();
    for (let i = 1; i < logprob.length; i++) expect(Math.abs((logprob[i] ?? NaN) - (expected.logprob[i] ?? NaN))).toBeLessThan(1e-4);
    if (kind === 'tgi') return expect(top.flat()).toEqual([]);
    for (let i = 1; i < rank.length; i++) {
      const theirs = expected.rank[i] ?? 0;
      // What only tells alternatives knows a rank among them.
      expect(rank[i]).toBe(theirs > 5 && (kind === 'sglang' || kind === 'openai-compatible') ? 0 : theirs);
      expect(top[i]?.length).toBe(5);
      for (const [k, { token, logprob: own }] of (top[i] ?? []).entries()) {
        if (kind !== 'openai-compatible') expect(token.id).toBe(expected.topIds[(i - 1) * 5 + k]);
        expect(Math.abs(own - Math.log(expected.topProbs[(i - 1) * 5 + k] ?? 0))).toBeLessThan(1e-4);
      }
    }
  });

  it.each(['vllm', 'llama.cpp', 'openai-compatible'] as const)(
    '%s: tokens that hold parts of a character have their bytes',
    async (kind) => {
      const { tokens } = await read(kind, SPLIT);
      const local = served().tokenizer.encode(SPLIT).tokens;
      expect(local.some(({ partial }) => partial)).toBe(true);
      expect(tokens.map(({ bytes, start, end, partial }) => ({ bytes, start, end, partial }))).toEqual(
        local.map(({ bytes, start, end, partial }) => ({ bytes, start, end, partial })),
      );
    },
  );

  it.each(['sglang', 'tgi'] as const)(
    '%s tells no bytes: refused with the reason, and read with a tokenizer of the same model',
    async (kind) => {
      await expect(read(kind, SPLIT)).rejects.toThrow(/exactly/);
      const { tokens } = await read(kind, SPLIT, { tokenizer: served().tokenizer });
      expect(tokens).toEqual(served().tokenizer.encode(SPLIT).tokens);
    },
  );

  it('a tokenizer of another model is refused', async () => {
    const other = { encode: (text: string) => served().tokenizer.encode(` ${text}`) };
    await expect(read('sglang', TEXT, { tokenizer: other })).rejects.toThrow(
      /^The tokenizer is not that of the model at .* from token 1 on\.$/,
    );
  });

  it('a text longer than the context is read by windows side by side, to the same numbers as here', async () => {
    const text = 'All work and no play makes Jack a dull boy. '.repeat(9);
    const { ids } = served().tokenizer.encode(text);
    expect(ids.length).toBeGreaterThan(80);
    const server = serverOf('vllm');
    [server.open.most, server.together] = [0, 2];
    const shares: number[] = [];
    const { logprob, rule } = await read('vllm', text, { alternatives: 0, stride: 24, onProgress: (share) => shares.push(share) });
    expect(rule).toEqual({ length: 63, stride: 24 });
    const local = await scoreText(served().model, runOf(ids, UNCHANGED), { length: 63, stride: 24 }, UNWATCHED);
    expect(Math.max(...logprob.map((value, i) => (i === 0 ? 0 : Math.abs(value - (local.logprob[i] ?? NaN)))))).toBeLessThan(1e-4);
    expect([server.open.most <= 8, shares.at(-1)]).toEqual([true, 1]);
    server.together = 1;
  });

  it('a text that cannot be read at once by an engine that takes no ids is refused before it is sent', async () => {
    await expect(read('tgi', 'word '.repeat(80))).rejects.toThrow(/takes no ids, so this text of \d+ tokens/);
  });

  it('llama.cpp: the count of requests is told before any is sent, and can be refused', async () => {
    const server = serverOf('llama.cpp');
    const before = server.paths.filter((path) => path === '/completion').length;
    const onRequests = (requests: number): never => {
      throw new UserError(`${requests} requests`);
    };
    await expect(read('llama.cpp', TEXT, { onRequests })).rejects.toThrow(`${served().encode(TEXT).length - 1} requests`);
    expect(server.paths.filter((path) => path === '/completion').length).toBe(before);
  });

  it('LM Studio, which reads texts in a chat template, is told to score none; Ollama none of which the tokenizer is not here', async () => {
    await expect(read('lm studio', TEXT)).rejects.toThrow('returns no probabilities of a text as it is given');
    await expect(read('ollama', TEXT)).rejects.toThrow('returns the likeliest next tokens alone, so that the bits of a whole text');
  });

  it('sglang, which tells no bytes, is read with the tokenizer of the same model once its own tokens cannot be placed', async () => {
    const asked: string[] = [];
    const atHand = async (): Promise<LocalTokenizer> => ({ encode: (text) => (asked.push(text), served().tokenizer.encode(text)) });
    expect((await read('sglang', SPLIT, { atHand })).tokens).toEqual(served().tokenizer.encode(SPLIT).tokens);
    await read('sglang', TEXT, { atHand });
    expect(asked).toEqual([SPLIT]);
    const other = async (): Promise<LocalTokenizer> => ({ encode: (text) => served().tokenizer.encode(` ${text}`) });
    await expect(read('sglang', SPLIT, { atHand: other })).rejects.toThrow('The tokenizer is not that of the model at');
  });

  it.each(KINDS)('%s generates what the model does here, with the alternatives', async (kind) => {
    const protocol = await opened(kind);
    const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0, tokens: 3, alternatives: 4 };
    const { text, tokens } = await protocol.generate('Once upon a', sampling, never);
    const ids = served().encode('Once upon a');
    for (const { token, logprob, top } of tokens) {
      const best = (await served().after(ids, ids.length - 1))[0]?.top(4) ?? [];
      expect([token.text, top.length]).toEqual([served().text(best[0]?.id ?? -1), 4]);
      expect(Math.abs(logprob - (best[0]?.logprob ?? NaN))).toBeLessThan(1e-4);
      for (const [k, each] of top.entries()) expect(Math.abs(each.logprob - (best[k]?.logprob ?? NaN))).toBeLessThan(1e-4);
      ids.push(best[0]?.id ?? 0);
    }
    expect([tokens.length, text]).toEqual([3, tokens.map(({ token }) => token.text).join('')]);
  });
});

describe('Ollama, which tells the likeliest next tokens alone', () => {
  const tokenizer: LocalTokenizer = {
    encode: (text) => served().tokenizer.encode(text),
    prompted: async (text) => promptedTokens(served().tokenizer.encode, text),
  };

  it.each([TEXT, 'He said that the 🦜 was a bird'])('each token of “%s” is told exactly, or as what it is at most', async (text) => {
    const counts: number[] = [];
    const { tokens, logprob, rank, top } = await read('ollama', text, { tokenizer, onRequests: (count) => void counts.push(count) });
    const { ids, prompted } = promptedTokens(served().tokenizer.encode, text);
    const after = await served().after([...ids]);
    expect(tokens).toEqual(served().tokenizer.encode(text).tokens);
    const found = { told: 0, bounds: 0, untold: 0 };
    for (const [index, id] of ids.entries()) {
      const own = logprob[index] ?? NaN;
      const theirs = after[index - 1];
      if (prompted[index] !== 1) {
        found.untold++;
        expect([own, rank[index], top[index]]).toEqual([NaN, 0, []]);
        continue;
      }
      const isTold = (theirs?.rank(id) ?? 0) <= 20 && !served().text(id).includes('\ufffd');
      found[isTold ? 'told' : 'bounds']++;
      expect(top[index]?.length).toBe(5);
      expect(rank[index]).toBe(isTold ? theirs?.rank(id) : 0);
      if (isTold) expect(Math.abs(own - (theirs?.logprob(id) ?? NaN))).toBeLessThan(1e-4);
      else expect(own).toBeGreaterThan((theirs?.logprob(id) ?? NaN) - 1e-6);
    }
    expect(counts).toEqual([found.told + found.bounds]);
    expect([found.told > 0, found.bounds > 0, found.untold > 0]).toEqual([true, true, true]);
  });

  it.each([
    ['wrong ids', /read \d+ tokens where the model’s file on this machine has \d+/],
    ['fewer alternatives', /returns 10 alternatives where 20 were asked for/],
    ['another model', /answers with the model someone\/else/],
  ] as const)('one that does “%s” is refused', async (fault, sentence) => {
    serverOf('ollama').fault = fault;
    try {
      await expect(read('ollama', TEXT, { tokenizer })).rejects.toThrow(sentence);
    } finally {
      serverOf('ollama').fault = null;
    }
  });

  it('asks for the model’s own probabilities, without a filter or a penalty', async () => {
    const server = serverOf('ollama');
    await read('ollama', 'One two', { tokenizer });
    expect(JSON.parse(server.bodies.at(-1) ?? '')).toMatchObject({
      raw: true,
      top_logprobs: 20,
      options: { temperature: 1, top_k: 0, top_p: 1, min_p: 0, repeat_penalty: 1, num_predict: 1 },
    });
  });
});

describe('an engine that misbehaves', () => {
  it.each([
    ['401', /wants a key \(401\)/],
    ['429', /has too many requests from here/],
    ['500', /answers with error 500: CUDA out of memory$/],
    ['cut off', /cut off|failed/],
    ['no json', /is cut off, or no JSON/],
    ['no utf-8', /is not UTF-8 text/],
    ['huge', /gives an answer that does not end/],
    ['wrong ids', /answers about other tokens: at 3/],
    ['fewer tokens', /answers about \d+ tokens where \d+ were asked for/],
    ['another model', /answers with the model someone\/else, not with explain-tokens-9m/],
    ['redirect away', /redirects to localhost:\d+: nothing was sent there/],
  ] as const)('%s is one sentence', async (fault, sentence) => {
    expect(await saidAt('vllm', fault)).toMatch(sentence);
  });

  it.each(['sglang', 'tgi'] as const)('%s: ids that were not asked for are told', async (kind) => {
    expect(await saidAt(kind, 'wrong ids')).toMatch(/other tokens: at 3/);
    expect(await saidAt(kind, 'fewer tokens')).toMatch(/answers about \d+ tokens where/);
  });

  it('fewer alternatives than asked for are those there are', async () => {
    const protocol = await opened('vllm');
    serverOf('vllm').fault = 'fewer alternatives';
    const { top } = await readText(protocol, TEXT, { host: '', signal: never, alternatives: 8, tokenizer: null, stride: null });
    serverOf('vllm').fault = null;
    expect(top.slice(1).map(({ length }) => length)).toEqual(top.slice(1).map(() => 4));
  });

  it('waits as long as Retry-After says, with all requests, and goes on', async () => {
    const server = serverOf('vllm');
    Object.assign(server, { busy: 1, retryAfter: '1' });
    const began = Date.now();
    const { logprob } = await read('vllm', TEXT);
    expect(logprob.length).toBeGreaterThan(10);
    expect(Date.now() - began).toBeGreaterThan(950);
    server.retryAfter = undefined;
  });

  it('is left alone at once when the work is cancelled', async () => {
    const server = serverOf('vllm');
    const protocol = await opened('vllm');
    server.fault = 'silent';
    const stop = new AbortController();
    const reading = readText(protocol, TEXT, { host: '', signal: stop.signal, alternatives: 0, tokenizer: null, stride: null });
    await expect.poll(() => server.open.now).toBe(1);
    stop.abort();
    await expect(reading).rejects.toThrow('cancelled');
    await expect.poll(() => server.open.now).toBe(0);
    server.fault = null;
  });

  it('gets the key at its own address alone, and never unencrypted from another machine', async () => {
    const server = await startEngine('vllm', served(), { key: 'secret' });
    const options = { send: nodeSend(english), patience };
    await expect(openEngine(engineConnection(server.address, { ...options, key: null }), null, never)).rejects.toThrow(
      /wants a key \(401\)/,
    );
    await expect(openEngine(engineConnection(server.address, { ...options, key: 'wrong' }), null, never)).rejects.toThrow(
      /does not take the key/,
    );
    const { kind } = await openEngine(engineConnection(server.address, { ...options, key: 'secret' }), null, never);
    expect([kind, server.keys.at(-1)]).toEqual(['vllm', 'Bearer secret']);
    expect(() => engineConnection('http://10.0.0.1:8000', { ...options, key: 'secret' })).toThrow(/the key is not sent there/);
    await server.close();
  });
});

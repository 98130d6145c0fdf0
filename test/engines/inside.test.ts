// What engines return of a model's inside, by servers that answer from a tiny model with experts: it must be what is computed here.
import { beforeAll, describe, expect, it } from 'vitest';
import { lastResidual } from '../../src/analysis/traceRows.ts';
import { UserError } from '../../src/core/errors.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { tensor } from '../../src/core/tensor.ts';
import { english, translated } from '../../src/core/translatable.ts';
import type { EngineKind } from '../../src/engines/engineApi.ts';
import { engineConnection } from '../../src/engines/engineConnection.ts';
import { engineExplanation, type EngineExplanation } from '../../src/engines/engineExplanation.ts';
import { nodeSend } from '../../src/engines/engineHttp.node.ts';
import { openEngine, type OpenedEngine } from '../../src/engines/openEngine.ts';
import { routingOf } from '../../src/engines/routedExperts.ts';
import { openGolden } from '../golden/oracle.ts';
import { FIXTURES } from '../golden/compare.ts';
import { folder } from '../unit/model/folder.ts';
import { serversOf } from './engineServer.ts';
import type { Fault } from './protocolAnswers.ts';
import { openRoutedModel, ROUTED_TEXT } from './routedModel.ts';

const KINDS = ['vllm', 'sglang'] as const;
const never = new AbortController().signal;
const { served, serverOf } = serversOf(KINDS, openRoutedModel);
let ids: Int32Array;

beforeAll(() => void ({ ids } = served().tokenizer.encode(ROUTED_TEXT)));

async function opened(kind: EngineKind): Promise<OpenedEngine> {
  const { address } = serverOf(kind);
  const connection = engineConnection(address, { send: nodeSend(english), key: null });
  return { protocol: await openEngine(connection, null, never), address, host: 'gpu-box' };
}

async function read(kind: EngineKind, fault: Fault = null, text = ROUTED_TEXT): Promise<EngineExplanation> {
  const engine = await opened(kind);
  serverOf(kind).fault = fault;
  try {
    return await engineExplanation(engine, { text, topK: 5 }, { signal: never, tokenizer: null, agree: async () => undefined });
  } finally {
    serverOf(kind).fault = null;
  }
}

/** The sentence with which vectors are refused. */
async function refusedVectors(fault: Fault, of = ids): Promise<string> {
  const { protocol } = await opened('sglang');
  serverOf('sglang').fault = fault;
  try {
    await protocol.hiddenStates?.(of, never);
    return '';
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message.replace(/^(?:The hidden states that )?\S+:\d+ /, '');
  } finally {
    serverOf('sglang').fault = null;
  }
}

describe('the experts of tokens', () => {
  it.each(KINDS)('%s: are those that the model chooses here, in its layers that have any', async (kind) => {
    const { explanation, experts } = await read(kind);
    const trace = await served().model.run(runOf(ids, UNCHANGED));
    expect(trace.experts?.map((own) => own !== null)).toEqual([false, true, true]);
    const largest = Math.max(...(trace.experts ?? []).flatMap((own) => [...(own?.ids ?? [])]));
    expect(explanation.model.served?.routing).toEqual({ layers: [1, 2], chosen: 2, least: largest + 1 });
    expect(explanation.model.notices).toBeUndefined();
    for (const layer of [1, 2]) {
      if (experts === null) throw new Error('No experts are told.');
      const { ids: own, weights, chosen, count } = routingOf(experts, layer);
      expect([...own]).toEqual([...(trace.experts?.[layer]?.ids ?? [])]);
      expect([weights, chosen, count]).toEqual([null, 2, largest + 1]);
    }
  });

  it('are asked for only where SGLang says that it returns them', async () => {
    const server = serverOf('sglang');
    server.bodies.length = 0;
    await read('sglang');
    expect(server.bodies.filter((body) => body.includes('"return_routed_experts":true'))).toHaveLength(1);
  });

  it.each([
    ['vllm', 'experts cut off', 'gives an answer that cannot be used: choices[0].routed_experts is not base64.'],
    ['sglang', 'experts cut off', 'gives an answer that cannot be used: meta_info.routed_experts is not base64.'],
    ['vllm', 'experts of fewer tokens', 'an array of 51 × 3 × 2 is none of 52 tokens, layers and experts.'],
    ['sglang', 'experts of fewer tokens', '1224 bytes are none of 52 tokens.'],
    ['vllm', 'experts as fractions', 'they are no whole array of whole numbers, as NumPy writes it.'],
    ['sglang', 'experts as fractions', 'numbers of the type float32 are not known.'],
    ['vllm', 'experts beyond all', '32000 is no number of an expert.'],
    ['sglang', 'experts beyond all', '32000 is no number of an expert.'],
    ['sglang', 'no experts', 'meta_info.routed_experts is not a text.'],
  ] as const)('%s, %s: a sentence says so, and all else of the answer is there', async (kind, fault, sentence) => {
    const right = await read(kind);
    const { explanation, experts } = await read(kind, fault);
    expect(explanation.logprob).toEqual(right.explanation.logprob);
    expect(explanation.tokens).toEqual(right.explanation.tokens);
    expect([experts, explanation.model.served?.routing]).toEqual([null, undefined]);
    expect(explanation.model.notices?.map((notice) => translated(notice, english))).toEqual([expect.stringContaining(sentence)]);
  });

  it('are not missed where vLLM was not started to tell them', async () => {
    const { explanation, experts } = await read('vllm', 'no experts');
    expect([experts, explanation.model.notices, explanation.model.served?.routing]).toEqual([null, undefined, undefined]);
  });

  it('of a text too short for SGLang’s numbers, which have no shape, are not guessed', async () => {
    const { explanation } = await read('sglang', null, 'cat');
    expect(explanation.model.notices?.map((notice) => translated(notice, english))[0]).toContain(
      'how many experts a token is routed to is not told, and cannot be told from the numbers of 3 tokens: a longer text may do.',
    );
    expect((await read('vllm', null, 'cat')).explanation.model.served?.routing?.chosen).toBe(2);
  });
});

describe('hidden states', () => {
  it('are what the unembedding reads: with its matrix they are the logits', async () => {
    const { protocol } = await opened('sglang');
    const hidden = await protocol.hiddenStates?.(ids, never);
    expect(hidden?.dims).toEqual([ids.length, served().model.info.dim]);
    const weights = await openGolden(folder(`${FIXTURES}/families/deepseek_v3.1`), 'model.safetensors');
    const name = weights.names.includes('lm_head.weight') ? 'lm_head.weight' : 'model.embed_tokens.weight';
    const { data } = await weights.floats(name);
    const { dim, vocab } = served().model.info;
    const trace = await served().model.run(runOf(ids, UNCHANGED));
    const logits = (await served().model.logits(lastResidual(trace))).data;
    for (let token = 0; token < ids.length; token++)
      for (let id = 0; id < vocab; id++) {
        let sum = 0;
        for (let i = 0; i < dim; i++) sum += (hidden?.data[token * dim + i] ?? NaN) * (data[id * dim + i] ?? NaN);
        expect(Math.abs(sum - (logits[token * vocab + id] ?? NaN))).toBeLessThan(1e-4);
      }
    expect(hidden).toEqual(tensor([ids.length, dim], Float32Array.from((await served().hidden([...ids])).flat())));
  });

  it('are not part of an explanation: they are asked for by themselves', async () => {
    const server = serverOf('sglang');
    server.bodies.length = 0;
    expect((await read('sglang')).explanation.model.served?.hiddenStates).toBe(true);
    expect(server.bodies.join('')).not.toContain('return_hidden_states');
    expect((await read('vllm')).explanation.model.served?.hiddenStates).toBeUndefined();
  });

  it.each([
    ['hidden states of fewer tokens', 'returns the hidden states of 42 tokens where those of 52 were asked for.'],
    ['hidden states of unequal length', 'returns are not as many numbers for each token.'],
    ['no hidden states', 'gives an answer that cannot be used: meta_info.hidden_states is not a list.'],
    ['wrong ids', 'answers about other tokens: at 3 about'],
  ] as const)('%s are refused in a sentence', async (fault, sentence) => {
    expect(await refusedVectors(fault)).toContain(sentence);
  });

  it('of a long text are not asked for', async () => {
    const server = serverOf('sglang');
    server.bodies.length = 0;
    expect(await refusedVectors(null, new Int32Array(513))).toContain('of 512 tokens at most: this text has 513.');
    expect(server.bodies.filter((body) => body.includes('hidden'))).toEqual([]);
  });
});

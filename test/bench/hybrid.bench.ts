import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readDecoder } from '../../src/model/families/families.ts';
import type { StoredTensor } from '../../src/model/formats/storedTensor.ts';
import { trunkGraph } from '../../src/model/graph/decoder.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { native, wasm } from '../golden/compare.ts';
import { qwenHybridShapes, writeRandomQwenHybrid } from './randomModel.ts';
import { median, record } from './report.ts';
import { BUNDLED } from './text.ts';

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-hybrid-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const TOKENS = 256;
const REPEATS = 7;
const LAYERS = 2;
/** Longest prefill of a layer that keeps a state, in times of one with attention; a token decoded takes no longer than there. */
const MOST = { native: 1.5, wasm: 2 } as const;
/** Longest time in which the graph of 64 layers is built and written, in milliseconds. */
const GRAPH_MS = 400;

/** Layers of the shape of Qwen 3.5 0.8B, with and without attention. The two alternate, so that a busy machine slows both. */
test.each(['native', 'wasm'] as const)(
  'a layer that keeps a state against one with attention, %s',
  async (runtime) => {
    const kinds = ['full_attention', 'linear_attention'] as const;
    const models = await Promise.all(
      kinds.map(async (kind) => {
        const folder = join(scratch, kind);
        writeRandomQwenHybrid(folder, BUNDLED, kind, LAYERS);
        return openLanguageModel(await folderFiles(folder), runtime === 'native' ? native() : await wasm());
      }),
    );
    const prefill: [number[], number[]] = [[], []];
    const decode: [number[], number[]] = [[], []];
    for (let repeat = 0; repeat <= REPEATS; repeat++) {
      const ids = Int32Array.from({ length: TOKENS + 1 }, (_, i) => ((i + repeat) * 37) % 1000);
      for (const [index, model] of models.entries()) {
        const start = performance.now();
        const trace = await model.run(runOf(ids.slice(0, TOKENS), UNCHANGED));
        prefill[index]?.push((performance.now() - start) / LAYERS);
        const sequence = model.sequence();
        sequence.adopt(trace);
        const between = performance.now();
        await sequence.read(runOf(ids, UNCHANGED));
        decode[index]?.push((performance.now() - between) / LAYERS);
      }
    }
    for (const model of models) await model.dispose();
    const [attention, state] = prefill.map((times) => median(times.slice(1)));
    const [attentionToken, stateToken] = decode.map((times) => median(times.slice(1)));
    const ratio = (state ?? Number.NaN) / (attention ?? Number.NaN);
    const tokenRatio = (stateToken ?? Number.NaN) / (attentionToken ?? Number.NaN);
    record('a layer that keeps a state', {
      runtime,
      'attention, prefill ms': attention ?? Number.NaN,
      'gated delta net, prefill ms': state ?? Number.NaN,
      ratio,
      'attention, a token ms': attentionToken ?? Number.NaN,
      'gated delta net, a token ms': stateToken ?? Number.NaN,
      'ratio of a token': tokenRatio,
    });
    expect(ratio).toBeLessThanOrEqual(MOST[runtime]);
    expect(tokenRatio).toBeLessThanOrEqual(1);
  },
  600_000,
);

test('the graph of 64 layers', () => {
  const { config, shapes } = qwenHybridShapes('mixed', 64);
  const stored = new Map<string, StoredTensor>(
    shapes.map(([name, shape]) => [name, { name, dtype: 'F32', shape, file: 'model.safetensors', offset: 0, length: 4 }]),
  );
  const { spec } = readDecoder(config, stored);
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    trunkGraph(spec, 0, spec.blocks.length).encode(({ file, offset }) => ({ location: file, offset }));
    return performance.now() - start;
  });
  record('the graph of 64 layers', { 'first ms': times[0] ?? Number.NaN, 'median ms': median(times) });
  expect(median(times)).toBeLessThanOrEqual(GRAPH_MS);
});

import { expect, test } from 'vitest';
import { readDecoder } from '../../../src/model/families/families.ts';
import type { Block, DecoderSpec } from '../../../src/model/families/spec.ts';
import { openWeights } from '../../../src/model/formats/weights.ts';
import type { Runtime, SessionMemory } from '../../../src/model/run/runtime.ts';
import { openSessions } from '../../../src/model/run/sessions.ts';
import { FIXTURES } from '../../golden/compare.ts';
import { folder, readJsonFile } from './folder.ts';

/** Bytes of a small model's weights. */
const SMALL = 1e6;

/** A runtime that opens nothing, and tells which sessions are open by the weights of their graphs, and what each was to hold on to. */
function countingRuntime(): { readonly runtime: Runtime; readonly open: Set<string>; readonly held: (SessionMemory | undefined)[] } {
  const open = new Set<string>();
  const held: (SessionMemory | undefined)[] = [];
  const runtime: Runtime = {
    kind: 'wasm',
    threads: 1,
    sessionPerLayer: true,
    dequantizedMaxBytes: Infinity,
    openSession: async (graph, _files, memory) => {
      held.push(memory);
      const name = [...graph.weights.keys()].find((weight) => weight.includes('down_proj')) ?? '';
      open.add(name);
      return { run: () => Promise.reject(new Error('nothing runs here')), release: async () => void open.delete(name) };
    },
  };
  return { runtime, open, held };
}

async function llama(side: number): Promise<DecoderSpec> {
  const files = folder(`${FIXTURES}/llama`);
  const { spec } = readDecoder(await readJsonFile(`${FIXTURES}/llama/config.json`), await openWeights(files));
  const wide = (block: Block): Block => {
    const { mlp } = block;
    if (mlp.kind !== 'gated') throw new Error(mlp.kind);
    return { ...block, mlp: { ...mlp, down: { ...mlp.down, weight: { ...mlp.down.weight, shape: [side, side] } } } };
  };
  return { ...spec, blocks: spec.blocks.map(wide) };
}

test.each([
  [16, 2],
  [5000, 1],
])('of layers whose rows were looked at, those %i wide stay open: %i', async (side, left) => {
  const { runtime, open } = countingRuntime();
  const sessions = openSessions(await llama(side), folder(`${FIXTURES}/llama`), runtime, SMALL);
  await sessions.row(0);
  expect(open.size).toBe(1);
  await sessions.row(1);
  expect(open.size).toBe(left);
  expect([...open]).toContain('model.layers.1.mlp.down_proj.weight');
  await sessions.row(0);
  expect([...open]).toContain('model.layers.0.mlp.down_proj.weight');
  await sessions.dispose();
  expect(open.size).toBe(0);
});

test.each([
  [2, [1, 2]],
  [7, [3, 6, 7]],
  [12, [4, 8, 12]],
])('where a session holds several layers, %i are divided between a few, so that a piece of a text is long', async (layers, ends) => {
  const { runtime } = countingRuntime();
  const spec = await llama(16);
  const blocks = Array.from({ length: layers }, (_, layer) => spec.blocks[layer % spec.blocks.length] ?? []).flat();
  const together = { ...runtime, kind: 'native', sessionPerLayer: false } as const;
  const sessions = openSessions({ ...spec, blocks }, folder(`${FIXTURES}/llama`), together, SMALL);
  const parts = await sessions.trunk(() => undefined);
  expect(parts.map(({ to }) => to)).toEqual(ends);
  expect(parts.map(({ from }) => from)).toEqual([0, ...ends.slice(0, -1)]);
  await sessions.dispose();
});

test.each([
  ['a small model', 538_000_000, 'packed'],
  ['one of half a billion parameters', 1_976_000_000, 'kept'],
] as const)('weights of %s, of %i bytes, are %s by what reads every text', async (_name, bytes, memory) => {
  const { runtime, held } = countingRuntime();
  const spec = await llama(16);
  const sessions = openSessions(spec, folder(`${FIXTURES}/llama`), runtime, bytes);
  await sessions.trunk(() => undefined);
  expect(new Set(held)).toEqual(new Set([memory]));
  expect(held.length).toBe(spec.blocks.length + 1);
  await sessions.row(0);
  expect(held.at(-1)).toBeUndefined();
  await sessions.dispose();
});

test('a layer that there is not has no row', async () => {
  const { runtime } = countingRuntime();
  await expect(openSessions(await llama(16), folder(`${FIXTURES}/llama`), runtime, SMALL).row(9)).rejects.toThrow(RangeError);
});

import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, tensor } from '../../src/core/tensor.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import type { Direct } from '../../src/model/path/directCalls.ts';
import { firstCases } from '../firstCases.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase, wasm } from './compare.ts';
import { noteWorst, writeWorst } from './familyTable.ts';
import { expectClose, openGolden, type Golden } from './oracle.ts';

/** Share of the largest part that a sum or a part may be off. */
const TOLERANCE = 1e-4;
const CASES = ['gpt2', 'llama', ...readdirSync(`${FIXTURES}/families`)];

/** Case -> worst difference of both runtimes. */
const worst = new Map<string, number>();
afterAll(() => writeWorst('sums', worst));

function sum(numbers: Iterable<number>): number {
  return Array.from(numbers).reduce((total, number) => total + number, 0);
}

function partsOf({ embedding, layers, rest }: Direct): readonly number[] {
  return [embedding, rest, ...layers.flatMap(({ heads, mlp, perLayer = 0, rest: biases }) => [...heads, mlp, perLayer, biases])];
}

describe.each([
  ['WASM', wasm],
  ['native', native],
])('parts of a logit, %s', (_, open) => {
  let expected: Golden;
  beforeAll(async () => {
    expected = await openGolden(folder(FIXTURES), 'direct.safetensors');
  });

  test.each(firstCases(CASES))('of %s sum to it', async (name) => {
    const { model, ids } = await openCase(name, await open());
    try {
      const known = expected.names.includes(`${name}/heads`);
      const [token = 4, rival = 9] = known ? await expected.wholeNumbers(`${name}/token`) : [];
      const trace = await model.run(runOf(ids, UNCHANGED));
      const found = await model.direct(trace, { kind: 'logit', position: ids.length - 1, token, rival });
      const parts = partsOf(found);
      const most = Math.max(Math.abs(found.target), ...parts.map(Math.abs));
      const off = Math.abs(sum(parts) - found.target) / most;
      expect(off).toBeLessThanOrEqual(TOLERANCE);
      noteWorst(worst, name, off);
      for (const { heads, sources } of found.layers) {
        for (const [head, part] of heads.entries()) {
          const row = sources.data.subarray(head * ids.length, (head + 1) * ids.length);
          expect(Math.abs(sum(row) - part) / most).toBeLessThanOrEqual(TOLERANCE);
        }
      }
      if (!known) return;
      const count = at((await expected.floats(`${name}/heads`)).dims, 1);
      const heads = tensor([found.layers.length, count], Float32Array.from(found.layers.flatMap((layer) => [...layer.heads])));
      expectClose(heads, await expected.floats(`${name}/heads`), `${name}/heads`, TOLERANCE);
      const mlp = tensor(
        [found.layers.length],
        Float32Array.from(found.layers, (layer) => layer.mlp),
      );
      expectClose(mlp, await expected.floats(`${name}/mlp`), `${name}/mlp`, TOLERANCE);
      for (const of of ['target', 'embedding'] as const)
        expectClose(tensor([1], Float32Array.of(found[of])), await expected.floats(`${name}/${of}`), `${name}/${of}`, TOLERANCE);
    } finally {
      await model.dispose();
    }
  });
});

test('a model without biases has nothing in the rest', async () => {
  const model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
  const { layers, rest, target } = await model.direct(await model.run(runOf(Int32Array.of(5, 6, 7, 8), UNCHANGED)), {
    kind: 'logit',
    position: 2,
    token: 3,
  });
  for (const part of [rest, ...layers.map((layer) => layer.rest)]) expect(Math.abs(part)).toBeLessThan(1e-5 * Math.abs(target) + 1e-5);
  await model.dispose();
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import type { Neighbours, TableVector } from '../../src/core/vectors.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { neighbours } from '../../src/worker/vectors.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/api.ts';
import { wasm } from '../golden/compare.ts';
import { folder } from '../unit/model/folder.ts';

const root = join(import.meta.dirname, '..', '..');

interface ExpectedNeighbours {
  readonly terms: TableVector;
  readonly ids: readonly number[];
  readonly cosines: readonly number[];
  readonly compared: number;
  readonly length: number;
}
interface Expected {
  readonly bundled: {
    readonly words: Readonly<Record<string, { readonly spaced: readonly number[]; readonly plain: readonly number[] }>>;
    readonly neighbours: readonly ExpectedNeighbours[];
    readonly map: { readonly ids: readonly (readonly number[])[]; readonly points: readonly number[][]; readonly explained: readonly number[]; readonly norms: readonly number[]; readonly cosines: readonly number[][] };
    readonly text: string;
    readonly ids: readonly number[];
    readonly first: number;
    readonly second: number;
    readonly similarity: readonly { readonly layer: number; readonly cosines: readonly number[][] }[];
    readonly wordByLayer: { readonly cosines: readonly number[]; readonly typical: readonly number[] };
    readonly lensTop: readonly { readonly layer: number; readonly ids: readonly number[]; readonly probs: readonly number[] }[];
  };
  readonly gpt2: { readonly neighbours: readonly ExpectedNeighbours[] };
}
const { bundled, gpt2 } = JSON.parse(readFileSync(join(root, 'test/fixtures/models/vectors.json'), 'utf8')) as Expected;

function expectNear(found: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(found.length).toBe(expected.length);
  expect(Math.max(...expected.map((value, i) => Math.abs(value - at(found, i))))).toBeLessThanOrEqual(tolerance);
}

/** The same neighbours: where two cosines differ by less than rounding, their order is open. */
function expectNeighbours(found: Neighbours, expected: ExpectedNeighbours): void {
  expectNear(found.cosines.subarray(0, expected.cosines.length), expected.cosines, 1e-6);
  expect(found.compared).toBe(expected.compared);
  expect(found.length).toBeCloseTo(expected.length, 5);
  expected.ids.forEach((id, i) => {
    const tied = expected.ids.filter((_, j) => Math.abs((expected.cosines[j] ?? 0) - (expected.cosines[i] ?? 0)) < 1e-6);
    if (i < expected.ids.length - 1) expect(tied).toContain(found.ids[i]);
    else expect(Math.abs(at(found.cosines, i) - (expected.cosines[i] ?? 0)), `${id}`).toBeLessThan(1e-6);
  });
}

describe('vectors of the bundled model, against NumPy and PyTorch', () => {
  let connection: Connection<WorkerApi>;
  beforeAll(async () => {
    connection = connect<WorkerApi>(startNodeWorker(join(root, 'dist'), { runtime: 'wasm' }));
    await connection.remote.open({ kind: 'folder', name: 'explain-tokens-9m', path: join(root, 'media/models/explain-tokens-9m') });
  });
  afterAll(() => connection.dispose());

  it.each(bundled.neighbours.map((expected) => [expected.terms.map(({ ids, weight }) => `${weight} x ${ids.join('+')}`).join(' '), expected] as const))('finds the exact neighbours of %s in the whole table', async (_, expected) => {
    expectNeighbours(await connection.remote.neighbours(expected.terms, 12), expected);
  });

  it('reads typed words as the tokenizer does, the fewest tokens first', async () => {
    const texts = Object.keys(bundled.words);
    const { words } = await connection.remote.words(texts);
    for (const word of words) {
      const { spaced = [], plain = [] } = bundled.words[word.text] ?? {};
      const whole = [spaced, plain].sort((a, b) => a.length - b.length);
      expect(word.readings.slice(0, 2).map(({ ids }) => ids), word.text).toEqual(whole);
      expect(word.readings.slice(2).map(({ ids }) => ids), word.text).toEqual((whole[0]?.length ?? 0) > 1 ? [...new Set(whole[0])].map((id) => [id]) : []);
    }
    expect(words.find(({ text }) => text === '苹果')?.readings[0]?.pieces).toEqual(['苹', '果']);
    expect((await connection.remote.words([''])).words[0]?.readings.length).toBe(1);
  });

  it('finds the principal components and cosines of words', async () => {
    const { map } = bundled;
    const found = await connection.remote.vectorMap(map.ids.map((ids) => [{ ids, weight: 1 }]));
    expectNear(found.points, map.points.flat(), 1e-5);
    expectNear(found.explained, map.explained, 1e-5);
    expectNear(found.norms, map.norms, 1e-5);
    expectNear(found.cosines, map.cosines.flat(), 1e-6);
  });

  it('measures how alike all tokens are at any layer', async () => {
    for (const { layer, cosines } of bundled.similarity) expectNear((await connection.remote.similarity(Int32Array.from(bundled.ids), layer)).cosines, cosines.flat(), 2e-5);
  });

  it('follows one word at two places through the layers, in one text and as if in two', async () => {
    const ids = Int32Array.from(bundled.ids);
    const found = await connection.remote.wordByLayer({ ids, token: bundled.first }, { ids, token: bundled.second });
    expectNear(found.cosines, bundled.wordByLayer.cosines, 2e-5);
    expectNear(found.typical, bundled.wordByLayer.typical, 2e-5);
    expect(at(found.cosines, 0)).toBe(1);
    const { tokens, length } = await connection.remote.readText(bundled.text);
    expect([tokens.map(({ id }) => id), length]).toEqual([bundled.ids, bundled.text.length]);
    // A text that ends after the first place: nothing of what follows was seen there.
    const short = await connection.remote.wordByLayer({ ids: ids.slice(0, bundled.first + 1), token: bundled.first }, { ids, token: bundled.second });
    expectNear(short.cosines, bundled.wordByLayer.cosines, 2e-5);
  });

  it('reads a token through the final norm and unembedding at any layer', async () => {
    for (const { layer, ids, probs } of bundled.lensTop) {
      const found = await connection.remote.lensTop(Int32Array.from(bundled.ids), layer, bundled.first, ids.length);
      expect([...found.ids]).toEqual(ids);
      expectNear(found.probs, probs, 1e-5);
    }
  });

  it('has no neighbours for a sum of nothing, and refuses ids outside the table', async () => {
    const none = await connection.remote.neighbours([{ ids: [500], weight: 1 }, { ids: [500], weight: -1 }], 5);
    expect([none.ids.length, none.length]).toEqual([0, 0]);
    await expect(connection.remote.neighbours([{ ids: [16_384], weight: 1 }], 5)).rejects.toThrow('outside the embedding table');
    await expect(connection.remote.readText('')).rejects.toThrow('no text');
    expect((await connection.remote.neighbours([{ ids: [7], weight: 1 }], 100_000)).ids.length).toBe(16_383);
  });
});

describe('vectors of a GPT-2 in float32, against NumPy', () => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await openLanguageModel(folder('test/fixtures/models/gpt2'), await wasm());
  });
  afterAll(() => model.dispose());

  it('finds the exact neighbours', async () => {
    for (const expected of gpt2.neighbours) expectNeighbours(await neighbours(model, expected.terms, 12, String), expected);
  });
});

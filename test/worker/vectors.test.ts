import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import type { Neighbours, TableVector, TypicalPair, VectorFrame } from '../../src/core/vectors.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { neighbours } from '../../src/analysis/tokenVectors.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { expectNear, nonEmpty } from '../closeness.ts';
import { wasm } from '../golden/compare.ts';
import { folder } from '../unit/model/folder.ts';

const root = join(import.meta.dirname, '..', '..');

interface Framed {
  readonly frame: VectorFrame;
}
interface ExpectedNeighbours extends Framed {
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
    readonly map: readonly (Framed & {
      readonly ids: readonly (readonly number[])[];
      readonly points: readonly number[][];
      readonly explained: readonly number[];
      readonly norms: readonly number[];
      readonly cosines: readonly number[][];
    })[];
    readonly typical: Readonly<Record<VectorFrame, TypicalPair>>;
    readonly text: string;
    readonly ids: readonly number[];
    readonly first: number;
    readonly second: number;
    readonly similarity: readonly (Framed & {
      readonly layer: number;
      readonly cosines: readonly number[][];
      readonly typical: TypicalPair;
    })[];
    readonly wordByLayer: readonly (Framed & { readonly cosines: readonly number[]; readonly typical: readonly number[] })[];
    /** The text's first `tokens` as a text of their own, and the whole. */
    readonly twoTexts: { readonly tokens: number; readonly cosines: readonly number[] };
    readonly lensTop: readonly { readonly layer: number; readonly ids: readonly number[]; readonly probs: readonly number[] }[];
  };
  readonly gpt2: { readonly neighbours: readonly ExpectedNeighbours[]; readonly typical: Readonly<Record<VectorFrame, TypicalPair>> };
}
const { bundled, gpt2 } = JSON.parse(readFileSync(join(root, 'test/fixtures/models/vectors.json'), 'utf8')) as Expected;

function expectTypical(found: TypicalPair, expected: TypicalPair): void {
  expectNear([found.mean, found.deviation], [expected.mean, expected.deviation], 2e-6);
}

/** The same neighbours: where two cosines differ by less than rounding, their order is open. */
function expectNeighbours(found: Neighbours, expected: ExpectedNeighbours): void {
  expectNear(found.cosines.subarray(0, expected.cosines.length), expected.cosines, 1e-6);
  expect(found.compared).toBe(expected.compared);
  expect(found.length).toBeCloseTo(expected.length, 5);
  nonEmpty(expected.ids, 'neighbour').forEach((id, i) => {
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
  afterAll(() => connection?.dispose());

  it.each(
    bundled.neighbours.map(
      (expected) => [expected.frame, expected.terms.map(({ ids, weight }) => `${weight} x ${ids.join('+')}`).join(' '), expected] as const,
    ),
  )('compares rows as %s: finds the exact neighbours of %s in the whole table', async (frame, _, expected) => {
    const found = await connection.remote.ask(runOf([], UNCHANGED), 'neighbours', { vector: expected.terms, frame, count: 12 });
    expectNeighbours(found, expected);
    expectTypical(found.typical, bundled.typical[frame]);
  });

  it('reads typed words as the tokenizer does, the fewest tokens first', async () => {
    const texts = Object.keys(bundled.words);
    const { words } = await connection.remote.ask(runOf([], UNCHANGED), 'words', { texts });
    expect(words.map(({ text }) => text)).toEqual(texts);
    for (const word of words) {
      const { spaced = [], plain = [] } = bundled.words[word.text] ?? {};
      const whole = [spaced, plain].sort((a, b) => a.length - b.length);
      expect(
        word.readings.slice(0, 2).map(({ ids }) => ids),
        word.text,
      ).toEqual(whole);
      expect(
        word.readings.slice(2).map(({ ids }) => ids),
        word.text,
      ).toEqual((whole[0]?.length ?? 0) > 1 ? [...new Set(whole[0])].map((id) => [id]) : []);
    }
    expect(words.find(({ text }) => text === '苹果')?.readings[0]?.pieces).toEqual(['苹', '果']);
    expect((await connection.remote.ask(runOf([], UNCHANGED), 'words', { texts: [''] })).words[0]?.readings.length).toBe(1);
  });

  it('finds the principal components and cosines of words', async () => {
    for (const map of bundled.map) {
      const found = await connection.remote.ask(runOf([], UNCHANGED), 'vectorMap', {
        vectors: map.ids.map((ids) => [{ ids, weight: 1 }]),
        frame: map.frame,
      });
      expectNear(found.points, map.points.flat(), 1e-5);
      expectNear(found.explained, map.explained, 1e-5);
      expectNear(found.norms, map.norms, 1e-5);
      expectNear(found.cosines, map.cosines.flat(), 1e-6);
      expectTypical(found.typical, bundled.typical[map.frame]);
    }
  });

  it('measures how alike all tokens are at any layer', async () => {
    for (const { frame, layer, cosines, typical } of bundled.similarity) {
      const found = await connection.remote.ask(runOf(Int32Array.from(bundled.ids), UNCHANGED), 'similarity', { layer, frame });
      expectNear(found.cosines, cosines.flat(), 2e-5);
      expectNear([found.typical.mean, found.typical.deviation], [typical.mean, typical.deviation], 2e-5);
    }
  });

  it('follows one word at two places through the layers, in one text and as if in two', async () => {
    const ids = Int32Array.from(bundled.ids);
    for (const { frame, cosines, typical } of bundled.wordByLayer) {
      const found = await connection.remote.ask(runOf([], UNCHANGED), 'wordByLayer', {
        first: { ids: [...ids], token: bundled.first },
        second: { ids: [...ids], token: bundled.second },
        frame,
      });
      expectNear(found.cosines, cosines, 2e-5);
      expectNear(found.typical, typical, 2e-5);
      expect(at(found.cosines, 0)).toBe(1);
    }
    const { tokens, length } = await connection.remote.ask(runOf([], UNCHANGED), 'readText', { text: bundled.text });
    expect([tokens.map(({ id }) => id), length]).toEqual([bundled.ids, bundled.text.length]);
    // A text that ends after the first place: nothing of what follows was seen there.
    const shortIds = ids.slice(0, bundled.twoTexts.tokens);
    const short = await connection.remote.ask(runOf([], UNCHANGED), 'wordByLayer', {
      first: { ids: [...shortIds], token: bundled.first },
      second: { ids: [...ids], token: bundled.second },
      frame: 'stored',
    });
    expectNear(short.cosines, bundled.wordByLayer.find(({ frame }) => frame === 'stored')?.cosines ?? [], 2e-5);
    // What is taken off is the mean over both texts, for both the same.
    const centred = await connection.remote.ask(runOf([], UNCHANGED), 'wordByLayer', {
      first: { ids: [...shortIds], token: bundled.first },
      second: { ids: [...ids], token: bundled.second },
      frame: 'centred',
    });
    expectNear(centred.cosines.subarray(1), bundled.twoTexts.cosines, 2e-5);
  });

  it('reads a token through the final norm and unembedding at any layer', async () => {
    for (const { layer, ids, probs } of bundled.lensTop) {
      const found = await connection.remote.ask(runOf(Int32Array.from(bundled.ids), UNCHANGED), 'lensTop', {
        layer,
        token: bundled.first,
        count: ids.length,
      });
      expect([...found.ids]).toEqual(ids);
      expectNear(found.probs, probs, 1e-5);
    }
  });

  it('has no neighbours for a sum of nothing, and refuses ids outside the table', async () => {
    const none = await connection.remote.ask(runOf([], UNCHANGED), 'neighbours', {
      vector: [
        { ids: [500], weight: 1 },
        { ids: [500], weight: -1 },
      ],
      frame: 'centred',
      count: 5,
    });
    expect([none.ids.length, none.length]).toEqual([0, 0]);
    await expect(
      connection.remote.ask(runOf([], UNCHANGED), 'neighbours', { vector: [{ ids: [16_384], weight: 1 }], frame: 'centred', count: 5 }),
    ).rejects.toThrow('outside the embedding table');
    await expect(connection.remote.ask(runOf([], UNCHANGED), 'readText', { text: '' })).rejects.toThrow('no text');
    expect(
      (
        await connection.remote.ask(runOf([], UNCHANGED), 'neighbours', {
          vector: [{ ids: [7], weight: 1 }],
          frame: 'centred',
          count: 100_000,
        })
      ).ids.length,
    ).toBe(16_383);
  });
});

describe('vectors of a GPT-2 in float32, against NumPy', () => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await openLanguageModel(folder('test/fixtures/models/gpt2'), await wasm());
  });
  afterAll(() => model?.dispose());

  it('finds the exact neighbours', async () => {
    for (const expected of gpt2.neighbours) {
      const found = await neighbours(model, expected.terms, expected.frame, 12, String);
      expectNeighbours(found, expected);
      expectTypical(found.typical, gpt2.typical[expected.frame]);
    }
  });
});

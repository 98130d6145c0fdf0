import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer } from '../../../src/analysis/answers.ts';
import type { AnswerContext } from '../../../src/analysis/answering.ts';
import { createTraceCache } from '../../../src/analysis/traceCache.ts';
import { CancelledError } from '../../../src/core/errors.ts';
import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { at } from '../../../src/core/tensor.ts';
import type { LensWindow } from '../../../src/core/trace.ts';
import { openLanguageModel, type LanguageModel } from '../../../src/model/languageModel.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { folder } from '../model/folder.ts';

// More positions than the unembedding reads at once.
const RUN = runOf(
  Array.from({ length: 70 }, (_, i) => (i * 37) % 300),
  UNCHANGED,
);
const NUMBERS = ['topIds', 'topProbs', 'nextRank', 'nextProb', 'entropy', 'kl'] as const;

describe('a window of the lens', () => {
  let model: LanguageModel;
  let context: AnswerContext;
  /** Rows of each call of the unembedding. */
  let calls: number[];
  let cancelled: boolean;
  beforeAll(async () => {
    model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
  });
  beforeEach(() => {
    calls = [];
    cancelled = false;
    const counted: LanguageModel = { ...model, lens: (rows, ...rest) => (calls.push(at(rows.dims, 0)), model.lens(rows, ...rest)) };
    const checkpoint = async (): Promise<void> => {
      if (cancelled) throw new CancelledError();
    };
    const open = { model: counted, tokenizer: { piece: (id: number) => `<${id}>` } } as unknown as AnswerContext['open'];
    context = {
      open,
      cache: createTraceCache(counted),
      progress: async () => undefined,
      checkpoint,
      room: () => Promise.reject(new Error('not asked for here')),
    };
  });
  afterAll(() => model?.dispose());

  const window = (layer: number, layers: number, position: number, positions: number): Promise<LensWindow> =>
    answer(context, RUN, 'lens', { layer, layers, position, positions });

  test.each([
    [0, 3, 0, 8],
    [1, 2, 24, 8],
    [0, 3, 62, 8],
    [2, 1, 69, 1],
    [0, 3, 0, 70],
    [0, 2, 3, 66],
  ])('has the numbers of the whole grid: from layer %i on %i, from position %i on %i', async (layer, layers, position, positions) => {
    const some = await window(layer, layers, position, positions);
    for (let one = 0; one < layers; one++) {
      const whole = await window(layer + one, 1, 0, 70);
      for (const name of NUMBERS) {
        const own = some[name].slice(one * positions, (one + 1) * positions);
        const expected = whole[name].slice(position, position + positions);
        expect(own.length).toBe(positions);
        // Other rows beside it may change the last bits of a row.
        for (const [i, value] of own.entries()) {
          if (name === 'topIds' || name === 'nextRank' || Number.isNaN(value)) expect(value).toBe(at(expected, i));
          else expect(value).toBeCloseTo(at(expected, i), 5);
        }
      }
      expect(some.pieces[at(some.topIds, one * positions)]).toBe(`<${at(whole.topIds, position)}>`);
    }
    expect(some.nextRank.filter((rank) => rank === 0)).toHaveLength(position + positions === 70 ? layers : 0);
  });

  test('is computed once, and nothing beside it', async () => {
    const first = await window(0, 3, 8, 8);
    await window(0, 3, 16, 8);
    expect(calls).toEqual([24, 24]);
    expect(await window(0, 3, 8, 8)).toBe(first);
    expect(calls).toEqual([24, 24]);
    // Another run's is another's.
    const other = await answer(context, runOf([...RUN.ids, 5], UNCHANGED), 'lens', { layer: 0, layers: 3, position: 8, positions: 8 });
    expect(other).not.toBe(first);
    expect(calls).toEqual([24, 24, 24]);
  });

  test('can be cancelled, and is computed when it is asked for again', async () => {
    await window(2, 1, 0, 1);
    cancelled = true;
    await expect(window(0, 3, 8, 8)).rejects.toThrow(CancelledError);
    cancelled = false;
    expect((await window(0, 3, 8, 8)).topIds).toHaveLength(24);
  });

  test.each([
    [[3, 1, 0, 1], 'layer 3'],
    [[0, 4, 0, 1], 'layer 3'],
    [[0, 1, 70, 1], 'position 70'],
    [[0, 1, 69, 2], 'position 70'],
  ] as const)('that reaches beyond the grid is refused: %j', async ([layer, layers, position, positions], named) => {
    await expect(window(layer, layers, position, positions)).rejects.toThrow(named);
  });
});

import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { expectNear } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, wasm } from './compare.ts';

interface Expected {
  readonly ids: readonly number[];
  readonly logprob: readonly (number | null)[];
  readonly rank: readonly (number | null)[];
  readonly entropy: readonly (number | null)[];
  readonly topIds: readonly (readonly number[])[];
  readonly topLogprobs: readonly (readonly number[])[];
}

const EXPECTED = Object.entries(JSON.parse(readFileSync(`${FIXTURES}/bundled.json`, 'utf8')) as Record<string, Expected>);
const TOLERANCE = 1e-4;

describe.each([
  ['WASM', wasm],
  ['native', native],
])('the bundled model, %s', (_, runtime) => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await openLanguageModel(folder('media/models/explain-tokens-9m'), await runtime());
  });
  afterAll(() => model?.dispose());

  test.each(EXPECTED)('gives %s the probabilities of PyTorch', async (_name, expected) => {
    const ids = Int32Array.from(expected.ids);
    const trace = await model.run(runOf(ids, UNCHANGED));
    const last = trace.resid.at(-1);
    if (last === undefined) throw new Error('No residual.');
    const next = Int32Array.from([...ids.slice(1), 0]);
    const stats = await model.unembed(last, 5, next);
    const logprobs = [...stats.targetLogit].map((logit, i) => logit - (stats.logSumExp[i] ?? Number.NaN)).slice(0, -1);
    expectNear(logprobs, numbers(expected.logprob), TOLERANCE, 'log-probability');
    expectNear([...stats.entropyBits].slice(0, -1), numbers(expected.entropy), TOLERANCE, 'entropy');
    expect([...stats.targetRank].slice(0, -1)).toEqual(numbers(expected.rank));
    expect([...stats.topIds]).toEqual(expected.topIds.flat());
    expectNear(
      [...stats.topLogits].map((logit, i) => logit - (stats.logSumExp[Math.floor(i / 5)] ?? Number.NaN)),
      expected.topLogprobs.flat(),
      TOLERANCE,
      'top log-probability',
    );
  });

  test('is described as its card says', () => {
    expect(model.info).toMatchObject({
      family: 'llama',
      layers: 6,
      heads: 8,
      kvHeads: 8,
      headDim: 32,
      dim: 256,
      vocab: 16_384,
      contextLength: 1_024,
      weightType: 'F16',
      positions: 'rotary',
      norm: 'RMSNorm',
    });
    // Tied: the file holds each parameter once, in 2 bytes.
    expect(model.info.parameters * 2).toBeGreaterThan(18_000_000);
    expect(model.info.parameters * 2).toBeLessThan(18_035_120);
  });
});

/** Without the first, which nothing predicted. */
function numbers(values: readonly (number | null)[]): number[] {
  return values.slice(1).map((value) => value ?? Number.NaN);
}

import { expect, test } from 'vitest';
import { surprisalLevel, surprisalMeasure, surprisalSteps, type SurprisalScale } from '../../../src/core/surprisalScale.ts';

/** A text whose tokens have these bits of surprisal, and this entropy each. */
function textOf(bits: readonly number[], entropy = 4): { readonly logprob: Float32Array; readonly entropy: Float32Array } {
  return {
    logprob: Float32Array.from([Number.NaN, ...bits.map((one) => -one * Math.LN2)]),
    entropy: Float32Array.from([Number.NaN, ...bits.map(() => entropy)]),
  };
}
const levels = (bits: readonly number[], scale: SurprisalScale, entropy = 4): readonly number[] => {
  const text = textOf(bits, entropy);
  return Array.from(text.logprob, (_, index) => surprisalLevel(surprisalMeasure(text, index, scale), surprisalSteps(text, scale)));
};

test('fixed levels begin at 0, 1, 3, 6 and 10 bits, and a token that nothing predicted has none', () => {
  expect(levels([0, 0.99, 1.01, 2.99, 3.01, 6.01, 9.99, 10.01, 40], 'bits')).toEqual([-1, 0, 0, 1, 1, 2, 3, 3, 4, 4]);
});

test('fifths are those of numpy.quantile', () => {
  // np.quantile([0.5, 2, 3, 7, 9, 12, 14, 15], [.2, .4, .6, .8])
  const steps = surprisalSteps(textOf([9, 2, 14, 0.5, 7, 3, 15, 12]), 'quantile');
  [2.4, 6.2, 9.6, 13.2].forEach((expected, place) => expect(steps[place]).toBeCloseTo(expected, 4));
  expect(levels([9, 2, 14, 0.5, 7, 3, 15, 12], 'quantile')).toEqual([-1, 2, 0, 4, 0, 2, 1, 4, 3]);
});

test('nothing is surprising in a text that was foreseen throughout', () => {
  expect(levels([0.01, 0.02, 0.05, 0.1, 0.2, 0.21], 'quantile')).toEqual([-1, 0, 0, 0, 0, 0, 0]);
});

test('what is beyond the expected is surprisal less entropy', () => {
  expect(levels([0.5, 2.5, 4, 6.5, 7.5], 'excess')).toEqual([-1, 0, 1, 2, 3, 4]);
  expect(levels([7.5], 'excess', 10)).toEqual([-1, 1]);
});

import { describe, expect, it } from 'vitest';
import { nearestName } from '../../../src/core/nearestName.ts';
import { entropyBits } from '../../../src/core/probability.ts';
import { NOT_RETURNED, returnedShare } from '../../../src/core/servedBy.ts';

describe('what alternatives say of a whole distribution', () => {
  it('its entropy is at least what is told, for any rest that no alternative is behind', () => {
    const probs = [0.4, 0.2, 0.1];
    const { count, mass, leastEntropy } = returnedShare([5, 6, 7], probs, 0, 3);
    expect([count, mass]).toEqual([3, expect.closeTo(0.7, 12)]);
    // The fewest tokens that the rest can be: three of 0.1.
    expect(leastEntropy).toBeCloseTo(entropyBits([...probs, 0.1, 0.1, 0.1]), 12);
    for (const rest of [[0.1, 0.1, 0.05, 0.05], Array.from({ length: 30 }, () => 0.01), [0.1, 0.1, 0.0999, 0.0001]])
      expect(entropyBits([...probs, ...rest])).toBeGreaterThanOrEqual(leastEntropy - 1e-12);
  });

  it('is exact where all was returned, and nothing where nothing was', () => {
    expect(returnedShare([1, 2], [0.75, 0.25], 0, 2).leastEntropy).toBeCloseTo(entropyBits([0.75, 0.25]), 12);
    expect(returnedShare([NOT_RETURNED], [0], 0, 1)).toEqual({ count: 0, mass: 0, leastEntropy: NaN });
    expect(returnedShare([], [], -3, 0).count).toBe(0);
  });

  it('is of one position, up to the first place at which nothing was returned', () => {
    const ids = [1, 2, 3, 4, NOT_RETURNED, NOT_RETURNED];
    expect(returnedShare(ids, [0.5, 0.2, 0.1, 0.6, 0, 0], 3, 3)).toMatchObject({ count: 1, mass: 0.6 });
  });
});

describe('the name nearest to another', () => {
  it.each([
    ['Qwen/Qwen2.5-72B-Instruct', ['EleutherAI/pythia-70m', 'Qwen/Qwen2.5-0.5B', 'Qwen/Qwen3-0.6B'], 'Qwen/Qwen2.5-0.5B'],
    ['meta-llama/Llama-3.1-70B-Instruct', ['qwen2.5:0.5b', 'llama3.2:1b'], 'llama3.2:1b'],
    ['gpt-5', ['pythia-70m', 'notes'], null],
    ['mixtral:8x7b', [], null],
    ['model-7b-instruct', ['other-7b-instruct'], null],
  ])('%s among %j is %s', (name, others, nearest) => {
    expect(nearestName(name, others)).toBe(nearest);
  });
});

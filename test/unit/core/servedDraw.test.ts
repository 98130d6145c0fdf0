import { describe, expect, it } from 'vitest';
import { drawnWith } from '../../../src/core/servedDraw.ts';

const PROBS = [0.5, 0.2, 0.1];
const PLAIN = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const rounded = (probs: readonly number[] | null): readonly number[] | null => probs && probs.map((p) => Number(p.toFixed(6)));

describe('what an engine drew with, of the alternatives that it returned', () => {
  it.each([
    ['greedy', { ...PLAIN, temperature: 0 }, [1, 0, 0]],
    ['no filter', PLAIN, PROBS],
    ['top-k among them, at any temperature', { ...PLAIN, topK: 2, temperature: 0.5 }, [0.862069, 0.137931, 0]],
    ['top-p that they hold', { ...PLAIN, topP: 0.6 }, [0.714286, 0.285714, 0]],
    ['min-p that they reach', { ...PLAIN, minP: 0.3 }, [0.714286, 0.285714, 0]],
  ] as const)('%s: known', (_, settings, expected) => {
    expect(rounded(drawnWith(PROBS, settings))).toEqual(expected);
  });

  it.each([
    ['a temperature over the whole vocabulary', { ...PLAIN, temperature: 0.8 }],
    ['top-p beyond them', { ...PLAIN, topP: 0.9 }],
    ['min-p beyond them', { ...PLAIN, minP: 0.1 }],
    ['more than were returned', { ...PLAIN, topK: 4, temperature: 0.5 }],
    ['filters whose order matters', { ...PLAIN, topK: 2, topP: 0.6 }],
  ] as const)('%s: not known', (_, settings) => {
    expect(drawnWith(PROBS, settings)).toBeNull();
  });

  it('nothing was returned', () => expect(drawnWith([], { ...PLAIN, temperature: 0 })).toBeNull());
});

import { describe, expect, it } from 'vitest';
import { areAtLeast, isAtMost } from '../../src/core/atMost.ts';
import type { ServedGeneration } from '../../src/core/servedGeneration.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { canTake, NOTHING_WRITTEN, takenInstead, writtenOn } from '../../webview/generation/servedWriting.ts';
import { summarise } from '../../webview/figures/summary.ts';
import { returnedRows } from '../../webview/views/served/returnedNext.ts';
import { explanationOf } from '../unit/host/explanations.ts';

const PLAIN = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const candidate = (text: string, prob = 0.5) => ({ text, prob });
const made = (...texts: readonly string[]): ServedGeneration => ({
  text: texts.join(''),
  tokens: texts.map((text) => ({ ...candidate(text), top: [candidate(text), candidate(`${text}!`, 0.2)] })),
  end: 'length',
  ms: 10,
});

describe('what an engine wrote', () => {
  it('grows by each go, and goes on from an alternative that is taken in a token’s place', () => {
    const once = writtenOn(NOTHING_WRITTEN, made(' a', ' b', ' c'), PLAIN);
    const twice = writtenOn(once, made(' d'), PLAIN);
    expect([twice.text, twice.steps.length, twice.end, twice.ms]).toEqual([' a b c d', 4, 'length', 20]);
    const taken = takenInstead(twice, 1, candidate(' b!', 0.2));
    expect([taken.text, taken.end]).toEqual([' a b!', null]);
    expect(taken.steps.map(({ drawn, token }) => [drawn.text, token.text])).toEqual([
      [' a', ' a'],
      [' b', ' b!'],
    ]);
    expect(writtenOn(taken, made(' x'), PLAIN).text).toBe(' a b! x');
  });

  it('has no other token where the text before it is not known exactly', () => {
    const parts = writtenOn(NOTHING_WRITTEN, { ...made('\ufffd', '\ufffd', ' b'), text: '🦜 b' }, PLAIN);
    expect([canTake(parts, 0, candidate('x')), canTake(parts, 2, candidate('x')), canTake(parts, 0, candidate('\ufffd'))]).toEqual([
      true,
      false,
      false,
    ]);
    expect(takenInstead(parts, 2, candidate('x'))).toBe(parts);
    expect(takenInstead(parts, 9, candidate('x'))).toBe(parts);
    // An engine that leaves out a space that its first token has.
    expect(canTake(writtenOn(NOTHING_WRITTEN, { ...made(' a', ' b'), text: 'a b' }, PLAIN), 1, candidate(' x'))).toBe(false);
  });
});

describe('a token of which is known only what it is at most', () => {
  const base = explanationOf([
    { text: 'a', probability: null },
    { text: 'b', probability: 0.5 },
    { text: 'c', probability: 0.01 },
  ]);
  const served = {
    engine: 'ollama',
    version: null,
    address: 'http://localhost:11434',
    readOnTheWay: false,
    alternatives: 20,
    requestEach: true,
    listedAlone: true,
  };
  const topIds = Int32Array.of(base.tokens[1]?.id ?? 1, 90, 91, 92, 93, 94);
  const explanation: Explanation = {
    ...base,
    model: { ...base.model, served },
    rank: Int32Array.of(0, 1, 0),
    topK: 2,
    topIds,
    topProbs: Float32Array.of(0.5, 0.3, 0.6, 0.01, 0.4, 0.2),
  };

  it('is told from one whose number is known, and makes the text’s bits what they are at least', () => {
    expect([0, 1, 2].map((index) => isAtMost(explanation, index))).toEqual([false, false, true]);
    expect([areAtLeast(explanation), summarise(explanation, 'en').atLeast]).toEqual([true, true]);
    expect(areAtLeast({ ...explanation, rank: Int32Array.of(0, 1, 2) })).toBe(false);
    // One in the middle of which nothing is told.
    expect(areAtLeast({ ...explanation, rank: Int32Array.of(0, 1, 2), logprob: Float32Array.of(NaN, -1, NaN) })).toBe(true);
    expect(areAtLeast({ ...explanation, model: base.model })).toBe(false);
  });

  it('is of the rest that was not returned', () => {
    expect(returnedRows(explanation, 1).map(({ kind, atMost, prob }) => [kind, atMost, Number(prob.toFixed(4))])).toEqual([
      ['alternative', false, 0.6],
      ['alternative', false, 0.01],
      ['follows', true, 0.01],
      ['rest', false, 0.39],
    ]);
  });
});

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Paced } from '../../../src/host/paced.ts';

const LOOK_MS = 100;

describe('how far a work has come', () => {
  let told: (readonly [string, number])[];
  let begun: number;
  const pacedFrom = (firstAfterMs?: number, join?: (before: string, after: string) => string): Paced<string> =>
    new Paced((what) => void told.push([what, performance.now() - begun]), firstAfterMs, join);
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    begun = performance.now();
    told = [];
  });
  afterEach(() => void vi.useRealTimers());

  test('is told at once, then as often as is looked at: the newest each time, and the last', () => {
    const paced = pacedFrom();
    for (let step = 0; step < 25; step++) {
      paced.tell(`step ${step}`);
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([
      ['step 0', 0],
      ['step 9', LOOK_MS],
      ['step 19', 2 * LOOK_MS],
      ['step 24', 3 * LOOK_MS],
    ]);
  });

  test('ends with the newest, and with nothing where nothing was told', () => {
    const [paced, soon] = [pacedFrom(), pacedFrom(250)];
    for (const step of ['first', 'second', 'last']) paced.tell(step);
    soon.tell('never');
    for (const one of [paced, paced, soon]) one.finish();
    vi.advanceTimersByTime(1000);
    expect(told.map(([what]) => what)).toEqual(['first', 'last']);
  });

  test('is not told of a work that ends soon, nor after the end of any', () => {
    const paced = pacedFrom(250);
    paced.tell('first');
    vi.advanceTimersByTime(200);
    paced.tell('awaited', true);
    paced.dispose();
    paced.tell('too late');
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([]);
  });

  test('is told of a longer work with what must not be lost of the beginning', () => {
    const paced = pacedFrom(250, (before, after) => `${before} ${after}`);
    paced.tell('first');
    vi.advanceTimersByTime(200);
    paced.tell('second');
    vi.advanceTimersByTime(1000);
    paced.tell('third');
    expect(told).toEqual([
      ['first second', 250],
      ['third', 1200],
    ]);
  });

  test('is told at once where it is awaited, and what waited with it', () => {
    const paced = pacedFrom(0, (before, after) => `${before} ${after}`);
    paced.tell('first');
    paced.tell('second');
    paced.tell('awaited', true);
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([
      ['first', 0],
      ['second awaited', 0],
    ]);
  });
});

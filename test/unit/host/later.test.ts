import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Later, PAUSE_MS } from '../../../src/host/later.ts';

const AFTER_MS = 30;
/** Time between two keys of a quick typist. */
const KEY_MS = 90;

describe('what is done later', () => {
  let done: number[];
  let later: Later;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const begun = Date.now();
    done = [];
    later = new Later(AFTER_MS, () => void done.push(Date.now() - begun));
  });
  afterEach(() => {
    later.dispose();
    vi.useRealTimers();
  });

  test('is done once for all that ask meanwhile', () => {
    later.ask();
    vi.advanceTimersByTime(AFTER_MS - 1);
    later.ask();
    expect(done).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(done).toEqual([AFTER_MS]);
  });

  test('waits for a pause in typing, also for others that ask between two keys, and is done once then', () => {
    const keys = 20;
    for (let key = 0; key < keys; key++) {
      later.askInPause();
      vi.advanceTimersByTime(KEY_MS / 2);
      later.ask();
      vi.advanceTimersByTime(KEY_MS / 2);
    }
    expect(done).toEqual([]);
    vi.advanceTimersByTime(10 * PAUSE_MS);
    expect(done).toEqual([(keys - 1) * KEY_MS + PAUSE_MS]);
    later.ask();
    vi.advanceTimersByTime(AFTER_MS);
    expect(done).toHaveLength(2);
  });

  test('is not done any more after it was disposed, in the midst of typing either', () => {
    later.askInPause();
    vi.advanceTimersByTime(KEY_MS);
    later.dispose();
    later.askInPause();
    vi.advanceTimersByTime(10 * PAUSE_MS);
    expect(done).toEqual([]);
  });
});

import { setTimeout as delay } from 'node:timers/promises';

/** Waits until `probe` returns a value for which `holds` is true, and returns that value. Unlike expect.poll, it works outside of tests. */
export async function until<Value>(
  what: string,
  probe: () => Promise<Value> | Value,
  holds: (value: Value) => boolean,
  timeoutMs = 180_000,
): Promise<Value> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (holds(value)) return value;
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs / 1000} s for ${what}; the last was ${JSON.stringify(value)}.`);
    await delay(50);
  }
}

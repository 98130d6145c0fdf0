import { setTimeout as delay } from 'node:timers/promises';

/** Waits until `probe` gives a value that `holds`, and returns it. Works outside tests too, unlike expect.poll. */
export async function until<Value>(what: string, probe: () => Promise<Value> | Value, holds: (value: Value) => boolean, timeoutMs = 20_000): Promise<Value> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (holds(value)) return value;
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs / 1000} s for ${what}; the last was ${JSON.stringify(value)}.`);
    await delay(50);
  }
}

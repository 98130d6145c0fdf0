import { expect, it } from 'vitest';
import { requestSlots } from '../../../src/engines/requestSlots.ts';

const never = new AbortController().signal;

it('so many are open at once, in the order of asking, whether they end well or not', async () => {
  const slots = requestSlots(8);
  let [open, most] = [0, 0];
  const begun: number[] = [];
  const work = async (index: number): Promise<number> => {
    begun.push(index);
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, index % 3));
    open--;
    if (index % 10 === 3) throw new Error(`${index}`);
    return index;
  };
  const all = await Promise.allSettled(Array.from({ length: 64 }, (_, index) => slots.use(never, () => work(index))));
  expect([most, open, begun.length]).toEqual([8, 0, 64]);
  expect(begun).toEqual(begun.toSorted((a, b) => a - b));
  expect(all.filter(({ status }) => status === 'rejected').length).toBe(7);
});

it('what waits or is held ends when it is cancelled, and takes no slot', async () => {
  const slots = requestSlots(1);
  const stop = new AbortController();
  let release = (): void => undefined;
  const first = slots.use(never, () => new Promise<void>((resolve) => (release = resolve)));
  const waiting = slots.use(stop.signal, async () => 'begun');
  stop.abort();
  await expect(waiting).rejects.toThrow('cancelled');
  release();
  await first;
  slots.hold(60_000);
  const later = new AbortController();
  const held = slots.use(later.signal, async () => 'begun');
  later.abort();
  await expect(held).rejects.toThrow('cancelled');
  await expect(slots.use(stop.signal, async () => 'begun')).rejects.toThrow('cancelled');
});

it('a hold lets nothing begin before its time', async () => {
  const slots = requestSlots(2);
  slots.hold(50);
  const began = performance.now();
  await Promise.all([0, 1, 2].map(() => slots.use(never, async () => undefined)));
  expect(performance.now() - began).toBeGreaterThan(45);
});

import { expect } from 'vitest';
import type { Panel } from './panel.ts';
import type { TracedToken } from './trace.ts';

/** Reads an example on the path that is shown, and finds what two of its stations ask for. `say`: the page's language. */
export async function walkPath(
  { frame }: Panel,
  say: (english: string) => string,
  example: string,
  traced: readonly TracedToken[],
): Promise<void> {
  const station = (place: number) => frame.locator('.path-station').nth(place);
  const tokens = frame.locator('.strip .token');
  const found = frame.locator('.path-found strong');
  await frame.locator('.path-station[aria-current="step"]').waitFor();
  await frame.getByRole('button', { name: say('Read an example') }).click();
  await frame.getByRole('menuitem', { name: say(example) }).click();
  await expect.poll(() => tokens.count(), { timeout: 120_000 }).toBe(traced.length);
  await frame.locator('.page > .status').waitFor({ state: 'hidden', timeout: 120_000 });
  await station(0).click();
  const bits = traced.map(({ special, logprob }) => (special ? -1 : -(logprob ?? 1)));
  await tokens.nth(bits.indexOf(Math.max(...bits))).click();
  await found.waitFor();
  expect(await found.innerText()).toBe(say('Found.'));
  await station(3).click();
  await found.waitFor({ state: 'detached' });
  await frame.locator('.best-head').first().click({ timeout: 120_000 });
  await found.waitFor();
}

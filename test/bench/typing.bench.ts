import { expect, test } from 'vitest';
import { openSession } from '../e2e/session.ts';
import { until } from '../e2e/until.ts';
import type { Workbench } from '../e2e/workbench.ts';
import { record } from './report.ts';
import { benchText } from './text.ts';

const TOKENS = 20_000;
const KEYS = 100;
/** Time between two keys of a quick typist; no multiple of a frame's. */
const KEY_MS = 90;
/** Keys in turns: without and with a file being read, so that a busy machine slows both. */
const TURNS = 2;

/** A key's way: until the editor has taken it, and until its line was drawn anew, which waits for the next frame. */
interface Keystroke {
  readonly takenMs: number;
  readonly drawnMs: number;
}

/** How typing feels while a whole file is read, and while nothing is: what the window's own clock says of each key. */
test('typing while a whole file is read in a real VS Code', { timeout: 600_000 }, async () => {
  const text = await benchText();
  const whole = text.part(TOKENS, 0);
  const files = Array.from({ length: TURNS }, (_, turn) => `typed ${turn}.txt`);
  const session = await openSession({
    files: Object.fromEntries(files.map((name) => [name, whole])),
    open: files[0] ?? '',
    expect: whole.split('\n', 1)[0] ?? '',
    settings: { 'editor.wordWrap': 'off', 'explainTokens.runtime': 'wasm' },
  });
  const { page, workbench } = session;
  try {
    const item = page.locator('.statusbar-item', { hasText: 'bits/byte' });
    const share = async (): Promise<number> => Number(/file (\d+) %/.exec(await item.innerText({ timeout: 1000 }).catch(() => ''))?.[1]);
    const times = { idle: [] as Keystroke[], reading: [] as Keystroke[] };
    for (const name of files) {
      await workbench.openFile(name);
      times.idle.push(...(await typed(workbench)));
      await workbench.command('Explain Tokens: Explain the Whole File');
      await until('the first colours', share, (now) => now >= 1, 120_000);
      times.reading.push(...(await typed(workbench)));
      // It was read all the while.
      expect(await share()).toBeLessThan(100);
      await workbench.command('Explain Tokens: Stop Reading the File');
    }
    for (const [extension, keys] of Object.entries(times))
      record('typing in a real VS Code, WASM', {
        extension,
        tokens: TOKENS,
        keys: keys.length,
        ...percentiles('taken', keys, ({ takenMs }) => takenMs),
        ...percentiles('drawn', keys, ({ drawnMs }) => drawnMs),
      });
  } finally {
    await session.close();
  }
});

function percentiles(name: string, keys: readonly Keystroke[], of: (key: Keystroke) => number): Readonly<Record<string, number>> {
  const sorted = keys.map(of).toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { [`${name}, median ms`]: at(0.5), [`${name}, 95 % ms`]: at(0.95), [`${name}, longest ms`]: at(1) };
}

/** Types letters into a new first line, and tells of each when it was taken and drawn. */
async function typed(workbench: Workbench): Promise<readonly Keystroke[]> {
  const { page } = workbench;
  await workbench.command('View: Focus First Editor Group');
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowUp');
  await page.evaluate(watchKeys);
  for (let key = 0; key < KEYS; key++) {
    await page.keyboard.press(key % 8 === 7 ? 'Space' : 'abcdefgh'.charAt(key % 8));
    await page.waitForTimeout(KEY_MS);
  }
  const found = await page.evaluate(() => (globalThis as unknown as { endKeys: () => Keystroke[] }).endKeys());
  expect(found).toHaveLength(KEYS);
  return found;
}

/** In the page: listens to keys until `endKeys` is called. */
function watchKeys(): void {
  const keys: { takenMs: number; drawnMs: number }[] = [];
  const lines = document.querySelector('.editor-group-container .monaco-editor .view-lines');
  if (lines === null) throw new Error('There is no editor.');
  let [begun, before] = [NaN, 0];
  const letters = (): number => lines.textContent.length;
  const channel = new MessageChannel();
  let current: { takenMs: number; drawnMs: number } | null = null;
  // The message comes after all that the key's own events set off.
  channel.port1.addEventListener('message', () => {
    if (current !== null && Number.isNaN(current.takenMs)) current.takenMs = performance.now() - begun;
  });
  channel.port1.start();
  const down = (event: KeyboardEvent): void => {
    [begun, before] = [event.timeStamp, letters()];
    current = { takenMs: NaN, drawnMs: NaN };
    keys.push(current);
  };
  const press = (): void => channel.port2.postMessage(null);
  const drawn = new MutationObserver(() => {
    // Colours are drawn without a new letter.
    if (current !== null && Number.isNaN(current.drawnMs) && letters() > before) current.drawnMs = performance.now() - begun;
  });
  window.addEventListener('keydown', down, { capture: true });
  window.addEventListener('keypress', press, { capture: true });
  drawn.observe(lines, { childList: true, subtree: true, characterData: true, attributes: true });
  Object.assign(globalThis, {
    endKeys: () => {
      window.removeEventListener('keydown', down, { capture: true });
      window.removeEventListener('keypress', press, { capture: true });
      drawn.disconnect();
      return keys.map(({ takenMs, drawnMs }) => ({ takenMs, drawnMs }));
    },
  });
}

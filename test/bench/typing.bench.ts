import { expect, test } from 'vitest';
import { openSession } from '../e2e/session.ts';
import { until } from '../e2e/until.ts';
import type { Workbench } from '../e2e/workbench.ts';
import { percentiles, record } from './report.ts';
import { benchText } from './text.ts';

const TOKENS = 20_000;
const KEYS = 60;
/** Time between two keys of a quick typist; no multiple of a frame's. */
const KEY_MS = 90;
/** Keys in turns: with and without a file being read, so that a busy machine slows both. */
const TURNS = 3;

/** A key's way: until the editor and all that listens to it are done, and until the frame in which its line changed. */
interface Keystroke {
  readonly takenMs: number;
  readonly drawnMs: number;
}

/** How typing feels while a whole file is read, and while nothing is: what the window's own clock says of each key. */
test('typing while a whole file is read in a real VS Code', { timeout: 600_000 }, async () => {
  const whole = (await benchText()).part(TOKENS, 0);
  const session = await openSession({
    files: { 'typed.txt': whole },
    open: 'typed.txt',
    expect: whole.split('\n', 1)[0] ?? '',
    settings: { 'editor.wordWrap': 'off', 'editor.quickSuggestions': false, 'explainTokens.runtime': 'wasm' },
  });
  const { page, workbench } = session;
  try {
    const item = page.locator('.statusbar-item', { hasText: 'bits/byte' });
    const share = async (): Promise<number> => Number(/file (\d+) %/.exec(await item.innerText().catch(() => ''))?.[1] ?? NaN);
    const begin = async (): Promise<void> => {
      await workbench.command('Explain Tokens: Explain the Whole File');
      await until('the first colours', share, (now) => now >= 1, 120_000);
    };
    const clear = async (): Promise<void> => {
      await workbench.command("Explain Tokens: Clear the File's Colors");
      await item.waitFor({ state: 'detached' });
    };
    // What is only done once, such as the model's start, is over.
    await begin();
    await clear();
    await typed(workbench);
    const times = { idle: [] as Keystroke[], reading: [] as Keystroke[] };
    for (let turn = 0; turn < TURNS; turn++) {
      times.idle.push(...(await typed(workbench)));
      await begin();
      times.reading.push(...(await typed(workbench)));
      // It was read all the while.
      expect(await share()).toBeLessThan(100);
      await clear();
    }
    for (const [extension, keys] of Object.entries(times))
      record('typing in a real VS Code, WASM', {
        extension,
        tokens: TOKENS,
        keys: keys.length,
        ...percentiles('taken', keys, ({ takenMs }) => takenMs),
        ...percentiles('drawn', keys, ({ drawnMs }) => drawnMs),
      });
  } catch (error) {
    await session.screenshot('failed typing');
    throw error;
  } finally {
    await session.close();
  }
});

/** Types letters into a new first line, and tells of each when it was taken and drawn. */
async function typed({ page, command }: Workbench): Promise<readonly Keystroke[]> {
  await command('View: Focus First Editor Group');
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
  // A key that was never drawn has no time.
  expect(found.filter(({ takenMs, drawnMs }) => !(takenMs >= 0) || !(drawnMs >= 0))).toEqual([]);
  return found;
}

/** In the page: listens to keys until `endKeys` is called. */
function watchKeys(): void {
  const keys: { begun: number; letters: number; takenMs: number; drawnMs: number }[] = [];
  const lines = document.querySelector('.editor-group-container .monaco-editor .view-lines');
  if (lines === null) throw new Error('There is no editor.');
  /** Letters on screen: where a letter is typed, there is one more. */
  const letters = (): number => lines.textContent.length;
  const channel = new MessageChannel();
  // The message comes after all that the key's own events set off.
  channel.port1.addEventListener('message', ({ data }: MessageEvent<number>) => {
    const key = keys[data];
    if (key !== undefined) key.takenMs = performance.now() - key.begun;
  });
  channel.port1.start();
  const down = (event: KeyboardEvent): void => {
    // The moment at which the browser had the key, which a page that is busy hears of later.
    keys.push({ begun: event.timeStamp, letters: letters(), takenMs: NaN, drawnMs: NaN });
    channel.port2.postMessage(keys.length - 1);
  };
  const drawn = new MutationObserver(() => {
    const now = letters();
    // Colours are drawn without a new letter; a key that came late may be drawn with the next.
    for (const key of keys) if (Number.isNaN(key.drawnMs) && now > key.letters) key.drawnMs = performance.now() - key.begun;
  });
  window.addEventListener('keydown', down, { capture: true });
  drawn.observe(lines, { childList: true, subtree: true, characterData: true, attributes: true });
  Object.assign(globalThis, {
    endKeys: () => {
      window.removeEventListener('keydown', down, { capture: true });
      drawn.disconnect();
      return keys.map(({ takenMs, drawnMs }) => ({ takenMs, drawnMs }));
    },
  });
}

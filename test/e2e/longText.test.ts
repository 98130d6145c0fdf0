import { countText } from '../../src/core/countText.ts';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { openTokenizer } from '../../src/model/tokenizer/textTokenizer.ts';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { itemOf } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { expectSameNumbers, panelOf, widenPanel, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { traceByCommandLine } from './trace.ts';
import { until } from './until.ts';

const TOKENS = 20_000;
const STRIDE = BUNDLED_CONTEXT / 2;
const WINDOWS = 1 + Math.ceil((TOKENS - BUNDLED_CONTEXT) / STRIDE);

/** Source files of this repository, one after another. */
function source(): string {
  const from = join(ROOT, 'src/core');
  return readdirSync(from)
    .toSorted()
    .map((name) => readFileSync(join(from, name), 'utf8'))
    .join('');
}

describe('a file of 20,000 tokens', () => {
  let session: Session;
  let panel: Panel;
  let text: string;
  let lineCount: number;

  beforeAll(async () => {
    const tokenizer = await openTokenizer(folder(join(ROOT, 'media/models/explain-tokens-9m')), 16_384);
    const all = source();
    const whole = tokenizer.encode(all).tokens;
    text = all.slice(0, itemOf(whole, TOKENS).start);
    expect(tokenizer.encode(text).tokens).toHaveLength(TOKENS);
    // With what the tokenizer puts before a text.
    const exact = all.slice(0, itemOf(whole, BUNDLED_CONTEXT).start);
    // What follows the last line's end is no line.
    lineCount = text.replace(/\n$/, '').split('\n').length;
    session = await openSession({
      files: {
        'long.ts': text,
        'short.md': 'A few words.\n',
        'exact.ts': exact,
        'line5.txt': 'word '.repeat(1e6),
        'line55.txt': 'word '.repeat(11e6),
      },
      open: 'long.ts',
      expect: text.split('\n')[0] ?? '',
      settings: { 'editor.wordWrap': 'off', 'workbench.editorLargeFileConfirmation': 1000 },
    });
    panel = panelOf(session.workbench);
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  const slider = () => panel.frame.getByRole('slider', { name: 'Window', exact: true });
  const named = (): Promise<string> => slider().evaluate((input) => input.getAttribute('aria-valuetext') ?? '');
  /** Waits until a window is shown, and returns the lines of its name. */
  const shows = async (begin: number, end: number): Promise<readonly [number, number]> => {
    const numbers = new Intl.NumberFormat('en');
    const tokens = `tokens ${numbers.format(begin + 1)}–${numbers.format(end)} of ${numbers.format(TOKENS)}`;
    const name = await until('the window', named, (now) => now.endsWith(tokens));
    await panel.shows(end - begin);
    const [, first = '', last = '', of = ''] = /^Lines ([\d,]+)–([\d,]+) of ([\d,]+), /.exec(name) ?? [];
    const plain = [first, last, of].map((number) => Number(number.replaceAll(',', '')));
    expect(plain[2]).toBe(lineCount);
    return [plain[0] ?? 0, plain[1] ?? 0];
  };
  const visibleLines = async (): Promise<readonly number[]> => {
    const numbers = session.page.locator('.editor-group-container .monaco-editor').first().locator('.line-numbers');
    return (await numbers.allInnerTexts()).map(Number).filter((line) => line > 0);
  };

  it('is read by its first window', async () => {
    await session.workbench.selectAll();
    await session.workbench.command('Explain Tokens');
    await panel.shows(BUNDLED_CONTEXT);
    const [first] = await shows(0, BUNDLED_CONTEXT);
    expect(first).toBe(1);
    const context = countText(BUNDLED_CONTEXT);
    const rule = `reads ${context} tokens at once: this text of ${countText(TOKENS)} tokens is read in windows of ${context}`;
    await panel.frame.locator('.window-bar', { hasText: rule }).waitFor();
    await session.screenshot('80 long text first window');
  });

  it('moves to the middle and to the end by the slider, with the numbers of the command line and the editor beside it', async () => {
    const middle = Math.floor(WINDOWS / 2);
    await slider().fill(String(middle));
    const [line] = await shows(middle * STRIDE, middle * STRIDE + BUNDLED_CONTEXT);
    await until('the window in the editor', visibleLines, (lines) => lines.includes(line + 1));
    await session.screenshot('81 long text middle window');
    await slider().press('End');
    const [, last] = await shows((WINDOWS - 1) * STRIDE, TOKENS);
    expect(last).toBe(lineCount);
    await session.screenshot('82 long text last window');
    expectSameNumbers(await panel.rows(), traceByCommandLine(text, ['--window', String(WINDOWS)]));
    await slider().press('Home');
    await shows(0, BUNDLED_CONTEXT);
  });

  it('shows a window that was read before at once', async () => {
    await until(
      'its time of reading',
      () => panel.frame.locator('.numbers').innerText(),
      (numbers) => numbers.includes('before, kept'),
    );
  });

  it('follows the cursor, and selects its token', async () => {
    const { page, workbench } = session;
    await workbench.focusEditor();
    await page.keyboard.press('Control+g');
    await workbench.answer(':700');
    await until('a window with line 700', named, (name) => {
      const [, first = '0', last = '0'] = /^Lines ([\d,]+)–([\d,]+) /.exec(name) ?? [];
      return Number(first.replaceAll(',', '')) <= 700 && Number(last.replaceAll(',', '')) >= 700;
    });
    await panel.shows(BUNDLED_CONTEXT);
    await until(
      'the token at the cursor',
      () => panel.frame.locator('.strip [aria-selected="true"]').count(),
      (count) => count === 1,
    );
    await session.screenshot('83 long text at the cursor');
  });

  it.each([
    ['Light Modern', 'light'],
    ['Dark Modern', 'dark'],
  ])('has room for its window in every width, %s', async (theme, name) => {
    writeSettings(session.code, { 'workbench.colorTheme': theme });
    await session.workbench.command('View: Toggle Primary Side Bar Visibility');
    for (const width of [480, 800, 1400]) {
      await widenPanel(session.page, width);
      const box = await panel.frame.locator('.window-bar').evaluate((bar) => [bar.scrollWidth - bar.clientWidth, bar.clientHeight]);
      expect(box[0]).toBeLessThanOrEqual(0);
      await session.screenshot(`84 long text ${name} ${width}`);
    }
    await session.page.setViewportSize({ width: 1280, height: 900 });
    await session.workbench.command('View: Toggle Primary Side Bar Visibility');
  });

  it('has no windows where the text is exactly as long as the context', async () => {
    await session.workbench.openFile('exact.ts');
    await session.workbench.selectAll();
    await session.workbench.command('Explain Tokens');
    await panel.frame.getByRole('heading', { name: 'exact.ts', level: 1 }).waitFor({ timeout: 120_000 });
    await panel.shows(BUNDLED_CONTEXT);
    await panel.frame.locator('.window-bar').waitFor({ state: 'hidden' });
    expect(await panel.frame.locator('.notices li').count()).toBe(0);
  });

  it.each([
    ['a line of 5 MB', 5_000_000],
    ['a line of 55 MB, which VS Code shows to no extension', 55_000_000],
  ])('gives way to %s, which is said in one sentence, and the window stays usable', async (_, bytes) => {
    const { page, workbench } = session;
    const name = `line${bytes / 1e6}.txt`;
    await workbench.openFile(name);
    // Its tab is there before its text.
    const line = page.locator('.editor-group-container .monaco-editor').first().locator('.view-line').first();
    await line.filter({ hasText: /^word.word/ }).waitFor({ timeout: 120_000 });
    await page.locator('.editor-group-container .monaco-editor.focused').first().waitFor();
    await page.keyboard.press('Control+a');
    await workbench.status().getByText('selected)').waitFor({ timeout: 120_000 });
    await workbench.command('Explain Tokens');
    if (bytes < 50_000_000) {
      await panel.frame.getByText(/The panel takes at most 200,000 characters from a document/).waitFor({ timeout: 120_000 });
      await panel.frame.getByRole('heading', { name, level: 1 }).waitFor();
    } else await workbench.notification('gives this file to no extension');
    await session.screenshot(`85 line of ${bytes} bytes`);
    await workbench.openFile('short.md');
    await workbench.selectAll();
    await workbench.command('Explain Tokens');
    await panel.frame.getByRole('heading', { name: 'short.md', level: 1 }).waitFor({ timeout: 120_000 });
  });

  it('leaves no error of ours behind', () => {
    expect(session.ownErrors()).toEqual([]);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { openSession, type Session } from './session.ts';
import { until } from './until.ts';

const LINES = 1500;
const CHARACTERS = 30_000;

/** Source files of this repository, one after another. */
function source(): string {
  const from = join(ROOT, 'src/core');
  const all = readdirSync(from).map((name) => readFileSync(join(from, name), 'utf8'));
  return `${all.join('').split('\n').slice(0, LINES).join('\n')}\n`;
}

/** The project's own Chinese sentences, one a line, again from the first where they end. */
function chinese(): string {
  const strings = JSON.parse(readFileSync(join(ROOT, 'l10n/bundle.l10n.zh-cn.json'), 'utf8')) as Readonly<Record<string, string>>;
  const all = Object.values(strings).join('\n');
  return all.repeat(Math.ceil(CHARACTERS / all.length)).slice(0, CHARACTERS);
}

describe('a source file of 1,500 lines and a Chinese text of 30,000 characters', () => {
  let session: Session;

  beforeAll(async () => {
    const text = source();
    session = await openSession({
      files: { 'source.ts': text, 'chinese.md': chinese() },
      open: 'source.ts',
      expect: text.split('\n')[0] ?? '',
      settings: { 'editor.wordWrap': 'off', 'editor.minimap.enabled': true, 'editor.quickSuggestions': false },
    });
    await session.workbench.command('View: Toggle Primary Side Bar Visibility');
  });
  afterAll(() => session.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  const item = () => session.page.locator('.statusbar-item', { hasText: 'bits/byte' });
  const editor = () => session.page.locator('.editor-group-container .monaco-editor').first();
  /** Texts on screen that have one of the colours or lines of surprisal, from left to right and top to bottom. */
  const coloured = (): Promise<number> => editor().locator('.view-overlays [class*="ced-"]').count();
  const share = async (): Promise<number> =>
    Number(
      /file (\d+) %/.exec(
        await item()
          .innerText()
          .catch(() => ''),
      )?.[1] ?? NaN,
    );
  const goTo = async (line: number): Promise<void> => {
    await session.workbench.command('View: Focus First Editor Group');
    await session.page.keyboard.press('Control+g');
    await session.workbench.answer(`:${line}`);
    await editor()
      .locator('.line-numbers', { hasText: new RegExp(`^${line}$`) })
      .first()
      .waitFor();
  };
  const pictures = async (name: string): Promise<void> => {
    for (const [theme, shown] of [
      ['Light Modern', 'light'],
      ['Dark Modern', 'dark'],
      ['Default High Contrast', 'high contrast'],
    ] as const) {
      writeSettings(session.code, { 'workbench.colorTheme': theme });
      const kind = shown === 'high contrast' ? 'hc-black' : shown === 'dark' ? 'vs-dark' : 'vs';
      await session.page.locator(`.monaco-workbench.${kind}`).waitFor();
      await session.screenshot(`87 whole file ${name} ${shown}`);
    }
  };

  it('is read from where the user looks while the user types, stopped, gone through and cleared', async () => {
    const { page, workbench } = session;
    await goTo(750);
    await workbench.command('Explain Tokens: Explain the Whole File');
    await until('colours where the user looks', coloured, (count) => count > 20, 120_000);
    expect(await share()).toBeLessThan(100);
    await page.keyboard.press('End');
    await page.keyboard.type(' // and');
    await workbench.command('Explain Tokens: Stop Reading the File');
    await workbench.command('Explain Tokens: Next Surprising Token');
    await workbench.status().getByText('selected)').waitFor();
    await workbench.command("Explain Tokens: Clear the File's Colors");
    await item().waitFor({ state: 'detached' });
    await until('no colours', coloured, (count) => count === 0);
    // What was typed is not undone with later edits.
    for (let undo = 0; undo < 8; undo++) await page.keyboard.press('Control+z');
  });

  it('is whole after all, with its marks and its sums', async () => {
    const { workbench } = session;
    await goTo(40);
    await workbench.command('Explain Tokens: Explain the Whole File');
    await until(
      'all of it',
      () =>
        item()
          .innerText()
          .catch(() => ''),
      (text) => /bits\/byte/.test(text) && !/%/.test(text),
    );
    await pictures('source');
  });

  it('is Chinese too', async () => {
    const { workbench } = session;
    await workbench.openFile('chinese.md');
    await goTo(300);
    await workbench.command('Explain Tokens: Explain the Whole File');
    await until('colours where the user looks', coloured, (count) => count > 20, 120_000);
    await until('a part of it', share, (now) => now >= 2, 120_000);
    await pictures('Chinese');
    await workbench.command('Explain Tokens: Stop Reading the File');
  });

  it('leaves no error of ours behind', () => {
    expect(session.ownErrors()).toEqual([]);
  });
});

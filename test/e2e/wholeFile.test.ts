import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { surprisalLevel, surprisalMeasure, surprisalSteps } from '../../src/core/surprisalScale.ts';
import { FIRST_ONLY } from '../firstCases.ts';
import { generator } from '../generator.ts';
import { editorLines } from './editorLines.ts';
import { editedText, editOnScreen, type EditedText, type LevelledToken } from './randomEdits.ts';
import { openSession, type Session } from './session.ts';
import { scoresByCommandLine, type ScoredToken } from './trace.ts';
import { until } from './until.ts';

const LINES = 1500;
const CHARACTERS = 30_000;
const EDITS = 200;
/** Lines in the middle of the screens on which these are made. */
const SCREENS = [22, 66, 110, 154] as const;

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

/** Lines of code and of Chinese in turns, and characters of two UTF-16 units and of several tokens. */
function mixed(): string {
  const [code, sentences] = [source(), chinese()].map((text) => text.split('\n').filter(({ length }) => length > 0 && length < 60));
  return (code ?? [])
    .slice(0, 60)
    .map((line, index) => `${line}\n${sentences?.[index] ?? ''}\n🙂 ${index} naïve 🌍\n`)
    .join('');
}

/** The tokens of a text with their levels of surprisal among all of it, by the built command line. */
function levelled(text: string): readonly (ScoredToken & LevelledToken)[] {
  const tokens = scoresByCommandLine(text);
  const scores = { logprob: Float32Array.from(tokens, ({ logprob }) => logprob ?? NaN), entropy: new Float32Array() };
  const steps = surprisalSteps(scores, 'quantile');
  return tokens.map((token, index) => ({ ...token, level: surprisalLevel(surprisalMeasure(scores, index, 'quantile'), steps) }));
}

describe('a source file of 1,500 lines and a Chinese text of 30,000 characters', () => {
  let session: Session;

  beforeAll(async () => {
    const text = source();
    session = await openSession({
      files: { 'source.ts': text, 'chinese.md': chinese(), 'edited.txt': mixed() },
      open: 'source.ts',
      expect: text.split('\n')[0] ?? '',
      settings: {
        'editor.wordWrap': 'off',
        'editor.minimap.enabled': true,
        'editor.quickSuggestions': false,
        // What is typed is what was typed, and a click is where it is made.
        'editor.autoIndent': 'none',
        'editor.useTabStops': false,
        'editor.trimAutoWhitespace': false,
        'editor.dragAndDrop': false,
        'editor.stickyScroll.enabled': false,
        'editor.unicodeHighlight.ambiguousCharacters': false,
      },
    });
    await session.workbench.command('View: Toggle Primary Side Bar Visibility');
  });
  afterAll(() => session?.close());
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

  const explainWhole = async (): Promise<void> => {
    await session.workbench.command('Explain Tokens: Explain the Whole File');
    await until(
      'all of it',
      () =>
        item()
          .innerText()
          .catch(() => ''),
      (text) => /bits\/byte/.test(text) && !/%/.test(text),
    );
  };

  it('is whole after all, with its marks and its sums', async () => {
    await goTo(40);
    await explainWhole();
    await pictures('source');
  });

  /** Waits until each screen has the marks that it should; returns how many there are, of surprisal and of what was edited. */
  const expectMarks = async (edited: EditedText, tokens: readonly LevelledToken[]): Promise<{ colours: number; edits: number }> => {
    const [lines, marks] = [edited.lines(), edited.marks(tokens)];
    const seen = new Map<number, string>();
    for (const screen of SCREENS) {
      await goTo(screen);
      const wrong = async (): Promise<readonly object[]> => {
        const shown = await editorLines(session.page);
        for (const { number, marks: own } of shown) seen.set(number, own);
        return shown.flatMap(({ number, text, marks: own }) => {
          const wanted = { number, text: lines[number - 1], marks: marks[number - 1] };
          return text === wanted.text && own === wanted.marks ? [] : [{ number, text, marks: own }, wanted];
        });
      };
      await expect.poll(wrong, { timeout: 20_000 }).toEqual([]);
    }
    const all = [...seen.values()].join('');
    return { colours: all.match(/[2-5]/g)?.length ?? 0, edits: all.match(/~/g)?.length ?? 0 };
  };

  const editedAtRandom = async (): Promise<void> => {
    const { page, workbench } = session;
    await workbench.openFile('edited.txt');
    await item().waitFor({ state: 'detached' });
    await explainWhole();
    const before = mixed();
    const tokens = levelled(before);
    const edited = editedText(before);
    const random = generator(17);
    for (const screen of SCREENS) {
      await goTo(screen);
      await editOnScreen(page, edited, EDITS / SCREENS.length, random);
    }
    const { colours, edits } = await expectMarks(edited, tokens);
    expect(colours).toBeGreaterThan(1000);
    expect(edits).toBeGreaterThan(EDITS / 2);
    await session.screenshot('88 whole file after edits');
    const visible = await editorLines(page);
    const [first, last] = [visible[0]?.number ?? NaN, visible.at(-1)?.number ?? NaN];
    const moved = tokens.filter((token) => {
      const { start, stale } = edited.placeOf(token);
      const line = edited.text().slice(0, start).split('\n').length;
      const word = before.slice(token.start, token.end).trim();
      const isAlone = visible.reduce((count, { text }) => count + text.split(word).length - 1, 0) === 1;
      return !stale && start !== token.start && line >= first && line <= last && /^[a-z]{4,}$/i.test(word) && isAlone;
    });
    expect(moved.length).toBeGreaterThan(1);
    for (const { index, id, start, end } of moved.slice(0, 3))
      expect(await workbench.hover(before.slice(start, end).trim())).toContain(`token ${index} · id ${id}`);
    await workbench.command('Explain Tokens: Explain the Whole File');
    const after = edited.text();
    expect((await expectMarks(editedText(after), levelled(after))).edits).toBe(0);
  };
  // `npm test` has random edits of the ranges alone, in test/unit/core/textEdits.test.ts.
  if (!FIRST_ONLY) it('has each colour at its own text after many random edits, and is read again as it is then', editedAtRandom);

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

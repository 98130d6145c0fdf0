import type { Page } from 'playwright-core';
import type { Box } from './workbench.ts';

/** A line on screen. */
export interface EditorLine {
  /** Counted from 1. */
  readonly number: number;
  readonly text: string;
  /** Of each UTF-16 unit: `2` to `5` for a level of surprisal, `~` for what was edited since, a space for neither or the lowest level. */
  readonly marks: string;
}

/** A place between two UTF-16 units of the text: line and column, both counted from 0. */
export interface CaretPlace {
  readonly line: number;
  readonly column: number;
}

/** The lines that are whole on screen in the first editor, with what is painted on them. */
export function editorLines(page: Page): Promise<readonly EditorLine[]> {
  return page.evaluate(readLines);
}

/** Where a click puts the caret, and the lines that are whole on screen, counted from 0. */
export interface CaretPoints {
  readonly lines: readonly number[];
  readonly points: readonly Pick<Box, 'x' | 'y'>[];
}

/**
 * Waits until all lines on screen in the first editor have these texts (index: the line, counted from 0), and returns the points at which
 * a click puts the caret at these places. Rejects where another text, or no such line, is on screen.
 */
export async function caretPoints(page: Page, texts: readonly string[], places: readonly CaretPlace[]): Promise<CaretPoints> {
  const { wrong, ...found } = await page.evaluate(awaitTexts, { texts, places });
  if (wrong !== null) throw new Error(`The editor has another text: ${wrong}`);
  return found;
}

// What follows runs in the page, each function by itself.

function readLines(): EditorLine[] {
  const editor = document.querySelector('.editor-group-container .monaco-editor');
  const area = editor?.querySelector('.overflow-guard')?.getBoundingClientRect();
  if (!editor || !area) return [];
  const probe = editor.appendChild(document.createElement('div'));
  const levels = [1, 2, 3, 4, 5].map((level) => {
    probe.style.backgroundColor = `var(--vscode-explainTokens-surprisal${level})`;
    return getComputedStyle(probe).backgroundColor;
  });
  probe.remove();
  const painted = [...editor.querySelectorAll('.view-overlays [class*="ced-"]')].map((element) => ({
    box: element.getBoundingClientRect(),
    level: levels.indexOf(getComputedStyle(element).backgroundColor),
  }));
  const numbers = [...editor.querySelectorAll('.line-numbers')].map((element) => ({
    top: element.getBoundingClientRect().top,
    number: Number(element.textContent),
  }));
  const range = document.createRange();
  return [...editor.querySelectorAll('.view-line')]
    .flatMap((line): EditorLine[] => {
      const row = line.getBoundingClientRect();
      const number = numbers.find(({ top }) => Math.abs(top - row.top) < 2)?.number;
      if (number === undefined || row.top < area.top || row.bottom > area.bottom) return [];
      const own = painted.filter(({ box }) => box.top < row.bottom - 2 && box.bottom > row.top + 2);
      let [text, marks] = ['', ''];
      const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        const isEdited = node.parentElement !== null && getComputedStyle(node.parentElement).textDecorationStyle === 'wavy';
        let at = 0;
        for (const character of node.nodeValue ?? '') {
          range.setStart(node, at);
          range.setEnd(node, (at += character.length));
          const { left, width } = range.getBoundingClientRect();
          const middle = left + width / 2;
          const level = Math.max(-1, ...own.filter(({ box }) => box.left < middle && box.right > middle).map((one) => one.level));
          text += character === '\u00a0' ? ' ' : character;
          marks += (isEdited ? '~' : level > 0 ? String(level + 1) : ' ').repeat(character.length);
        }
      }
      return [{ number, text, marks }];
    })
    .toSorted((a, b) => a.number - b.number);
}

async function awaitTexts({ texts, places }: { readonly texts: readonly string[]; readonly places: readonly CaretPlace[] }): Promise<{
  readonly lines: number[];
  readonly points: Pick<Box, 'x' | 'y'>[];
  readonly wrong: string | null;
}> {
  const editor = document.querySelector('.editor-group-container .monaco-editor');
  const area = editor?.querySelector('.overflow-guard')?.getBoundingClientRect();
  if (!editor || !area) return { lines: [], points: [], wrong: 'none' };
  const range = document.createRange();
  /** Left of the character of a row at `column`; behind its last one, right of that. */
  const leftOf = (row: Element, column: number): number => {
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    let [begin, right] = [0, row.getBoundingClientRect().left];
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const length = node.nodeValue?.length ?? 0;
      if (column < begin + length) {
        range.setStart(node, column - begin);
        range.setEnd(node, column - begin + 1);
        return range.getBoundingClientRect().left;
      }
      begin += length;
      range.selectNodeContents(node);
      right = range.getBoundingClientRect().right;
    }
    return right;
  };
  let wrong: string | null = null;
  // A frame draws what was typed before it; a busy machine is late.
  for (const end = performance.now() + 20_000; performance.now() < end;) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const numbers = [...editor.querySelectorAll('.line-numbers')].map((element) => ({
      top: element.getBoundingClientRect().top,
      line: Number(element.textContent) - 1,
    }));
    const rows = [...editor.querySelectorAll('.view-line')].map((element) => {
      const { top, bottom } = element.getBoundingClientRect();
      const line = numbers.find((one) => Math.abs(one.top - top) < 2)?.line ?? -1;
      return { element, line, text: element.textContent.replaceAll('\u00a0', ' '), top, bottom };
    });
    const other = rows.find(({ line, text }) => text !== texts[line]);
    wrong = other ? `line ${other.line + 1} is ${JSON.stringify(other.text)}, not ${JSON.stringify(texts[other.line])}` : null;
    if (wrong !== null || rows.length === 0) continue;
    const points = places.flatMap((place) => {
      const row = rows.find(({ line }) => line === place.line);
      return row === undefined ? [] : [{ x: leftOf(row.element, place.column) + 1, y: (row.top + row.bottom) / 2 }];
    });
    const missing = points.length < places.length ? `of ${JSON.stringify(places)} not all are on screen` : null;
    return {
      lines: rows.flatMap(({ line, top, bottom }) => (top >= area.top && bottom <= area.bottom ? [line] : [])),
      points,
      wrong: missing,
    };
  }
  return { lines: [], points: [], wrong: wrong ?? 'no line at all' };
}

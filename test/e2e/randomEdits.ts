import type { Page } from 'playwright-core';
import { applyEdits, heal, trackedRange, trackText } from '../../src/core/textEdits.ts';
import { wholeCharacters } from '../../src/core/textSpans.ts';
import { caretPoints, type CaretPlace } from './editorLines.ts';

/** A text in place of the `removed` UTF-16 units at `offset`. */
interface Change {
  readonly offset: number;
  readonly removed: number;
  readonly inserted: string;
}

/** A token of the text as it was read. `level`: of its surprisal, from 0; -1: it has none. */
export interface LevelledToken {
  readonly start: number;
  readonly end: number;
  readonly level: number;
}

/** A text that is edited beside the editor's, with the places of what was read of it by the model of ranges that `textEdits` tests. */
export interface EditedText {
  readonly text: () => string;
  readonly lines: () => readonly string[];
  /** Changes at the same time, those of later places first. */
  readonly apply: (changes: readonly Change[]) => void;
  /** Where a token is now; `stale`: edited. */
  readonly placeOf: (token: LevelledToken) => { readonly start: number; readonly end: number; readonly stale: boolean };
  /** Marks of each line, as `EditorLine` has them. */
  readonly marks: (tokens: readonly LevelledToken[]) => readonly string[];
}

/** A text that was read, before it is edited. */
export function editedText(original: string): EditedText {
  let text = original;
  let tracked = trackText(0, original.length);
  const placeOf: EditedText['placeOf'] = ({ start, end }) => trackedRange(tracked, start, end);
  return {
    text: () => text,
    lines: () => text.split('\n'),
    apply: (changes) => {
      text = afterChanges(text, changes);
      const edits = changes.map(({ offset, removed, inserted }) => ({ offset, removed, inserted: inserted.length }));
      tracked = heal(applyEdits(tracked, edits), original, (start, end) => text.slice(start, end));
    },
    placeOf,
    marks: (tokens) => {
      const marks: string[] = Array.from({ length: text.length }, () => ' ');
      for (const token of tokens) {
        const { start, end, stale } = placeOf(token);
        // Of tokens that share a character, the most surprising colours it.
        const mark = stale ? '~' : token.level > 0 ? String(token.level + 1) : ' ';
        for (let at = start; at < end; at++) if (mark > (marks[at] ?? '')) marks[at] = mark;
      }
      let begin = 0;
      return text.split('\n').map((line) => {
        const own = marks.slice(begin, begin + line.length).join('');
        begin += line.length + 1;
        return own;
      });
    },
  };
}

/** An edit at the caret: the keys that make it, what it comes to, and where the caret is then. */
interface CaretEdit {
  readonly keys: readonly string[];
  readonly change: Change;
}

/** What is typed is frequent: an edit may restore by chance what another one took away. */
const TYPED = 'etaoinshr';
const MOST_TYPED = 3;
/** Carets at once. */
const MOST_CARETS = 3;
/** Longest selection, in characters. */
const MOST_SELECTED = 5;
/** Edits about one place before the pointer goes to another. */
const BURST = 5;
/** Lines at the edges of the screen where no caret is set: what it does there may scroll. */
const EDGE = 4;

/**
 * Makes so many random edits of what is on screen with pointer and keys, and the same ones in `edited`: what is typed at one caret and at
 * several, new lines, deletions, replacements, and undoing of these.
 */
export async function editOnScreen(page: Page, edited: EditedText, count: number, random: (below: number) => number): Promise<void> {
  const undo: (readonly Change[])[] = [];
  const make = (changes: readonly Change[], events: readonly (readonly Change[])[]): void => {
    undo.push(inverse(changes, edited.text()));
    for (const event of events) edited.apply(event);
  };
  let { lines: shown } = await caretPoints(page, edited.lines(), []);
  for (let made = 0; made < count;) {
    const lines = edited.lines();
    const inner = shown.slice(EDGE, -EDGE);
    const somewhere = Array.from({ length: MOST_CARETS }, (): CaretPlace => {
      const line = inner[random(inner.length)] ?? 0;
      const text = lines[line] ?? '';
      return { line, column: wholeCharacters(text, random(text.length + 1)) };
    });
    const places = new Map(somewhere.map((place) => [offsetOf(lines, place), place]));
    const found = await caretPoints(page, lines, [...places.values()]);
    shown = found.lines;
    const [first, ...others] = found.points;
    let [caret = 0] = places.keys();
    if (first) await page.mouse.click(first.x, first.y);
    if (random(5) === 0) {
      const inserted = TYPED.charAt(random(TYPED.length));
      await page.keyboard.down('Alt');
      for (const { x, y } of others) await page.mouse.click(x, y);
      await page.keyboard.up('Alt');
      await page.keyboard.press(inserted);
      await page.keyboard.press('Escape');
      const changes = [...places.keys()].toSorted((a, b) => b - a).map((offset) => ({ offset, removed: 0, inserted }));
      make(changes, [changes]);
      made += changes.length;
      continue;
    }
    for (let step = 0; step < BURST && made < count; step++) {
      made++;
      const last = random(6) === 0 ? undo.pop() : undefined;
      if (last) {
        await page.keyboard.press('Control+z');
        edited.apply(last);
        break;
      }
      const { keys, change } = editAt(edited.text(), caret, random);
      for (const key of keys) await page.keyboard.press(key);
      make([change], keyByKey(change));
      caret = change.offset + change.inserted.length;
      // A caret that moved ends what is undone at once.
      const isBack = caret > 0 && random(2) === 0;
      await page.keyboard.press(isBack ? 'ArrowLeft' : 'ArrowRight');
      caret += isBack ? -unitsBefore(edited.text(), caret) : unitsAfter(edited.text(), caret);
    }
  }
  await caretPoints(page, edited.lines(), []);
}

function editAt(text: string, caret: number, random: (below: number) => number): CaretEdit {
  const typed = Array.from({ length: 1 + random(MOST_TYPED) }, () => TYPED.charAt(random(TYPED.length)));
  const kind = random(10);
  if (kind >= 5) {
    const characters = Array.from(text.slice(caret, caret + 2 * MOST_SELECTED)).slice(0, 1 + random(MOST_SELECTED));
    const keys = characters.map(() => 'Shift+ArrowRight');
    const removed = characters.join('').length;
    if (kind >= 7) return { keys: [...keys, ...typed], change: { offset: caret, removed, inserted: typed.join('') } };
    if (removed > 0) return { keys: [...keys, 'Delete'], change: { offset: caret, removed, inserted: '' } };
  }
  const removed = unitsBefore(text, caret);
  if (kind >= 3 && removed > 0) return { keys: ['Backspace'], change: { offset: caret - removed, removed, inserted: '' } };
  if (kind === 0) return { keys: ['Enter'], change: { offset: caret, removed: 0, inserted: '\n' } };
  return { keys: typed, change: { offset: caret, removed: 0, inserted: typed.join('') } };
}

/** UTF-16 units of the character before an offset, and of that at it; 0: there is none. */
function unitsBefore(text: string, offset: number): number {
  return offset === 0 ? 0 : offset - wholeCharacters(text, offset - 1) > 1 ? 2 : 1;
}
function unitsAfter(text: string, offset: number): number {
  return String.fromCodePoint(text.codePointAt(offset) ?? 0).length * Number(offset < text.length);
}

/** A change as the editor tells of it, key by key. */
function keyByKey({ offset, removed, inserted }: Change): readonly (readonly Change[])[] {
  if (inserted === '') return [[{ offset, removed, inserted }]];
  return Array.from(inserted, (key, index) => [{ offset: offset + index, removed: index === 0 ? removed : 0, inserted: key }]);
}

function afterChanges(text: string, changes: readonly Change[]): string {
  return changes.reduce((now, { offset, removed, inserted }) => now.slice(0, offset) + inserted + now.slice(offset + removed), text);
}

/** What takes changes of a text back, those of later places first. */
function inverse(changes: readonly Change[], text: string): readonly Change[] {
  let shift = 0;
  return changes
    .toReversed()
    .map(({ offset, removed, inserted }) => {
      const back = { offset: offset + shift, removed: inserted.length, inserted: text.slice(offset, offset + removed) };
      shift += inserted.length - removed;
      return back;
    })
    .toReversed();
}

function offsetOf(lines: readonly string[], { line, column }: CaretPlace): number {
  return lines.slice(0, line).reduce((sum, { length }) => sum + length + 1, column);
}

import { describe, expect, test } from 'vitest';
import {
  applyEdit,
  applyEdits,
  heal,
  isWhole,
  lostText,
  originalNear,
  originalOffset,
  relocate,
  trackText,
  trackedRange,
  type TextEdit,
  type TrackedText,
} from '../../../src/core/textEdits.ts';
import { generator } from '../../generator.ts';

const DOCUMENT = 'before The cat sat. after';
const ORIGINAL = 'The cat sat.';
const START = 7;
const CAT = [4, 7] as const;

function edited(text: string, offset: number, removed: number, inserted: string): string {
  return text.slice(0, offset) + inserted + text.slice(offset + removed);
}

function afterEdit(offset: number, removed: number, inserted: string): { tracked: TrackedText; text: string } {
  return {
    tracked: applyEdit(trackText(START, ORIGINAL.length), { offset, removed, inserted: inserted.length }),
    text: edited(DOCUMENT, offset, removed, inserted),
  };
}

describe('a range of an explained text', () => {
  test('follows an insertion before the text', () => {
    const { tracked, text } = afterEdit(0, 0, 'now ');
    const cat = trackedRange(tracked, ...CAT);
    expect(text.slice(cat.start, cat.end)).toBe('cat');
    expect(cat.stale).toBe(false);
  });

  test('stays where it is when the text after it changes', () => {
    expect(trackedRange(afterEdit(20, 5, 'later, much later').tracked, ...CAT)).toEqual({ start: 11, end: 14, stale: false });
  });

  test('is not stale when text is typed at its edges', () => {
    expect(trackedRange(afterEdit(11, 0, 'big ').tracked, ...CAT)).toEqual({ start: 15, end: 18, stale: false });
    expect(trackedRange(afterEdit(14, 0, 's').tracked, ...CAT)).toEqual({ start: 11, end: 14, stale: false });
  });

  test('is stale when text is typed inside it, and spans the new text', () => {
    const { tracked, text } = afterEdit(12, 0, 'h');
    const cat = trackedRange(tracked, ...CAT);
    expect(cat.stale).toBe(true);
    expect(text.slice(cat.start, cat.end)).toBe('chat');
  });

  test('is stale and empty when it was removed', () => {
    expect(trackedRange(afterEdit(11, 3, '').tracked, ...CAT)).toEqual({ start: 11, end: 11, stale: true });
  });

  test('of no length, such as a BOS token, is never stale', () => {
    expect(trackedRange(afterEdit(0, 25, '').tracked, 0, 0).stale).toBe(false);
  });

  test('grows neither at the start nor at the end of the text', () => {
    for (const at of [START, START + ORIGINAL.length]) {
      const { tracked, text } = afterEdit(at, 0, 'NEW');
      expect(text.slice(tracked.start, tracked.end)).toBe(ORIGINAL);
    }
  });

  test('is found by the offset in the document', () => {
    const { tracked } = afterEdit(12, 0, 'h');
    expect(originalOffset(tracked, 7)).toBe(0);
    expect(originalOffset(tracked, 12)).toBe(null);
    expect(originalOffset(tracked, 13)).toBe(5);
    expect(originalOffset(tracked, 6)).toBe(null);
    expect(originalOffset(tracked, 20)).toBe(null);
  });
});

describe('healing', () => {
  test('makes a range fresh again when an edit is undone', () => {
    const { tracked, text } = afterEdit(10, 6, 'dogs');
    const undone = edited(text, 10, 4, DOCUMENT.slice(10, 16));
    const back = heal(applyEdit(tracked, { offset: 10, removed: 4, inserted: 6 }), ORIGINAL, (a, b) => undone.slice(a, b));
    expect(back).toEqual(trackText(START, ORIGINAL.length));
  });

  test('keeps what a replacement of everything left as it was', () => {
    const text = 'before The dog sat. after';
    const replaced = applyEdit(trackText(START, ORIGINAL.length), { offset: START, removed: ORIGINAL.length, inserted: ORIGINAL.length });
    const healed = heal(replaced, ORIGINAL, (a, b) => text.slice(a, b));
    expect(trackedRange(healed, 0, 3).stale).toBe(false);
    expect(trackedRange(healed, ...CAT).stale).toBe(true);
    expect(trackedRange(healed, 8, 11)).toEqual({ start: 15, end: 18, stale: false });
  });

  test('finds the text inside a replacement of the whole document', () => {
    const text = `A new first line.\n${DOCUMENT}`;
    const replaced = applyEdit(trackText(START, ORIGINAL.length), { offset: 0, removed: DOCUMENT.length, inserted: text.length });
    expect(heal(replaced, ORIGINAL, (a, b) => text.slice(a, b))).toEqual(trackText(text.indexOf(ORIGINAL), ORIGINAL.length));
  });
});

describe('relocating after edits that were not seen', () => {
  test('takes the occurrence nearest to the old place', () => {
    const text = `${ORIGINAL} ${'x'.repeat(50)} ${ORIGINAL}`;
    expect(relocate(trackText(3, ORIGINAL.length), ORIGINAL, text).start).toBe(0);
    expect(relocate(trackText(60, ORIGINAL.length), ORIGINAL, text).start).toBe(64);
  });

  test('loses a text that is not there', () => {
    expect(relocate(trackText(7, 12), ORIGINAL, 'short')).toEqual(lostText(5, 5, 12));
  });
});

/** The document as units that know where they came from: the slow way to tell what happened to a text. */
interface Unit {
  readonly char: string;
  readonly origin: number | null;
}

describe('random edits', () => {
  test('agree with a document whose every unit remembers its origin', () => {
    const random = generator(20261123);
    for (let round = 0; round < 400; round++) {
      const length = 1 + random(24);
      const start = random(8);
      const units: Unit[] = Array.from({ length: start + length + random(8) }, (_, i) => ({
        char: String.fromCharCode(97 + random(3)),
        origin: i >= start && i < start + length ? i - start : null,
      }));
      let tracked = trackText(start, length);
      const cuts = [...new Set([0, length, ...Array.from({ length: 5 }, () => random(length + 1))])].sort((a, b) => a - b);
      for (let step = 0; step < 8; step++) {
        const offset = random(units.length + 1);
        const edit: TextEdit = { offset, removed: random(2) * random(units.length - offset + 1), inserted: random(5) };
        units.splice(offset, edit.removed, ...Array.from({ length: edit.inserted }, () => ({ char: 'N', origin: null })));
        tracked = applyEdit(tracked, edit);
        for (let i = 0; i + 1 < cuts.length; i++) compareWithUnits(tracked, units, cuts[i] ?? 0, cuts[i + 1] ?? 0);
      }
    }
  });

  test('and undoing them all in reverse order makes the whole text fresh again', () => {
    const random = generator(7);
    for (let round = 0; round < 400; round++) {
      let text = Array.from({ length: 30 }, () => String.fromCharCode(97 + random(4))).join('');
      const start = random(10);
      const original = text.slice(start, start + 12);
      let tracked = trackText(start, original.length);
      const undo: { edit: TextEdit; text: string }[] = [];
      for (let step = 0; step < 6; step++) {
        const offset = random(text.length + 1);
        const removed = random(Math.min(6, text.length - offset + 1));
        const inserted = 'ABCDE'.slice(0, random(6));
        undo.push({ edit: { offset, removed: inserted.length, inserted: removed }, text });
        text = edited(text, offset, removed, inserted);
        tracked = heal(applyEdit(tracked, { offset, removed, inserted: inserted.length }), original, (a, b) => text.slice(a, b));
        expectTrueText(tracked, original, text);
      }
      for (const { edit, text: before } of undo.reverse()) {
        tracked = heal(applyEdit(tracked, edit), original, (a, b) => before.slice(a, b));
        expectTrueText(tracked, original, before);
        text = before;
      }
      expect(text.slice(tracked.start, tracked.end)).toContain(original);
      expect(trackedRange(tracked, 0, original.length).stale).toBe(false);
    }
  });
});

test('many edits at once, from the end to the start or in any order, are as one after another', () => {
  const random = generator(99);
  for (let round = 0; round < 600; round++) {
    const start = random(6);
    const length = 1 + random(30);
    let tracked = applyEdit(trackText(start, length), { offset: start + random(length), removed: random(3), inserted: random(3) });
    const edits: TextEdit[] = [];
    for (let stop = tracked.end + random(8); stop >= 0;) {
      const removed = Math.min(stop, random(3) * random(3));
      edits.push({ offset: stop - removed, removed, inserted: random(4) });
      stop -= removed + (random(3) === 0 ? 0 : random(7)) + (removed === 0 ? 1 : 0);
    }
    if (random(4) === 0) edits.reverse();
    expect(applyEdits(tracked, edits)).toEqual(edits.reduce(applyEdit, tracked));
    tracked = applyEdits(tracked, edits);
    expect(applyEdits(tracked, [])).toEqual(tracked);
  }
});

function compareWithUnits(tracked: TrackedText, units: readonly Unit[], from: number, to: number): void {
  const first = units.findIndex((unit) => unit.origin === from);
  const together =
    first >= 0 && Array.from({ length: to - from }, (_, i) => units[first + i]?.origin).every((origin, i) => origin === from + i);
  const range = trackedRange(tracked, from, to);
  expect(range.stale).toBe(!together);
  if (together) expect(range).toEqual({ start: first, end: first + to - from, stale: false });
  else expect(range.start >= 0 && range.start <= range.end && range.end <= units.length).toBe(true);
}

/** No piece may claim a text that is not there. */
function expectTrueText(tracked: TrackedText, original: string, text: string): void {
  for (const { from, to, at } of tracked.pieces) expect(text.slice(at, at + to - from)).toBe(original.slice(from, to));
}

test('after 200 random edits every range that is not stale holds its own text, in order, and undoing restores all', () => {
  let seed = 42;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  // Units that differ from all others nearby, so that a range which is off by one holds another text.
  const original = Array.from({ length: 4000 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 37) % 9001))).join('');
  let text = original;
  let tracked = trackText(0, original.length);
  const undo: { readonly edit: TextEdit; readonly text: string }[] = [];
  const apply = (edit: TextEdit, inserted: string): void => {
    text = edited(text, edit.offset, edit.removed, inserted);
    tracked = heal(applyEdit(tracked, edit), original, (start, end) => text.slice(start, end));
  };
  for (let i = 0; i < 200; i++) {
    const offset = random(text.length + 1);
    const removed = Math.min(random(4) === 0 ? random(30) : random(3), text.length - offset);
    const inserted = 'abcdefgh\n'.repeat(2).slice(0, random(12));
    undo.push({ edit: { offset, removed: inserted.length, inserted: removed }, text: text.slice(offset, offset + removed) });
    apply({ offset, removed, inserted: inserted.length }, inserted);
    let last = 0;
    for (let start = 0; start < original.length; start += 5) {
      const range = trackedRange(tracked, start, start + 5);
      if (!range.stale) expect(text.slice(range.start, range.end)).toBe(original.slice(start, start + 5));
      expect(range.start).toBeGreaterThanOrEqual(last);
      last = range.start;
    }
  }
  expect(isWhole(tracked)).toBe(false);
  for (const { edit, text: removed } of undo.toReversed()) apply(edit, removed);
  expect([text === original, isWhole(tracked)]).toEqual([true, true]);
});

test('a place in the document is near the text that stands before it', () => {
  const { tracked } = afterEdit(11, 3, 'elephant');
  expect([0, 7, 9, 13, 19, 20, 99].map((at) => originalNear(tracked, at))).toEqual([0, 0, 2, 4, 7, 8, 12]);
});

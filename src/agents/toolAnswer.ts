import { shortened } from '../core/visibleText.ts';

/** Most UTF-16 units of an answer: what an agent reads takes room among what it can remember. */
export const MOST_ANSWER_UNITS = 8000;
/** Most characters of a text in an answer; `…` stands for the rest. */
const MOST_TEXT = 200;
/** Significant digits of a number. */
export const DIGITS = 6;

/** Lists of an answer by name. */
export type AnswerLists = Readonly<Record<string, readonly object[]>>;

/**
 * An answer as JSON of at most `MOST_ANSWER_UNITS`: `head`, and of each list as many of its items as have room, the first of them first;
 * `NAMELeftOut` counts the others. A number that is not finite becomes null.
 */
export function answerOf(head: object, lists: AnswerLists = {}): string {
  const names = Object.keys(lists);
  const written = names.map((name) => (lists[name] ?? []).map(json));
  const ends = names.map((name, i) => `"${name}LeftOut":${written[i]?.length ?? 0}`.length + `"${name}":[],`.length + 2);
  let room = MOST_ANSWER_UNITS - json(head).length - ends.reduce((sum, length) => sum + length, 0);
  // A short list leaves its room to those after it.
  const kept = written.map((items, i) => {
    const own = Math.floor(room / (written.length - i));
    let [used, count] = [0, 0];
    while (count < items.length && used + (items[count]?.length ?? 0) + 1 <= own) used += (items[count++]?.length ?? 0) + 1;
    room -= used;
    return items.slice(0, count);
  });
  const members = names.flatMap((name, i) => {
    const [items, all] = [kept[i] ?? [], written[i] ?? []];
    return [`"${name}":[${items.join(',')}]`, ...(items.length < all.length ? [`"${name}LeftOut":${all.length - items.length}`] : [])];
  });
  return `{${[json(head).slice(1, -1), ...members].filter((part) => part !== '').join(',')}}`;
}

function json(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'string') return shortened(inner, MOST_TEXT);
    if (typeof inner !== 'number' || Number.isInteger(inner)) return inner;
    return Number.isFinite(inner) ? Number(inner.toPrecision(DIGITS)) : null;
  });
}

import { UserError } from '../../../core/errors.ts';
import { msg } from '../../../core/translatable.ts';
import { Step, type Program } from './program.ts';

/** A pattern that finds its matches in a text. A RegExp with the flag g is one. */
export interface Pattern {
  [Symbol.matchAll](text: string): Iterable<{ readonly 0: string; readonly index: number }>;
}

const PAGE = 1024;
const FAILED = 1;
const MATCHED = 2;
/** Most marks kept at once; a pattern that needs more lookahead was crafted to. */
const MAX_MARKS = 2 ** 28;

/**
 * Matches like a RegExp with the flags g and u, in time proportional to the text's length times the program's: a step that failed at a
 * place is never retried there (memoized backtracking, as in packrat parsers). Sound because programs have no memory: the outcome of a
 * step depends on the place alone.
 */
export function matcher(program: Program): Pattern {
  return { [Symbol.matchAll]: (text) => allMatches(program, text) };
}

function allMatches({ steps, first, second, forkOf, forks, sets, openings }: Program, text: string): { 0: string; index: number }[] {
  // Failed forks by place, in pages of places; pages that the search has passed are dropped.
  const page = Math.min(PAGE, text.length + 1);
  const pages: (Uint8Array | undefined)[] = [];
  let kept = 0;
  const pageOf = (place: number): Uint8Array => {
    const number = Math.floor(place / page);
    const known = pages[number];
    if (known !== undefined) return known;
    kept += page * forks;
    if (kept > MAX_MARKS) throw new UserError(msg`tokenizer.json: a pattern looks too far ahead in this text.`);
    return (pages[number] = new Uint8Array(page * forks));
  };
  const waiting: number[] = [];
  const trail: number[] = [];

  /** End of the program's match at `step` from `start`, or -1. `look`: any match will do, as in a lookaround. */
  const run = (step: number, start: number, look: boolean): number => {
    const bottom = waiting.length;
    const begun = trail.length;
    let pc = step;
    let at = start;
    for (;;) {
      let failed = false;
      switch (steps[pc]) {
        case Step.Take: {
          const codePoint = text.codePointAt(at);
          failed = codePoint === undefined || sets[first[pc] ?? 0]?.(codePoint) !== true;
          if (!failed) at += (codePoint ?? 0) > 0xffff ? 2 : 1;
          pc++;
          break;
        }
        case Step.TakeBack: {
          const pair = at >= 2 ? (text.codePointAt(at - 2) ?? 0) : 0;
          const width = pair > 0xffff ? 2 : 1;
          failed = at < 1 || sets[first[pc] ?? 0]?.(text.codePointAt(at - width) ?? 0) !== true;
          at -= width;
          pc++;
          break;
        }
        case Step.Fork: {
          // Where the next character decides the branch, no backtracking point is needed.
          const next = text.codePointAt(at);
          const opening = openings[forkOf[pc] ?? 0];
          if (next !== undefined && opening?.[0](next) === false) {
            pc = second[pc] ?? 0;
            break;
          }
          const marks = pageOf(at);
          const place = (at % page) * forks + (forkOf[pc] ?? 0);
          const mark = marks[place];
          if (look && mark === MATCHED) return matched(begun, bottom, at, true);
          failed = mark === FAILED;
          if (failed) break;
          marks[place] = FAILED;
          trail.push(at, forkOf[pc] ?? 0);
          if (next === undefined || opening?.[1](next) !== false) waiting.push(second[pc] ?? 0, at, trail.length);
          pc = first[pc] ?? 0;
          break;
        }
        case Step.Jump:
          pc = first[pc] ?? 0;
          break;
        case Step.Look:
          failed = run(first[pc] ?? 0, at, true) >= 0 === (second[pc] === 1);
          pc++;
          break;
        default:
          return matched(begun, bottom, at, look);
      }
      if (!failed) continue;
      if (waiting.length === bottom) {
        trail.length = begun;
        return -1;
      }
      trail.length = waiting.pop() ?? 0;
      at = waiting.pop() ?? 0;
      pc = waiting.pop() ?? 0;
    }
  };
  /** Clears the marks of forks on the path to a match. With `look`, they are marked as leading to one. */
  const matched = (begun: number, bottom: number, end: number, look: boolean): number => {
    for (let i = begun; i < trail.length; i += 2) {
      const at = trail[i] ?? 0;
      pageOf(at)[(at % page) * forks + (trail[i + 1] ?? 0)] = look ? MATCHED : 0;
    }
    trail.length = begun;
    waiting.length = bottom;
    return end;
  };

  const found: { 0: string; index: number }[] = [];
  let dropped = 0;
  for (let at = 0; at <= text.length;) {
    for (; dropped < Math.floor(at / page); dropped++) {
      if (pages[dropped] !== undefined) kept -= page * forks;
      pages[dropped] = undefined;
    }
    const end = run(0, at, false);
    if (end >= 0) found.push({ 0: text.slice(at, end), index: at });
    at = end > at ? end : at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
  }
  return found;
}

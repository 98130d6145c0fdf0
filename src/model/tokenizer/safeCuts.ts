import { isRecord } from '../../core/records.ts';
import { msg } from '../../core/translatable.ts';
import type { AddedToken } from './addedTokens.ts';
import { GPT2_PATTERN, inJavaScript } from './pattern.ts';
import { compile, Step, type Program } from './regex/program.ts';
import { parsePattern } from './regex/syntax.ts';
import { stepsOf, type Json } from './tokenizerJson.ts';

/**
 * Whether a text may be cut at a place (in UTF-16 units) so that its two parts, encoded on their own, have the tokens of the whole: the
 * first part is encoded with the one character that follows it, whose tokens are left away.
 */
export type SafeCut = (text: string, place: number) => boolean;

/** Characters that NFC leaves as they are next to each other: no accents, no parts of syllables, no halves of pairs. */
const INERT = /^[\0-\x7f\u3001\u3002\u4e00-\u9fff\uff01-\uff5e]$/;

/**
 * The safe cuts of a tokenizer.json; null for one where none can be shown. It is read from the pattern that splits the text first, as a
 * program: a cut between x and y is safe if no match can take x and then y, so that none crosses it; if y alone is a match, so that one
 * begins there; if nothing looks back, or ahead by more than a character; and if no added token crosses it or begins there
 * (before such a token the pattern sees an end).
 */
export function safeCuts(json: Json, added: readonly AddedToken[]): SafeCut | null {
  const program = firstSplit(json);
  if (program === null || !onlyNfc(json['normalizer']) || added.some(({ lstrip, rstrip, singleWord }) => lstrip || rstrip || singleWord))
    return null;
  const joins = joined(program);
  if (joins === null) return null;
  const begins = matchedAlone(program);
  const contents = added.flatMap(({ content }) => [content, content.normalize('NFC')]);
  const known = new Map<number, boolean>();
  return (text, place) => {
    const [x, y] = [text.charAt(place - 1), text.charAt(place)];
    // What follows y must not change it.
    if (!INERT.test(x) || !INERT.test(y) || (place + 1 < text.length && !INERT.test(text.charAt(place + 1)))) return false;
    const key = x.charCodeAt(0) * 0x10000 + y.charCodeAt(0);
    const seen = known.get(key);
    if (seen !== undefined) return seen;
    const safe =
      !joins(x.charCodeAt(0), y.charCodeAt(0)) &&
      begins(y.charCodeAt(0)) &&
      !contents.some((content) => content.startsWith(y) || content.includes(x + y));
    known.set(key, safe);
    return safe;
  };
}

function onlyNfc(json: unknown): boolean {
  return (
    json === undefined ||
    json === null ||
    stepsOf(json, msg`the normalizer`, 'normalizers', msg`the list of normalizers`).every(({ type }) => type === 'NFC')
  );
}

/** The program of the pattern at whose matches a text is split first; null where it is split otherwise, or depends on its start. */
function firstSplit(json: Json): Program | null {
  const entry = json['pre_tokenizer'];
  if (!isRecord(entry)) return null;
  const steps = stepsOf(entry, msg`the pre-tokenizer`, 'pretokenizers', msg`the list of pre-tokenizers`);
  const [first] = steps;
  if (first === undefined || steps.some(({ type }) => type === 'Metaspace')) return null;
  if (first['type'] === 'ByteLevel')
    return first['use_regex'] !== false && first['add_prefix_space'] === false ? programOf(GPT2_PATTERN) : null;
  const pattern = isRecord(first['pattern']) ? first['pattern']['Regex'] : undefined;
  if (first['type'] !== 'Split' || first['behavior'] !== 'Isolated' || first['invert'] === true || typeof pattern !== 'string') return null;
  return programOf(pattern);
}

function programOf(source: string): Program | null {
  const refuse = (): never => {
    throw new NoProgram();
  };
  try {
    return compile(parsePattern(inJavaScript(source, '').source, refuse), refuse);
  } catch (error) {
    if (error instanceof NoProgram) return null;
    throw error;
  }
}

class NoProgram extends Error {}

/** The steps that a match at `from` may come to before it takes a character. `looks`: also past lookarounds, as if they agreed. */
function reached({ steps, first, second }: Program, from: number, looks: boolean): ReadonlySet<number> {
  const seen = new Set<number>();
  const waiting = [from];
  for (let pc = waiting.pop(); pc !== undefined; pc = waiting.pop()) {
    if (seen.has(pc)) continue;
    seen.add(pc);
    const step = steps[pc];
    if (step === Step.Fork) waiting.push(first[pc] ?? 0, second[pc] ?? 0);
    if (step === Step.Jump) waiting.push(first[pc] ?? 0);
    if (step === Step.Look && looks) waiting.push(pc + 1);
  }
  return seen;
}

type TakeSets = readonly ((codePoint: number) => boolean)[];

function takenAt({ steps, first, sets }: Program, places: Iterable<number>): TakeSets {
  return [...places].flatMap((pc) => (steps[pc] === Step.Take ? [sets[first[pc] ?? 0] ?? (() => true)] : []));
}

/** Whether a match can take one character and then another; null for a program that looks back, or ahead by more than a character. */
function joined(program: Program): ((x: number, y: number) => boolean) | null {
  const { steps, first, sets } = program;
  const takes = [...steps.keys()].filter((pc) => steps[pc] === Step.Take);
  if (steps.includes(Step.TakeBack)) return null;
  for (const [pc, step] of steps.entries()) {
    if (step !== Step.Look) continue;
    for (const place of reached(program, first[pc] ?? 0, true)) {
      if (steps[place] !== Step.Take) continue;
      if ([...reached(program, place + 1, true)].some((next) => steps[next] === Step.Take || steps[next] === Step.Look)) return null;
    }
  }
  const followers = takes.map((pc) => [sets[first[pc] ?? 0], takenAt(program, reached(program, pc + 1, true))] as const);
  return (x, y) => followers.some(([set, next]) => set?.(x) === true && next.some((taken) => taken(y)));
}

/** Whether one character is a match, whatever is around it. */
function matchedAlone(program: Program): (y: number) => boolean {
  const { steps } = program;
  const alone = [...reached(program, 0, false)].filter(
    (pc) => steps[pc] === Step.Take && [...reached(program, pc + 1, false)].some((next) => steps[next] === Step.Accept),
  );
  const sets = takenAt(program, alone);
  return (y) => sets.some((taken) => taken(y));
}

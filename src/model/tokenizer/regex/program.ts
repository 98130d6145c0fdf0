import { msg, type Translatable } from '../../../core/translatable.ts';
import type { Node } from './syntax.ts';

/** Operations of a program's steps. */
export const Step = {
  /** Consumes one character of the set `first`. */
  Take: 0,
  /** The same, leftwards. */
  TakeBack: 1,
  /** Continues at `first`; if that fails, at `second`. */
  Fork: 2,
  Jump: 3,
  /** Continues if the program at `first` matches from here (`second` 0), or does not (1). */
  Look: 4,
  Accept: 5,
} as const;

/** A pattern as steps. The first step is at 0. */
export interface Program {
  readonly steps: Uint8Array;
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** For each step that is a fork, its number among the forks. */
  readonly forkOf: Int32Array;
  readonly forks: number;
  /** Whether a character is in a set. */
  readonly sets: readonly CharacterSet[];
  /** For each fork, the characters with which a match at `first` and at `second` can begin. */
  readonly openings: readonly (readonly [first: CharacterSet, second: CharacterSet])[];
}

/** Whether a code point is in a set. */
export type CharacterSet = (codePoint: number) => boolean;

/**
 * Most steps of a program; known models' patterns take up to 124. Matching takes at most this times the text's length, so that 100,000
 * characters take two seconds at worst.
 */
export const MAX_STEPS = 500;

/** Compiles a pattern. Throws by `refuse` for one of too many steps, before creating them. */
export function compile(pattern: Node, refuse: (reason: Translatable) => never): Program {
  if (sizeOf(pattern) > MAX_STEPS) refuse(msg`it is too long, or repeats too often: it takes more than ${MAX_STEPS} steps`);
  const steps: number[] = [];
  const first: number[] = [];
  const second: number[] = [];
  const sets: CharacterSet[] = [];
  const remembered = memory();
  const setOf = new Map<string, number>();
  const add = (step: number, a = 0, b = 0): number => {
    first.push(a);
    second.push(b);
    return steps.push(step) - 1;
  };
  const here = (): number => steps.length;
  const fork = (greedy: boolean): { readonly into: () => void; readonly past: () => void } => {
    const at = add(Step.Fork);
    const [into, past] = greedy ? [first, second] : [second, first];
    return { into: () => void (into[at] = here()), past: () => void (past[at] = here()) };
  };
  const write = (node: Node, back: boolean): void => {
    switch (node.type) {
      case 'character': {
        const known = setOf.get(node.source) ?? sets.push(characterSet(node.source, remembered)) - 1;
        setOf.set(node.source, known);
        add(back ? Step.TakeBack : Step.Take, known);
        return;
      }
      case 'sequence':
        for (const item of back ? node.items.toReversed() : node.items) write(item, back);
        return;
      case 'choice': {
        const ends: number[] = [];
        node.options.forEach((option, i) => {
          if (i === node.options.length - 1) return write(option, back);
          const { into, past } = fork(true);
          into();
          write(option, back);
          ends.push(add(Step.Jump));
          past();
        });
        for (const end of ends) first[end] = here();
        return;
      }
      case 'repeat': {
        const { body, min, max, greedy } = node;
        for (let i = 0; i < min; i++) write(body, back);
        if (max === Infinity) {
          const loop = here();
          const { into, past } = fork(greedy);
          into();
          write(body, back);
          add(Step.Jump, loop);
          past();
          return;
        }
        const leave: (() => void)[] = [];
        for (let i = min; i < max; i++) {
          const { into, past } = fork(greedy);
          into();
          write(body, back);
          leave.push(past);
        }
        for (const past of leave) past();
        return;
      }
      case 'look': {
        const look = add(Step.Look, 0, node.negative ? 1 : 0);
        const over = add(Step.Jump);
        first[look] = here();
        write(node.body, node.behind);
        add(Step.Accept);
        first[over] = here();
        return;
      }
    }
  };
  write(pattern, false);
  add(Step.Accept);
  let forks = 0;
  const forkOf = Int32Array.from(steps, (step) => (step === Step.Fork ? forks++ : 0));
  const begins = (pc: number, codePoint: number): boolean => {
    switch (steps[pc]) {
      case Step.Take:
        return sets[first[pc] ?? 0]?.(codePoint) === true;
      case Step.Fork:
        return begins(first[pc] ?? 0, codePoint) || begins(second[pc] ?? 0, codePoint);
      case Step.Jump:
        return begins(first[pc] ?? 0, codePoint);
      case Step.Look:
        return begins(pc + 1, codePoint);
      default:
        return true;
    }
  };
  const known = new Map<number, CharacterSet>();
  const opening = (pc: number): CharacterSet => {
    const set = known.get(pc) ?? remembered((codePoint) => begins(pc, codePoint));
    known.set(pc, set);
    return set;
  };
  const openings = steps.flatMap((step, pc): (readonly [CharacterSet, CharacterSet])[] =>
    step === Step.Fork ? [[opening(first[pc] ?? 0), opening(second[pc] ?? 0)]] : [],
  );
  return { openings, steps: Uint8Array.from(steps), first: Int32Array.from(first), second: Int32Array.from(second), forkOf, forks, sets };
}

/** Number of steps of a node, or one more. */
function sizeOf(node: Node): number {
  switch (node.type) {
    case 'character':
      return 1;
    case 'sequence':
      return node.items.reduce((sum, item) => sum + sizeOf(item), 0);
    case 'choice':
      return node.options.reduce((sum, option) => sum + sizeOf(option) + 2, 0);
    case 'repeat':
      return (
        node.min * sizeOf(node.body) + (node.max === Infinity ? sizeOf(node.body) + 2 : (node.max - node.min) * (sizeOf(node.body) + 1))
      );
    case 'look':
      return sizeOf(node.body) + 3;
  }
}

const BLOCK = 256;
/** Most cached blocks: 64 MB for all sets of a pattern. Beyond that, with thousands of sets and many scripts, nothing is cached. */
const MAX_BLOCKS = 2 ** 18;

/** A cache of the sets' answers, by blocks of characters. */
function memory(): (ask: CharacterSet) => CharacterSet {
  let count = 0;
  return (ask) => {
    const blocks: (Uint8Array | undefined)[] = [];
    return (codePoint) => {
      const number = codePoint >>> 8;
      let block = blocks[number];
      if (block === undefined) {
        if (count >= MAX_BLOCKS) return ask(codePoint);
        count++;
        block = blocks[number] = new Uint8Array(BLOCK);
      }
      const place = codePoint & 0xff;
      const known = block[place] ?? 0;
      if (known !== 0) return known === 2;
      const found = ask(codePoint);
      block[place] = found ? 2 : 1;
      return found;
    };
  };
}

/** The set of characters that `source` matches in JavaScript's own engine. */
function characterSet(source: string, remembered: (ask: CharacterSet) => CharacterSet): CharacterSet {
  const literal = source.codePointAt(0) ?? 0;
  if (source.length === String.fromCodePoint(literal).length && source !== '.') return (codePoint) => codePoint === literal;
  const pattern = new RegExp(`^(?:${source})$`, 'u');
  return remembered((codePoint) => pattern.test(String.fromCodePoint(codePoint)));
}

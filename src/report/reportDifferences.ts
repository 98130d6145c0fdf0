import { isRecord } from '../core/records.ts';
import type { Explanation } from '../core/trace.ts';
import type { Difference } from '../protocol/messages.ts';

/** Fields that say how long something took, which no second reading repeats. */
const TIMES = /(^|[a-z])(ms|Ms)$/;
/** Whole numbers that count or rank: how far they are apart says something, as it does not of ids. */
const COUNTED = /rank/i;

/** What was found so far of a quantity. */
interface Found {
  compared: number;
  largest: number;
  scale: number;
  unequal: number;
  isNumber: boolean;
  isOther: boolean;
}

/** Collects how far numbers that were read again are from those that were kept. */
export interface Differences {
  /** Compares two answers to one question, or two explanations. */
  readonly add: (name: string, kept: unknown, again: unknown) => void;
  /** By quantity, the largest share first. */
  readonly list: () => readonly Difference[];
}

/** The fields of an explanation that its model and text determine, without those that an engine does not return. */
export function comparedFields({ model, logprob, rank, entropy, topIds, topProbs, run }: Explanation): Readonly<Record<string, unknown>> {
  return { ids: run.ids, logprob, rank, ...(model.served === undefined ? { entropy } : {}), topIds, topProbs };
}

/** Begins a comparison. */
export function differences(): Differences {
  const byName = new Map<string, Found>();
  const of = (name: string): Found => {
    const known = byName.get(name) ?? { compared: 0, largest: 0, scale: 0, unequal: 0, isNumber: false, isOther: false };
    byName.set(name, known);
    return known;
  };
  const number = (name: string, kept: number, again: number): void => {
    const found = of(name);
    found.compared++;
    found.isNumber = true;
    if (Number.isFinite(kept)) found.scale = Math.max(found.scale, Math.abs(kept));
    if (Object.is(kept, again) || kept === again) return;
    const difference = Math.abs(kept - again);
    if (Number.isNaN(difference)) found.isOther = true;
    else found.largest = Math.max(found.largest, difference);
  };
  const same = (name: string, isSame: boolean): void => {
    const found = of(name);
    found.compared++;
    if (!isSame) found.unequal++;
  };
  const add = (name: string, kept: unknown, again: unknown): void => {
    const field = name.slice(name.lastIndexOf('.') + 1);
    if (TIMES.test(field)) return;
    if (kept instanceof Float32Array || kept instanceof Float64Array || kept instanceof Int32Array || kept instanceof Uint8Array) {
      if (!isNumbers(again) || again.length !== kept.length) of(name).isOther = true;
      else if (kept instanceof Int32Array && !COUNTED.test(field)) kept.forEach((id, index) => same(name, id === again[index]));
      else for (let index = 0; index < kept.length; index++) number(name, kept[index] ?? NaN, again[index] ?? NaN);
    } else if (typeof kept === 'number') {
      if (typeof again === 'number') number(name, kept, again);
      else of(name).isOther = true;
    } else if (Array.isArray(kept)) {
      const others = Array.isArray(again) && again.length === kept.length ? (again as readonly unknown[]) : null;
      if (others === null) of(name).isOther = true;
      else kept.forEach((item, index) => add(name, item, others[index]));
    } else if (isRecord(kept)) {
      if (!isRecord(again)) of(name).isOther = true;
      // Texts of ids, which are compared by themselves: other ids have other texts.
      else if (field !== 'pieces') for (const key of Object.keys(kept)) add(`${name}.${key}`, kept[key], again[key]);
    } else same(name, kept === again);
  };
  return {
    add,
    list: () => Array.from(byName, ([quantity, found]) => differenceOf(quantity, found)).toSorted((a, b) => b.share - a.share),
  };
}

function differenceOf(quantity: string, { compared, largest, scale, unequal, isNumber, isOther }: Found): Difference {
  if (isOther) return { quantity, compared, largest: null, share: Infinity };
  if (!isNumber) return { quantity, compared, largest: null, share: compared === 0 ? 0 : unequal / compared };
  return { quantity, compared, largest, share: largest === 0 ? 0 : scale === 0 ? Infinity : largest / scale };
}

function isNumbers(value: unknown): value is Float32Array | Float64Array | Int32Array | Uint8Array {
  return value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array || value instanceof Uint8Array;
}

import { fileBits, type FileScores } from './fileScores.ts';

/** Which tokens count as surprising: the most surprising `share` of a text's, or those of at least `bits`. */
export type SurprisingRule = { readonly share: number } | { readonly bits: number };

/** What counts as surprising until the user says otherwise: relative, as small models are surprised by much and large ones by little. */
export const DEFAULT_SURPRISING: SurprisingRule = { share: 0.02 };

/** Reads a rule as the user writes it, such as "2%" or "8 bits"; undefined: it is none. */
export function surprisingRule(text: string): SurprisingRule | undefined {
  const [, digits = '', unit] = /^\s*(\d+(?:\.\d+)?)\s*(%|bits?)\s*$/.exec(text) ?? [];
  if (unit === undefined) return undefined;
  const value = Number(digits);
  if (unit !== '%') return { bits: value };
  return value > 0 && value <= 100 ? { share: value / 100 } : undefined;
}

/** Fewest bits at which a token of a text counts as surprising; Infinity where nothing is scored. */
export function surprisingBits(scores: Pick<FileScores, 'logprob'>, rule: SurprisingRule): number {
  if ('bits' in rule) return rule.bits;
  const { length } = scores.logprob;
  const all = new Float64Array(length);
  let read = 0;
  for (let index = 0; index < length; index++) {
    const value = fileBits(scores, index);
    if (!Number.isNaN(value)) all[read++] = value;
  }
  const bits = all.subarray(0, read).sort();
  if (bits.length === 0) return Infinity;
  const count = Math.max(1, Math.round(rule.share * bits.length));
  // What the model expected is not surprising, however few tokens there are.
  return Math.max(1, bits[bits.length - count] ?? Infinity);
}

/** Indices of the surprising tokens of a text, in order. */
export function surprisingTokens(scores: Pick<FileScores, 'logprob'>, rule: SurprisingRule): readonly number[] {
  const least = surprisingBits(scores, rule);
  const found: number[] = [];
  for (let index = 0; index < scores.logprob.length; index++) if (fileBits(scores, index) >= least) found.push(index);
  return found;
}

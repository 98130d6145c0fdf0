// What each station of the path asks to be found, decided by the numbers of this text. Nothing here knows the page.
import { compareSizes, type SizedReading } from '../../src/core/modelSizes.ts';
import { wavelength, type PositionView, type Rotation } from '../../src/core/positions.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation, Token } from '../../src/core/trace.ts';
import { bestHead, type HeadNumbers, type RankedHead } from '../figures/heads.ts';
import { decidedAt, type LensCell } from '../figures/modelFlow.ts';
import type { GeneratedToken } from '../generation/generationTree.ts';

/** Fewest and most tokens that are to be left to draw from. */
export const FEWEST_LEFT = 2;
export const MOST_LEFT = 10;

/** Cosines closer than this are alike. */
const SAME_COSINE = 1e-6;

/** The text's own tokens that surprised the model most; none where nothing was predicted. */
export function mostSurprising({ tokens, logprob }: Pick<Explanation, 'tokens' | 'logprob'>): readonly number[] {
  const predicted = tokens.flatMap(({ special }, index) => (special || Number.isNaN(at(logprob, index)) ? [] : [index]));
  const least = Math.min(...predicted.map((index) => at(logprob, index)));
  return predicted.filter((index) => at(logprob, index) === least);
}

/** The best rank of a token that follows in the text, and the positions after which it does; null: nothing was predicted. */
export function bestPredicted({
  tokens,
  logprob,
  rank,
}: Pick<Explanation, 'tokens' | 'logprob' | 'rank'>): { readonly rank: number; readonly positions: readonly number[] } | null {
  const followed = tokens.flatMap(({ special }, index) => (index === 0 || special || Number.isNaN(at(logprob, index)) ? [] : [index]));
  if (followed.length === 0) return null;
  const best = Math.min(...followed.map((index) => at(rank, index)));
  return { rank: best, positions: followed.filter((index) => at(rank, index) === best).map((index) => index - 1) };
}

/** A pair of tokens and the cosine of their vectors. */
export interface AlikePair {
  readonly token: number;
  readonly other: number;
  readonly cosine: number;
}

/** The token most like this one among those with another id, and the largest cosine of any such pair; null: there is no pair. */
export function mostAlike(
  tokens: readonly Pick<Token, 'id' | 'special'>[],
  cosines: Float32Array,
  token: number,
): { readonly own: AlikePair | null; readonly best: AlikePair; readonly isBest: boolean } | null {
  let [own, best]: [AlikePair | null, AlikePair | null] = [null, null];
  for (const [row, one] of tokens.entries()) {
    if (one.special) continue;
    for (let column = 0; column < tokens.length; column++) {
      const other = tokens[column];
      if (other === undefined || one.id === other.id || other.special) continue;
      const cosine = at(cosines, row * tokens.length + column);
      if (Number.isNaN(cosine)) continue;
      if (best === null || cosine > best.cosine) best = { token: row, other: column, cosine };
      if (row === token && (own === null || cosine > own.cosine)) own = { token: row, other: column, cosine };
    }
  }
  return best === null ? null : { own, best, isBest: own !== null && own.cosine >= best.cosine - SAME_COSINE };
}

/** How often the fastest pair of a head has turned between a key and its query, and whether `tokens` tokens have room for half a turn. */
export function fastestTurn(
  { frequencies, query, key }: Pick<Rotation, 'frequencies' | 'query' | 'key'>,
  tokens: number,
): { readonly pair: number; readonly turns: number; readonly isHalf: boolean; readonly hasRoom: boolean } {
  const lengths = Array.from(frequencies, wavelength);
  const pair = lengths.indexOf(Math.min(...lengths));
  const turnsIn = (distance: number): number => distance / (lengths[pair] ?? Infinity);
  const turns = turnsIn(query - key);
  return { pair, turns, isHalf: turns >= 0.5, hasRoom: turnsIn(tokens - 1) >= 0.5 };
}

/** The head whose scores fall fastest with the distance. */
export function steepestHead({ slopes }: Pick<Extract<PositionView, { kind: 'alibi' }>, 'slopes'>): number {
  return slopes.indexOf(Math.max(...slopes));
}

/** The head that puts most of its attention on the token before; undefined: no head does, or not all are measured. */
export function previousTokenHead(numbers: HeadNumbers): RankedHead | undefined {
  return numbers.known < numbers.layers ? undefined : bestHead(numbers, 'previous');
}

/** The layer from which on the model's last prediction stays on top; that of the input counts as the first layer's. */
export function decidingLayer(cells: readonly LensCell[]): number {
  return Math.max(0, decidedAt(cells) - 1);
}

/** What two ends of a row of sizes give one text. */
export interface SizeEnds {
  /** Indices of the smallest and the largest model. */
  readonly smallest: number;
  readonly largest: number;
  /** [models] bits per byte. */
  readonly bitsPerByte: Float64Array;
  /** Parts of the text that every model predicted, and those of them whose tokens are a first choice of larger models alone. */
  readonly parts: number;
  readonly byLarger: number;
}

/** A text through models of at least two sizes, smallest first; null: there is one size only, or nothing that all of them predicted. */
export function sizeEnds(text: string, models: readonly SizedReading[]): SizeEnds | null {
  const [smallest, largest] = [0, models.length - 1];
  if (models[smallest]?.parameters === models[largest]?.parameters) return null;
  const { spans, bytes, bitsPerByte } = compareSizes(text, models);
  if (bytes === 0) return null;
  const predicted = spans.filter((span) => !span.bits.some(Number.isNaN));
  return { smallest, largest, bitsPerByte, parts: predicted.length, byLarger: predicted.filter(({ first }) => first > 0).length };
}

/** Whether so few tokens are left to draw from that a draw is neither certain nor wild. */
export function isNarrow(left: number): boolean {
  return left >= FEWEST_LEFT && left <= MOST_LEFT;
}

/** Whether a token was taken in place of the one that was drawn, with another way from the same place. */
export function isBranched(tokens: readonly Pick<GeneratedToken, 'parent' | 'taken'>[]): boolean {
  return tokens.some((token, index) => token.taken && tokens.some((other, place) => place !== index && other.parent === token.parent));
}

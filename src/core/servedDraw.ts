import type { SamplingSettings } from './sampling.ts';

/**
 * The probabilities with which an engine drew, of the likeliest tokens as the model has them, best first: 0 for one that was removed. Null:
 * they depend on the rest of the vocabulary, which was not returned, or on the order in which the engine filters.
 */
export function drawnWith(probs: readonly number[], { temperature, topK, topP, minP }: SamplingSettings): readonly number[] | null {
  if (probs.length === 0) return null;
  if (temperature === 0 || topK === 1) return probs.map((_, place) => (place === 0 ? 1 : 0));
  const isCut = topK > 0 && topK <= probs.length;
  const others = Number(topP < 1) + Number(minP > 0);
  if (isCut && others === 0) return shares(probs.map((p, place) => (place < topK ? p ** (1 / temperature) : 0)));
  if (temperature !== 1 || topK > 0) return null;
  if (others === 0) return probs;
  if (others === 2) return null;
  const kept = topP < 1 ? nucleus(probs, topP) : atLeast(probs, minP);
  return kept === null ? null : shares(probs.map((p, place) => (place < kept ? p : 0)));
}

/** Tokens that hold so much of the mass; null: those that were returned hold less. */
function nucleus(probs: readonly number[], topP: number): number | null {
  let mass = 0;
  for (const [place, p] of probs.entries()) {
    mass += p;
    if (mass >= topP) return place + 1;
  }
  return null;
}

/** Tokens of at least this share of the likeliest's probability; null: there may be more than were returned. */
function atLeast(probs: readonly number[], minP: number): number | null {
  const least = minP * (probs[0] ?? 0);
  const kept = probs.findIndex((p) => p < least);
  return kept === -1 ? null : kept;
}

function shares(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

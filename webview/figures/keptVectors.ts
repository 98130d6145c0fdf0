import type { KeptVector } from '../../src/core/steering.ts';

/** Most vectors that are kept with the panel, and most numbers in all of them: they are saved with every change of the page. */
const MOST_VECTORS = 32;
const MOST_NUMBERS = 400_000;

/** The vectors with one more, which replaces one of the same name; null: there is no room for it. */
export function keeping(vectors: readonly KeptVector[], vector: KeptVector): readonly KeptVector[] | null {
  const kept = [...vectors.filter(({ name }) => name !== vector.name), vector];
  return kept.length <= MOST_VECTORS && kept.reduce((sum, one) => sum + numbersOf(one), 0) <= MOST_NUMBERS ? kept : null;
}

/** The vector that is chosen by its name, or else the last that was kept; null: there is none. */
export function chosenVector(vectors: readonly KeptVector[], name: string): KeptVector | null {
  return vectors.find((one) => one.name === name) ?? vectors.at(-1) ?? null;
}

function numbersOf({ directions }: KeptVector): number {
  return directions.reduce((sum, { values }) => sum + values.length, 0);
}

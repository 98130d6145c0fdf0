/** A place in a source file where a mutation is possible. */
export interface Place {
  /** Index of `text` in the source, in UTF-16 units. */
  readonly offset: number;
  readonly text: string;
  readonly replacement: string;
}
/** A chosen mutation of a file. */
export interface Mutant extends Place {
  readonly file: string;
  readonly kind: string;
}
export const MUTATION_KINDS: readonly string[];
export function placesOf(source: string, kind: string): readonly Place[];
export function seeded(seed: number): () => number;
export function chooseMutants(files: ReadonlyMap<string, string>, count: number, seed: number): readonly Mutant[];
export function mutated(source: string, place: Place): string;

/** Numbers in all weights of a part of a model's declaration. */
export function parametersOf(part: unknown): number {
  if (typeof part !== 'object' || part === null) return 0;
  if (isWeight(part)) return part.shape.reduce((product, size) => product * size, 1);
  return Object.values(part).reduce<number>((sum, inner) => sum + parametersOf(inner), 0);
}

function isWeight(part: object): part is { readonly shape: readonly number[] } {
  return 'shape' in part && 'file' in part && Array.isArray(part.shape);
}

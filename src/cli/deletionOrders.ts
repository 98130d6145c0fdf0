import type { Attribution, SpanAttribution } from '../core/attribution.ts';
import { mostImportantFirst, RANDOM_ORDERS, randomOrder, type DeletionCurve } from '../core/deletion.ts';

/** A curve, and what decides its order: a method, or `random.0` and so on. */
export interface NamedCurve {
  readonly order: string;
  readonly curve: DeletionCurve;
}

/**
 * How the target fails as the tokens before `position`, where its last token is predicted, are hidden, by the order of each attribution and
 * by random ones. `curveOf`: of words, each given by its tokens' positions.
 */
export async function deletionByOrders(
  attributions: readonly Pick<Attribution | SpanAttribution, 'method' | 'values'>[],
  position: number,
  curveOf: (words: readonly (readonly number[])[]) => Promise<DeletionCurve>,
): Promise<readonly NamedCurve[]> {
  const orders = [
    ...attributions.map(({ method, values }) => ({ order: method as string, tokens: mostImportantFirst(values.subarray(0, position)) })),
    ...Array.from({ length: RANDOM_ORDERS }, (_, seed) => ({ order: `random.${seed}`, tokens: randomOrder(position, seed) })),
  ];
  const curves: NamedCurve[] = [];
  for (const { order, tokens } of orders) curves.push({ order, curve: await curveOf(tokens.map((token) => [token])) });
  return curves;
}

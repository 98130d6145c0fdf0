import { deletionCurve } from '../analysis/deletionAnswers.ts';
import type { Attribution } from '../core/attribution.ts';
import { mostImportantFirst, RANDOM_ORDERS, randomOrder, type DeletionCurve } from '../core/deletion.ts';
import type { CallContext } from '../core/progress.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { LogitTarget } from '../model/run/gradientCalls.ts';

/** A curve, and what decides its order: a method, or `random.0` and so on. */
export interface NamedCurve {
  readonly order: string;
  readonly curve: DeletionCurve;
}

/** How the prediction fails as the tokens before its position are hidden, by the order of each attribution and by random ones. */
export async function deletionByOrders(
  model: LanguageModel,
  trace: Trace,
  target: LogitTarget,
  attributions: readonly Attribution[],
  context: CallContext,
): Promise<readonly NamedCurve[]> {
  const { position } = target;
  const orders = [
    ...attributions.map(({ method, values }) => ({ order: method as string, tokens: mostImportantFirst(values.subarray(0, position)) })),
    ...Array.from({ length: RANDOM_ORDERS }, (_, seed) => ({ order: `random.${seed}`, tokens: randomOrder(position, seed) })),
  ];
  const curves: NamedCurve[] = [];
  for (const { order, tokens } of orders) {
    const words = tokens.map((token) => [token]);
    curves.push({ order, curve: await deletionCurve(model, trace, target, words, context) });
  }
  return curves;
}

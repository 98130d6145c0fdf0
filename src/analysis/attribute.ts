import { isSpanMethod, type Attribution, type AttributionMethod } from '../core/attribution.ts';
import type { CallContext } from '../core/progress.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { LogitTarget } from '../model/run/gradientCalls.ts';
import { altiLogit } from './altiLogit.ts';
import { checkAttentionAlone, rollout, valueWeighted } from './attentionAttribution.ts';
import { rowProducts, type Attributed, type Attributing } from './attributing.ts';
import { integratedGradients } from './integratedGradients.ts';
import { leaveOneOut } from './leaveOneOut.ts';
import { layerOf } from './traceRows.ts';

const METHODS: Readonly<Record<AttributionMethod, (of: Attributing) => Promise<Attributed>>> = {
  'gradient-x-input': gradientTimesInput,
  'integrated-gradients': integratedGradients,
  hidden: (of) => leaveOneOut(of, 'hidden'),
  replaced: (of) => leaveOneOut(of, 'replaced'),
  removed: (of) => leaveOneOut(of, 'removed'),
  'alti-logit': altiLogit,
  'value-weighted': valueWeighted,
  rollout,
};

/**
 * How much each token of a whole text's trace counts for a target, by one method. Throws UserError for a token outside the vocabulary or
 * one that is its own rival, and for a method that follows attention where something beside it reads tokens too; RangeError for a position
 * outside the text.
 */
export async function attribute(
  model: LanguageModel,
  trace: Trace,
  target: LogitTarget,
  method: AttributionMethod,
  context: CallContext,
): Promise<Attribution> {
  const { position, token, rival = null } = target;
  if (!isSpanMethod(method)) checkAttentionAlone(model.info);
  const value = await model.logit(trace, target);
  const found = await METHODS[method]({ model, trace, target, value, context });
  return { method, position, token, rival, target: value, ...found };
}

async function gradientTimesInput({ model, trace, target, context }: Attributing): Promise<Attributed> {
  const { resid } = await model.gradient(trace, target, context.progress);
  return { values: rowProducts(layerOf(resid, 0), layerOf(trace.resid, 0)), completeness: null };
}

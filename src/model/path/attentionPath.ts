import type { Making, StageName } from '../../core/forwardPath.ts';
import { changeAt, cutsIn, headSteps, isCut, patternOf, type Change } from '../../core/interventions.ts';
import { firstSeen, type KeyWindow } from '../../core/keyWindow.ts';
import { at } from '../../core/tensor.ts';
import { alibiBias } from '../graph/positionsGraph.ts';
import { attentionAt, recurrenceIn } from '../families/mixers.ts';
import type { Attention } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { addHeads } from './headsPath.ts';
import type { LayerPlace } from './layerPlace.ts';
import { headOf, softmaxTerms } from './layerRow.ts';
import { readNumbers } from './linearRow.ts';
import type { PathBuilder } from './pathBuilder.ts';
import { addRecurrence } from './recurrencePath.ts';
import { addLaurel, addPrediction } from './streamsPath.ts';

/** Adds the stages from a layer's input to the end of attention. Returns the stage of the stream after it, and attention's input. */
export async function addAttention(
  path: PathBuilder,
  place: LayerPlace,
): Promise<{ readonly stream: StageName; readonly read: StageName }> {
  const {
    spec,
    trace,
    row,
    block: { attentionNorms: norms, addTo },
    layer,
    token,
  } = place;
  const { attention } = place.block;
  const input = itemOf(trace.resid, layer).data.slice(token * spec.dim, (token + 1) * spec.dim);
  const { altUp, laurel } = place.block;
  path.step(altUp === null ? 'attentionNorm' : 'streams');
  path.add('input', input, { kind: 'given' });
  const stream = altUp === null ? 'input' : await addPrediction(path, place, altUp, input);
  if (altUp !== null) path.step('attentionNorm');
  if (norms.pre !== null) await path.norm('ln1Out', row.value('ln1Out'), stream, norms.pre, stream === 'input' ? input : row.value(stream));
  const read: StageName = norms.pre === null ? stream : 'ln1Out';
  if (attention.kind === 'mlpAlone') return { stream, read };
  const recurrence = recurrenceIn(place.block);
  if (recurrence !== null && place.recurrence !== null)
    await addRecurrence(path, { files: place.files, read, ...place.recurrence }, recurrence);
  let output: StageName = 'recurred';
  if (attention.kind === 'attention') {
    const names = await addHeads(path, row, read, attention, spec, place.choice);
    await addScores(path, place, names.query);
    addMix(path, place, attention, read);
    path.step('attentionOutput');
    path.linear('attentionOutput', row.value('attentionOutput'), 'concatenatedHeads', attention.output);
    output = 'attentionOutput';
    if (recurrence !== null) {
      path.step('mixed');
      path.add('mixedOutput', row.value('mixedOutput'), { kind: 'sum', of: output, with: 'recurred', factor: 1 });
      output = 'mixedOutput';
    }
  }
  if (norms.post !== null) {
    path.step('attentionPostNorm');
    const before = row.value(output === 'recurred' ? 'attentionOutput' : output);
    await path.norm('attentionPostNorm', row.value('attentionPostNorm'), output, norms.post, before);
    output = 'attentionPostNorm';
  }
  path.step('attentionAdd');
  path.add('attentionAdded', row.value('attentionAdded'), {
    kind: 'sum',
    of: addTo === 'stream' ? stream : read,
    with: output,
    factor: spec.residualScale,
  });
  if (laurel !== null) return { stream: await addLaurel(path, place, laurel, read), read };
  if (norms.stream === null) return { stream: 'attentionAdded', read };
  path.step('attentionStreamNorm');
  await path.norm('attentionStreamNorm', row.value('attentionStreamNorm'), 'attentionAdded', norms.stream, row.value('attentionAdded'));
  return { stream: 'attentionStreamNorm', read };
}

/** Adds the stages from q . k of every key to the attention weights. */
async function addScores(path: PathBuilder, place: LayerPlace, query: StageName): Promise<void> {
  const {
    spec,
    trace,
    row,
    layer,
    token,
    choice: { head, kvHead },
  } = place;
  const attention = attentionAt(spec, layer);
  const length = trace.run.ids.length;
  const scores = (name: string): Float32Array => headOf(row.value(name), head, length);
  const own = patternOf(trace.run.recipe, layer, head) === 'own';
  path.step('scores', 'key');
  path.add('dots', scores('dots'), { kind: 'dots', of: query, rows: headOf(itemOf(trace.k, layer).data, kvHead, length * spec.headDim) });
  path.step('scale', 'key');
  path.add('scaledScores', scores('scaledScores'), { kind: 'scaled', of: 'dots', factor: own ? attention.scale : 0 });
  let last: StageName = 'scaledScores';
  if (spec.scoreCap !== null) {
    path.add('cappedScores', scores('cappedScores'), { kind: 'capped', of: last, limit: spec.scoreCap });
    last = 'cappedScores';
  }
  if (spec.positions.kind === 'alibi') {
    const bias = alibiBias(spec.positions.alibi, length).slice(head * length, (head + 1) * length);
    path.add('biasedScores', scores('biasedScores'), { kind: 'biased', of: last, bias: own ? bias : bias.fill(0) });
    last = 'biasedScores';
  }
  const { window } = attention;
  const first = firstSeen(window, token);
  const cuts = cutsIn(trace.run.recipe, layer, window);
  const cut = Array.from({ length: token + 1 }, (_, key) => key).filter((key) => key >= first && isCut(cuts, head, token, key));
  const masked = scores(last).map((score, key) => (key < first || key > token ? -Infinity : score));
  for (const key of cut) masked[key] = -Infinity;
  path.step('mask', 'key');
  path.add('maskedScores', masked, { kind: 'masked', of: last, first, last: token, ...windowMade(window), cut });
  path.step('softmax', 'key');
  const sink = own ? await sinkOf(attention, place) : null;
  path.add('weights', scores('weights'), { kind: 'softmax', of: 'maskedScores', ...softmaxTerms(masked, sink), sink });
}

/** The window or chunk as a stage says it. */
function windowMade(window: KeyWindow): { readonly window: number | null; readonly chunk?: number } {
  return typeof window === 'number' || window === null ? { window } : { window: null, chunk: window.chunk };
}

/** How what a recipe does to the stage `of` is computed; null: it does nothing to it. */
export function changeMade(of: StageName, { factor, shift }: Change): Extract<Making, { readonly kind: 'moved' | 'scaled' }> | null {
  if (shift !== null) return { kind: 'moved', of, factor, shifts: Float32Array.from(shift) };
  return factor === 1 ? null : { kind: 'scaled', of, factor };
}

async function sinkOf({ sinks }: Attention, { files, choice }: LayerPlace): Promise<number | null> {
  return sinks === null ? null : at(await readNumbers(files, sinks, choice.head, 1), 0);
}

function addMix(
  path: PathBuilder,
  { spec, trace, row, layer, token, choice: { head, kvHead } }: LayerPlace,
  { gates, projections }: Attention,
  read: StageName,
): void {
  const { valueDim, heads } = spec;
  path.step('z');
  path.add('z', headOf(row.value('z'), head, valueDim), {
    kind: 'weighted',
    of: 'weights',
    rows: headOf(itemOf(trace.v, layer).data, kvHead, trace.run.ids.length * valueDim),
  });
  let found: StageName = 'z';
  if (gates !== null && projections.kind === 'separate') {
    const gate = (name: string): Float32Array => headOf(row.value(name), head, valueDim);
    path.step('headGate');
    // The query matrix computes each head's query, then its gate.
    const [matrix, first] = gates === 'behindQueries' ? [projections.q, (2 * head + 1) * valueDim] : [gates, head * valueDim];
    path.linear('headGateLogit', gate('headGateLogits'), read, matrix, (index) => first + index);
    path.add('headGate', gate('headGates'), { kind: 'activation', of: 'headGateLogit', activation: 'sigmoid' });
    path.add('zGated', headOf(row.value('zGated'), head, valueDim), { kind: 'product', of: 'z', with: 'headGate', plus: 0 });
    found = 'zGated';
  }
  const made = changeMade(found, changeAt(headSteps(trace.run.recipe, layer), head, token));
  const result: StageName = made === null ? found : 'zScaled';
  if (made !== null) path.add(result, headOf(row.value('concatenatedHeads'), head, valueDim), made);
  path.step('concatenate');
  path.add('concatenatedHeads', row.value('concatenatedHeads'), { kind: 'heads', of: result, head, heads });
}

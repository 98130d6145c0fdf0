import { softplusOf } from '../../core/activationFunctions.ts';
import type { Making, StageName } from '../../core/forwardPath.ts';
import { changeAt, mlpSteps, neuronFactors, residualSteps } from '../../core/interventions.ts';
import { at } from '../../core/tensor.ts';
import type { AltUp, DenseMlp, ExpertNorms, Experts, PerLayerStep, Weight, Xielu } from '../families/spec.ts';
import { perLayerFeed } from '../run/perLayer.ts';
import { changeMade } from './attentionPath.ts';
import type { LayerPlace } from './layerPlace.ts';
import { softmaxTerms } from './layerRow.ts';
import { readNumbers } from './linearRow.ts';
import type { PathBuilder } from './pathBuilder.ts';
import { addCorrection, addOutputScale } from './streamsPath.ts';

/** The experts that the token was routed to, and the index of the one shown in detail; the shared expert comes last. */
export interface ExpertChoices {
  readonly ids: Int32Array;
  readonly weights: Float32Array;
  readonly shown: number;
}

/** Adds the stages from the end of attention to the residual after the layer. `read`: attention's input, which the MLP may share. */
export async function addMlp(
  path: PathBuilder,
  place: LayerPlace,
  stream: StageName,
  read: StageName,
  experts: ExpertChoices | null,
): Promise<void> {
  const {
    spec,
    trace,
    row,
    layer,
    token,
    block: { attentionNorms, mlpNorms: norms, mlp, wiring, addTo },
  } = place;
  if (mlp.kind === 'none') return addEnd(path, place, stream);
  const source: StageName = wiring === 'parallel' ? 'input' : stream;
  let mlpInput = source;
  if (source === 'input' && norms.pre === attentionNorms.pre) {
    mlpInput = read;
  } else if (norms.pre !== null) {
    path.step('mlpNorm');
    await path.norm('ln2Out', row.value('ln2Out'), source, norms.pre, valuesOf(path, source));
    mlpInput = 'ln2Out';
  }
  if (mlp.kind === 'experts') {
    if (experts === null) throw new Error('A layer with experts needs the choice of them.');
    await addExperts(path, place, mlp, mlpInput, source, experts);
  } else {
    await addDense(path, place, mlp, mlpInput, '', 'mlpOutput', neuronFactors(trace.run.recipe, layer));
  }
  let output: StageName = 'mlpOutput';
  const { recipe } = trace.run;
  const made = changeMade(output, changeAt(mlpSteps(recipe, layer), 0, token));
  if (made !== null) {
    path.add('mlpScaled', row.value('mlpScaled'), made);
    output = 'mlpScaled';
  }
  if (norms.post !== null) {
    path.step('mlpPostNorm');
    await path.norm('mlpPostNorm', row.value('mlpPostNorm'), output, norms.post, row.value(output));
    output = 'mlpPostNorm';
  }
  path.step('mlpAdd');
  path.add('mlpAdded', row.value('mlpAdded'), {
    kind: 'sum',
    of: addTo === 'stream' ? stream : mlpInput,
    with: output,
    factor: spec.residualScale,
  });
  let after: StageName = 'mlpAdded';
  if (norms.stream !== null) {
    path.step('mlpStreamNorm');
    await path.norm('mlpStreamNorm', row.value('mlpStreamNorm'), 'mlpAdded', norms.stream, row.value('mlpAdded'));
    after = 'mlpStreamNorm';
  }
  await addEnd(path, place, after);
}

/** Adds what follows a layer's last addition to the stream. */
async function addEnd(path: PathBuilder, place: LayerPlace, last: StageName): Promise<void> {
  const { trace, row, layer, token } = place;
  const { recipe } = trace.run;
  const { perLayer, outputScale, altUp } = place.block;
  let after = last;
  if (altUp !== null) after = await addStreams(path, place, altUp, perLayer, last);
  else if (perLayer !== null) {
    await addPerLayer(path, place, perLayer, after);
    path.add('perLayerAdded', row.value('perLayerAdded'), { kind: 'sum', of: after, with: 'perLayerNormed', factor: 1 });
    after = 'perLayerAdded';
  }
  if (outputScale !== null) {
    path.step('layerScale');
    const factor = at(await readNumbers(place.files, outputScale, 0, 1), 0);
    path.add('layerScaled', row.value('layerScaled'), { kind: 'scaled', of: after, factor });
    after = 'layerScaled';
  }
  const moved = changeMade(after, changeAt(residualSteps(recipe, layer + 1), 0, token));
  if (moved !== null) path.add('residualChanged', row.value('residualChanged'), moved);
}

/** Adds what a layer makes of several streams, of which the path follows the active one. Returns the last stage. */
async function addStreams(
  path: PathBuilder,
  place: LayerPlace,
  altUp: AltUp,
  perLayer: PerLayerStep | null,
  made: StageName,
): Promise<StageName> {
  const { row, spec } = place;
  const after = await addCorrection(path, place, altUp, made);
  if (perLayer === null) return after;
  path.step('perLayer');
  await addPerLayer(path, place, perLayer, await addOutputScale(path, place, altUp));
  const isFirst = (spec.streams?.active ?? 0) === 0;
  path.step('streamBehind');
  const values = row.value('corrected');
  if (isFirst) path.add('streamBehind', values, { kind: 'part', of: after, from: 0 });
  else
    path.add(
      'streamBehind',
      values.map((value, i) => value + at(row.value('perLayerNormed'), i)),
      {
        kind: 'sum',
        of: after,
        with: 'perLayerNormed',
        factor: 1,
      },
    );
  return 'streamBehind';
}

/** Adds the stages of what the layer makes of the token's vector for it. */
async function addPerLayer(
  path: PathBuilder,
  { spec, trace, row, layer, token }: LayerPlace,
  step: PerLayerStep,
  stream: StageName,
): Promise<void> {
  const { [`perLayer.${layer}`]: given } = perLayerFeed(spec, trace.perLayer, layer, token, token + 1);
  path.step('perLayer');
  path.add('perLayerInput', given?.data instanceof Float32Array ? given.data : new Float32Array(0), { kind: 'perLayer' });
  path.linear('perLayerGate', row.value('perLayerGate'), stream, step.gate);
  path.add('perLayerActivated', row.value('perLayerActivated'), {
    kind: 'activation',
    of: 'perLayerGate',
    activation: step.activation,
  });
  path.add('perLayerGated', row.value('perLayerGated'), { kind: 'product', of: 'perLayerActivated', with: 'perLayerInput', plus: 0 });
  path.linear('perLayerOutput', row.value('perLayerOutput'), 'perLayerGated', step.projection);
  await path.norm('perLayerNormed', row.value('perLayerNormed'), 'perLayerOutput', step.norm, row.value('perLayerOutput'));
}

/** Adds the stages of one MLP, whose values have names that begin with `owner` in the graph. */
async function addDense(
  path: PathBuilder,
  place: LayerPlace,
  mlp: DenseMlp,
  read: StageName,
  owner: string,
  output: 'mlpOutput' | 'expertOutput',
  factors: ReadonlyMap<number, number> = new Map(),
): Promise<void> {
  const { row } = place;
  const value = (name: string): Float32Array => row.value(owner + name);
  path.step('mlp', 'neuron');
  switch (mlp.kind) {
    case 'plain':
      path.linear('up', value('up'), read, mlp.up);
      path.add('hidden', value('hidden'), { kind: 'activation', of: 'up', activation: mlp.activation });
      break;
    case 'xielu': {
      path.linear('up', value('up'), read, mlp.up);
      path.add('hidden', value('hidden'), { kind: 'xielu', of: 'up', ...(await xieluNumbers(place, mlp.xielu)) });
      break;
    }
    case 'gated':
    case 'gatedFused': {
      const [gate, up] = mlp.kind === 'gated' ? [mlp.gate, mlp.up] : [mlp.gateUp, mlp.gateUp];
      const gates = value('gate');
      path.linear('gate', gates, read, gate);
      const deviations = mlp.kind === 'gated' ? mlp.deviations : undefined;
      if (deviations !== undefined)
        path.add('gateSparse', value('gateSparse'), { kind: 'above', of: 'gate', ...spreadOf(gates), deviations });
      const of = deviations === undefined ? 'gate' : 'gateSparse';
      path.add('activated', value('activated'), { kind: 'activation', of, activation: mlp.activation });
      path.linear('up', value('up'), read, up, (index) => (mlp.kind === 'gated' ? index : gates.length + index));
      path.add('hidden', value('hidden'), { kind: 'product', of: 'activated', with: 'up', plus: 0 });
      break;
    }
    default: {
      mlp.kind satisfies 'clamped';
      const { limit } = mlp;
      path.linear('gate', value('gate'), read, mlp.gateUp, (index) => 2 * index);
      path.add(
        'gateClipped',
        value('gate').map((number) => Math.min(limit, number)),
        { kind: 'clip', of: 'gate', low: -Infinity, high: limit },
      );
      path.add('activated', value('activated'), { kind: 'activation', of: 'gateClipped', activation: 'geluQuick' });
      path.linear('up', value('up'), read, mlp.gateUp, (index) => 2 * index + 1);
      path.add(
        'upClipped',
        value('up').map((number) => Math.max(-limit, Math.min(limit, number))),
        { kind: 'clip', of: 'up', low: -limit, high: limit },
      );
      path.add('hidden', value('hidden'), { kind: 'product', of: 'activated', with: 'upClipped', plus: 1 });
    }
  }
  let hidden: StageName = 'hidden';
  if (factors.size > 0) {
    hidden = 'hiddenScaled';
    path.add(hidden, value('hiddenScaled'), {
      kind: 'scaledEach',
      of: 'hidden',
      factors: Float32Array.from(value('hidden'), (_, neuron) => factors.get(neuron) ?? 1),
    });
  }
  path.step('mlpOutput');
  path.linear(output, value('mlpOutput'), hidden, mlp.down);
}

async function addExperts(
  path: PathBuilder,
  place: LayerPlace,
  layer: Experts,
  dense: StageName,
  stream: StageName,
  { ids, weights, shown }: ExpertChoices,
): Promise<void> {
  const { row, files } = place;
  const logits = row.value('routerLogits');
  const { norms } = layer;
  let [read, routed] = [dense, dense];
  if (norms !== undefined) {
    path.step('router');
    await path.norm('routerNormed', row.value('routerNormed'), stream, norms.router, valuesOf(path, stream));
    path.add('routerInput', row.value('routerInput'), { kind: 'scaled', of: 'routerNormed', factor: norms.routerScale });
    await path.norm('expertsNormed', row.value('expertsNormed'), stream, norms.experts, valuesOf(path, stream));
    [read, routed] = ['expertsNormed', 'routerInput'];
  }
  path.step('router', 'expert');
  path.linear('routerLogits', logits, routed, layer.router);
  const pick = (values: Float32Array): Float32Array => Float32Array.from(ids, (id) => at(values, id));
  if (layer.score === 'softmaxOfChosen') {
    const chosen = pick(logits);
    path.add('chosenScores', chosen, { kind: 'chosen', of: 'routerLogits' }, ids);
    path.add('expertWeights', weights, { kind: 'softmax', of: 'chosenScores', ...softmaxTerms(chosen, null), sink: null }, ids);
  } else if (layer.score === 'sparseMixer') {
    const chosen = pick(logits);
    path.add('chosenScores', chosen, { kind: 'chosen', of: 'routerLogits' }, ids);
    path.add('expertWeights', weights, { kind: 'softmaxEach', of: 'chosenScores', ...mixerTerms(logits, ids, layer.jitter ?? 0) }, ids);
  } else {
    const scores = row.value('routerScores');
    path.add(
      'routerScores',
      scores,
      layer.score === 'softmax'
        ? { kind: 'softmax', of: 'routerLogits', ...softmaxTerms(logits, null), sink: null }
        : { kind: 'activation', of: 'routerLogits', activation: 'sigmoid' },
    );
    if (layer.correction !== null) {
      const bias = await readNumbers(files, layer.correction, 0, scores.length);
      path.add(
        'correctedScores',
        scores.map((score, i) => score + at(bias, i)),
        { kind: 'biased', of: 'routerScores', bias },
      );
    }
    const chosen = pick(scores);
    path.add('chosenScores', chosen, { kind: 'chosen', of: 'routerScores' }, ids);
    if (layer.scales === undefined) path.add('expertWeights', weights, weightsMade(layer, chosen), ids);
    else {
      const factors = pick(await readNumbers(files, layer.scales, 0, scores.length));
      const shares = weights.map((weight, i) => (at(factors, i) === 0 ? 0 : weight / at(factors, i)));
      path.add('expertShares', shares, weightsMade(layer, chosen), ids);
      path.add('expertWeights', weights, { kind: 'scaledEach', of: 'expertShares', factors }, ids);
    }
  }
  const gate = layer.shared?.gate ?? null;
  if (gate !== null) {
    path.linear('sharedGateLogit', row.value('sharedGateLogit'), read, gate);
    path.add('sharedGate', row.value('sharedGate'), { kind: 'activation', of: 'sharedGateLogit', activation: 'sigmoid' });
  }
  const id = ids[shown];
  const inside = id === undefined ? layer.shared?.mlp : layer.experts[id];
  if (inside === undefined) throw new RangeError(`There is no expert ${shown} of ${ids.length}.`);
  let own = id === undefined ? dense : read;
  if (id !== undefined && layer.scalesInput === true) {
    path.step('mlp');
    const factor = at(weights, shown);
    path.add('expertInput', row.value(`expert.${id}.expertInput`), { kind: 'scaled', of: read, factor });
    own = 'expertInput';
  }
  await addDense(path, place, inside, own, id === undefined ? 'shared.' : `expert.${id}.`, 'expertOutput');
  path.step('mixture');
  const dim = row.value('mlpOutput').length;
  const rows = new Float32Array(ids.length * dim);
  for (const [i, chosen] of ids.entries()) rows.set(row.value(`expert.${chosen}.mlpOutput`), i * dim);
  const shared = layer.shared === null ? null : row.value('shared.mlpOutput');
  if (norms !== undefined && shared !== null) return addNormedMixture(path, place, norms, { rows, shared, isShown: id === undefined });
  path.add('mlpOutput', row.value('mlpOutput'), {
    kind: 'mixture',
    of: 'expertWeights',
    rows,
    shared,
    gate: gate === null ? null : 'sharedGate',
    ...(layer.scalesInput === true ? { unweighted: true } : {}),
  });
}

/** Mean and standard deviation of numbers. */
function spreadOf(values: Float32Array): { readonly mean: number; readonly deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

/** The numbers of an xIELU. */
async function xieluNumbers({ files }: LayerPlace, { alphaP, alphaN, beta, epsilon }: Xielu) {
  const number = async (weight: Weight): Promise<number> => at(await readNumbers(files, weight, 0, 1), 0);
  const straight = await number(beta);
  return {
    p: softplusOf(await number(alphaP)),
    n: straight + softplusOf(await number(alphaN)),
    beta: straight,
    epsilon: await number(epsilon),
  };
}

/** The largest logit, and the sum of exp(logit - largest) of those near it, for each of two experts that SparseMixer chose. */
function mixerTerms(logits: Float32Array, ids: Int32Array, jitter: number): { readonly max: Float64Array; readonly sum: Float64Array } {
  const order = [...ids].toSorted((a, b) => at(logits, b) - at(logits, a));
  const [max, sum] = [new Float64Array(ids.length), new Float64Array(ids.length)];
  for (const [place, id] of ids.entries()) {
    const most = at(logits, id);
    const better = new Set(order.slice(0, order.indexOf(id)));
    max[place] = most;
    for (const [expert, score] of logits.entries())
      if (!better.has(expert) && (most - score) / Math.max(Math.abs(score), most) <= 2 * jitter)
        sum[place] = at(sum, place) + Math.exp(score - most);
  }
  return { max, sum };
}

/** Adds the sum of what the chosen experts put out and of what the shared one does, each behind a norm of its own. */
async function addNormedMixture(
  path: PathBuilder,
  { row }: LayerPlace,
  norms: ExpertNorms,
  { rows, shared, isShown }: { readonly rows: Float32Array; readonly shared: Float32Array; readonly isShown: boolean },
): Promise<void> {
  path.add('mixture', row.value('mixture'), { kind: 'mixture', of: 'expertWeights', rows, shared: null, gate: null });
  await path.norm('mixtureNormed', row.value('mixtureNormed'), 'mixture', norms.behindExperts, row.value('mixture'));
  path.add('sharedOutput', shared, isShown ? { kind: 'part', of: 'expertOutput', from: 0 } : { kind: 'sharedExpert' });
  await path.norm('sharedNormed', row.value('sharedNormed'), 'sharedOutput', norms.behindShared, shared);
  path.add('mlpOutput', row.value('mlpOutput'), { kind: 'sum', of: 'mixtureNormed', with: 'sharedNormed', factor: 1 });
}

/** How expert weights are computed from the chosen scores: unchanged, scaled, or divided by their sum. */
function weightsMade({ normalised, scale }: Experts, chosen: Float32Array): Making {
  if (normalised) return { kind: 'shares', of: 'chosenScores', sum: chosen.reduce((total, score) => total + score, 0), factor: scale };
  return scale === 1 ? { kind: 'part', of: 'chosenScores', from: 0 } : { kind: 'scaled', of: 'chosenScores', factor: scale };
}

function valuesOf({ stages }: PathBuilder, name: StageName): Float32Array {
  return stages.find((stage) => stage.name === name)?.values ?? new Float32Array(0);
}

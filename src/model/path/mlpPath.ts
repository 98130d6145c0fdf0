import type { Making, StageName } from '../../core/forwardPath.ts';
import { at } from '../../core/tensor.ts';
import type { DenseMlp, Experts } from '../families/spec.ts';
import type { LayerPlace } from './attentionPath.ts';
import { softmaxTerms } from './layerRow.ts';
import { readNumbers } from './linearRow.ts';
import type { PathBuilder } from './pathBuilder.ts';

/** The experts that the token was sent to, and which of them is shown inside: the last one may be the shared one. */
export interface ExpertChoices {
  readonly ids: Int32Array;
  readonly weights: Float32Array;
  readonly shown: number;
}

/** From what attention has made to the residual after the layer. `read`: what attention read, which the MLP may share. */
export async function addMlp(path: PathBuilder, place: LayerPlace, stream: StageName, read: StageName, experts: ExpertChoices | null): Promise<void> {
  const { spec, row, block: { attentionNorms, mlpNorms: norms, mlp, wiring, addTo } } = place;
  const source: StageName = wiring === 'parallel' ? 'input' : stream;
  let mlpRead = source;
  if (source === 'input' && norms.before === attentionNorms.before) {
    mlpRead = read;
  } else if (norms.before !== null) {
    path.step('mlpNorm');
    await path.norm('mlpRead', row.value('mlpRead').slice(), source, norms.before, valuesOf(path, source));
    mlpRead = 'mlpRead';
  }
  if (mlp.kind === 'experts') {
    if (experts === null) throw new Error('A layer with experts needs the choice of them.');
    await addExperts(path, place, mlp, mlpRead, experts);
  } else {
    addDense(path, place, mlp, mlpRead, '', 'mlpOutput');
  }
  let output: StageName = 'mlpOutput';
  if (norms.behind !== null) {
    path.step('mlpBehind');
    await path.norm('mlpBehind', row.value('mlpBehind').slice(), output, norms.behind, row.value(output));
    output = 'mlpBehind';
  }
  path.step('mlpAdd');
  path.add('mlpAdded', row.value('mlpAdded').slice(), { kind: 'sum', of: addTo === 'stream' ? stream : mlpRead, with: output, factor: spec.residualScale });
  if (norms.after === null) return;
  path.step('mlpAfter');
  await path.norm('mlpAfter', row.value('mlpAfter').slice(), 'mlpAdded', norms.after, row.value('mlpAdded'));
}

/** One MLP, whose values the layer knows under names that begin with `owner`. */
function addDense(path: PathBuilder, { row }: LayerPlace, mlp: DenseMlp, read: StageName, owner: string, output: 'mlpOutput' | 'expertOutput'): void {
  const value = (name: string): Float32Array => row.value(owner + name).slice();
  path.step('mlp', 'neuron');
  switch (mlp.kind) {
    case 'plain':
      path.linear('up', value('up'), read, mlp.up);
      path.add('hidden', value('hidden'), { kind: 'activation', of: 'up', activation: mlp.activation });
      break;
    case 'gated':
    case 'gatedFused': {
      const [gate, up] = mlp.kind === 'gated' ? [mlp.gate, mlp.up] : [mlp.gateUp, mlp.gateUp];
      const gates = value('gate');
      path.linear('gate', gates, read, gate);
      path.add('activated', value('activated'), { kind: 'activation', of: 'gate', activation: mlp.activation });
      path.linear('up', value('up'), read, up, (index) => (mlp.kind === 'gated' ? index : gates.length + index));
      path.add('hidden', value('hidden'), { kind: 'product', of: 'activated', with: 'up', plus: 0 });
      break;
    }
    default: {
      mlp.kind satisfies 'clamped';
      const { limit } = mlp;
      path.linear('gate', value('gate'), read, mlp.gateUp, (index) => 2 * index);
      path.add('gateClipped', value('gate').map((number) => Math.min(limit, number)), { kind: 'clip', of: 'gate', low: -Infinity, high: limit });
      path.add('activated', value('activated'), { kind: 'activation', of: 'gateClipped', activation: 'geluQuick' });
      path.linear('up', value('up'), read, mlp.gateUp, (index) => 2 * index + 1);
      path.add('upClipped', value('up').map((number) => Math.max(-limit, Math.min(limit, number))), { kind: 'clip', of: 'up', low: -limit, high: limit });
      path.add('hidden', value('hidden'), { kind: 'product', of: 'activated', with: 'upClipped', plus: 1 });
    }
  }
  path.step('mlpOutput');
  path.linear(output, value('mlpOutput'), 'hidden', mlp.down);
}

async function addExperts(path: PathBuilder, place: LayerPlace, layer: Experts, read: StageName, { ids, weights, shown }: ExpertChoices): Promise<void> {
  const { row, files } = place;
  const logits = row.value('routerLogits').slice();
  path.step('router', 'expert');
  path.linear('routerLogits', logits, read, layer.router);
  const pick = (values: Float32Array): Float32Array => Float32Array.from(ids, (id) => at(values, id));
  if (layer.score === 'softmaxOfChosen') {
    const chosen = pick(logits);
    path.add('chosenScores', chosen, { kind: 'chosen', of: 'routerLogits' }, ids.slice());
    path.add('expertWeights', weights.slice(), { kind: 'softmax', of: 'chosenScores', ...softmaxTerms(chosen, null), sink: null }, ids.slice());
  } else {
    const scores = row.value('routerScores').slice();
    path.add('routerScores', scores, layer.score === 'softmax' ? { kind: 'softmax', of: 'routerLogits', ...softmaxTerms(logits, null), sink: null } : { kind: 'activation', of: 'routerLogits', activation: 'sigmoid' });
    if (layer.correction !== null) {
      const bias = await readNumbers(files, layer.correction, 0, scores.length);
      path.add('correctedScores', scores.map((score, i) => score + at(bias, i)), { kind: 'biased', of: 'routerScores', bias });
    }
    const chosen = pick(scores);
    path.add('chosenScores', chosen, { kind: 'chosen', of: 'routerScores' }, ids.slice());
    path.add('expertWeights', weights.slice(), weightsMade(layer, chosen), ids.slice());
  }
  const gate = layer.shared?.gate ?? null;
  if (gate !== null) {
    path.linear('sharedGateLogit', row.value('sharedGateLogit').slice(), read, gate);
    path.add('sharedGate', row.value('sharedGate').slice(), { kind: 'activation', of: 'sharedGateLogit', activation: 'sigmoid' });
  }
  const id = ids[shown];
  const inside = id === undefined ? layer.shared?.mlp : layer.experts[id];
  if (inside === undefined) throw new RangeError(`There is no expert ${shown} of ${ids.length}.`);
  addDense(path, place, inside, read, id === undefined ? 'shared.' : `expert.${id}.`, 'expertOutput');
  path.step('mixture');
  const dim = row.value('mlpOutput').length;
  const rows = new Float32Array(ids.length * dim);
  for (const [i, chosen] of ids.entries()) rows.set(row.value(`expert.${chosen}.mlpOutput`), i * dim);
  const shared = layer.shared === null ? null : row.value('shared.mlpOutput').slice();
  path.add('mlpOutput', row.value('mlpOutput').slice(), { kind: 'mixture', of: 'expertWeights', rows, shared, gate: gate === null ? null : 'sharedGate' });
}

/** The chosen scores as they are, by a factor, or as shares of their sum. */
function weightsMade({ normalised, scale }: Experts, chosen: Float32Array): Making {
  if (normalised) return { kind: 'shares', of: 'chosenScores', sum: chosen.reduce((total, score) => total + score, 0), factor: scale };
  return scale === 1 ? { kind: 'part', of: 'chosenScores', from: 0 } : { kind: 'scaled', of: 'chosenScores', factor: scale };
}

function valuesOf({ stages }: PathBuilder, name: StageName): Float32Array {
  return stages.find((stage) => stage.name === name)?.values ?? new Float32Array(0);
}

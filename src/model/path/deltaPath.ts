import type { StageName } from '../../core/forwardPath.ts';
import { at } from '../../core/tensor.ts';
import type { DeltaNet, Linear } from '../families/spec.ts';
import type { PathBuilder } from './pathBuilder.ts';
import { addDecay, addSide, addState, slice, timesEach, type RecurrencePlace, type Side } from './stateStages.ts';

/** Added to a sum of squares before queries and keys are divided by its root. */
const LENGTH_EPSILON = 1e-6;

/** Adds the stages of a gated delta net for one value head, from the convolution to what all heads read. */
export async function addDelta(path: PathBuilder, place: RecurrencePlace, mixer: DeltaNet): Promise<void> {
  const { row, head, read } = place;
  const { keyHeads, valueHeads, keyDim, valueDim, convolution } = mixer;
  const keyHead = Math.floor(head / (valueHeads / keyHeads));
  const outputs = deltaOutputs(mixer, head, keyHead);
  const keys = keyHeads * keyDim;
  const side = (name: Side['name'], linear: Linear, first: number, channel: number, width: number): Promise<Float32Array> =>
    addSide(
      path,
      place,
      convolution,
      { name, linear, first, channel, width, factor: 1 },
      slice(row.value('convolutionInput'), channel, width),
    );
  path.step('convolution');
  const query = await side('stateQuery', outputs.all, outputs.query, keyHead * keyDim, keyDim);
  const key = await side('stateKey', outputs.all, outputs.key, keys + keyHead * keyDim, keyDim);
  await side('stateValue', outputs.all, outputs.value, 2 * keys + head * valueDim, valueDim);

  path.step('strength');
  path.linear('strengthLogit', slice(row.value('strengthLogit'), head, 1), read, outputs.strength.linear, () => outputs.strength.row);
  const strength = slice(row.value('strength'), head, 1);
  path.add('strength', strength, { kind: 'activation', of: 'strengthLogit', activation: 'sigmoid' });

  path.step('decay');
  path.linear('decayInput', slice(row.value('decayInput'), head, 1), read, outputs.decay.linear, () => outputs.decay.row);
  const decay = await addDecay(path, place, mixer, 'decayInput', { least: 0, most: Infinity });

  const state = addState(path, place, { keyDim, valueDim, decay });
  const unitKey = addUnit(path, 'stateKeyUnit', key, 'stateKeyActivated', 1);
  const recalled = weighted(unitKey, state.decayed, valueDim);
  path.add('recalled', recalled, { kind: 'weighted', of: 'stateKeyUnit', rows: state.decayed });
  const value = slice(row.value('convolved'), 2 * keys + head * valueDim, valueDim);
  const surprise = value.map((number, i) => number - at(recalled, i));
  path.add('surprise', surprise, { kind: 'sum', of: 'stateValueActivated', with: 'recalled', factor: -1 });
  const factor = at(strength, 0);
  path.add('written', timesEach(surprise, factor), { kind: 'scaled', of: 'surprise', factor });
  path.along('state');
  path.add('stateBehind', state.behind, { kind: 'outer', of: 'stateDecayed', left: 'stateKeyUnit', right: 'written' });

  path.step('stateRead');
  addUnit(path, 'stateQueryUnit', query, 'stateQueryActivated', keyDim ** -0.5);
  const found = slice(row.value('stateRead'), head * valueDim, valueDim);
  path.add('stateRead', found, { kind: 'weighted', of: 'stateQueryUnit', rows: state.behind });

  path.step('readGate');
  await path.norm('readNormed', slice(row.value('readNormed'), head * valueDim, valueDim), 'stateRead', mixer.norm, found);
  path.linear('readGate', slice(row.value('readGate'), head * valueDim, valueDim), read, outputs.gate.linear, (i) => outputs.gate.row + i);
  const opened = slice(row.value('readGateActivated'), head * valueDim, valueDim);
  path.add('readGateActivated', opened, { kind: 'activation', of: 'readGate', activation: 'silu' });
  const gated = slice(row.value('readGated'), head * valueDim, valueDim);
  path.add('readGated', gated, { kind: 'product', of: 'readNormed', with: 'readGateActivated', plus: 0 });
  path.add('joinedReads', row.value('readGated'), { kind: 'heads', of: 'readGated', head, heads: valueHeads });
}

/** Which outputs of which matrices are a value head's. */
function deltaOutputs({ projections, keyHeads, valueHeads, keyDim, valueDim }: DeltaNet, head: number, keyHead: number) {
  const own = valueHeads / keyHeads;
  if (projections.kind === 'separate') {
    const keys = keyHeads * keyDim;
    return {
      all: projections.qkv,
      query: keyHead * keyDim,
      key: keys + keyHead * keyDim,
      value: 2 * keys + head * valueDim,
      gate: { linear: projections.gate, row: head * valueDim },
      strength: { linear: projections.strength, row: head },
      decay: { linear: projections.decay, row: head },
    };
  }
  const first = keyHead * (2 * keyDim + 2 * own * valueDim);
  const inGroup = head % own;
  const value = first + 2 * keyDim + inGroup * valueDim;
  return {
    all: projections.all,
    query: first,
    key: first + keyDim,
    value,
    gate: { linear: projections.all, row: value + own * valueDim },
    strength: { linear: projections.rates, row: keyHead * 2 * own + inGroup },
    decay: { linear: projections.rates, row: keyHead * 2 * own + own + inGroup },
  };
}

/** [columns], rows [length of `weights`, columns] weighted. */
function weighted(weights: Float32Array, rows: Float32Array, columns: number): Float32Array {
  return Float32Array.from({ length: columns }, (_, column) =>
    weights.reduce((sum, weight, i) => sum + weight * at(rows, i * columns + column), 0),
  );
}

/** Adds `values` divided by their length, times `factor`, and returns them. */
function addUnit(path: PathBuilder, name: StageName, values: Float32Array, of: StageName, factor: number): Float32Array {
  const length = Math.sqrt(values.reduce((sum, number) => sum + number ** 2, LENGTH_EPSILON));
  const made = values.map((number) => (number / length) * factor);
  path.add(name, made, { kind: 'unit', of, length, epsilon: LENGTH_EPSILON, factor });
  return made;
}

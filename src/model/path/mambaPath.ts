import type { StageName } from '../../core/forwardPath.ts';
import type { Mamba } from '../families/spec.ts';
import { readNumbers } from './linearRow.ts';
import type { PathBuilder } from './pathBuilder.ts';
import { addDecay, addFactored, addSide, addState, slice, timesEach, type RecurrencePlace, type Side } from './stateStages.ts';

/** Adds the stages of a head of Mamba 2, from the convolution to what all heads read. */
export async function addMamba(path: PathBuilder, place: RecurrencePlace, mixer: Mamba): Promise<void> {
  const { files, row, head, read } = place;
  const { heads, headDim, groups, stateDim, input, convolution, stepLimit } = mixer;
  const [inner, keys] = [heads * headDim, groups * stateDim];
  const group = Math.floor(head / (heads / groups));
  const factors = mixer.inputFactors ?? [1, 1, 1, 1, 1];
  const [ofGate, ofX, ofKey, ofQuery, ofStep] = factors;
  const made = row.value('mambaInput');
  const side = (name: Side['name'], channel: number, width: number, factor: number): Promise<Float32Array> => {
    const first = inner + channel;
    return addSide(path, place, convolution, { name, linear: input, first, channel, width, factor }, slice(made, first, width));
  };
  path.step('convolution');
  await side('stateQuery', inner + keys + group * stateDim, stateDim, ofQuery);
  await side('stateKey', inner + group * stateDim, stateDim, ofKey);
  const value = await side('stateValue', head * headDim, headDim, ofX);

  path.step('decay');
  const rate = 2 * inner + 2 * keys + head;
  const raw = slice(made, rate, 1);
  path.linear('decayInput', raw, read, input, () => rate);
  const stepped = addFactored(path, 'decayInputFactored', timesEach(raw, ofStep), 'decayInput', ofStep);
  const [least, most] = stepLimit;
  const decay = await addDecay(path, place, mixer, stepped, { least, most });

  const state = addState(path, place, { keyDim: stateDim, valueDim: headDim, decay });
  const { step } = state;
  path.add('written', timesEach(value, step), { kind: 'scaled', of: 'stateValueActivated', factor: step });
  path.along('state');
  path.add('stateBehind', state.behind, { kind: 'outer', of: 'stateDecayed', left: 'stateKeyActivated', right: 'written' });

  path.step('stateRead');
  path.add('stateRead', slice(row.value('stateRead'), head * headDim, headDim), {
    kind: 'weighted',
    of: 'stateQueryActivated',
    rows: state.behind,
  });
  const [skip = 0] = await readNumbers(files, mixer.skip, head, 1);
  const skipped = slice(row.value('readSkipped'), head * headDim, headDim);
  path.add('readSkipped', skipped, { kind: 'sum', of: 'stateRead', with: 'stateValueActivated', factor: skip });

  path.step('readGate');
  const gate = slice(made, head * headDim, headDim);
  path.linear('readGate', gate, read, input, (index) => head * headDim + index);
  const opening = addFactored(path, 'readGateFactored', timesEach(gate, ofGate), 'readGate', ofGate);
  const opened = slice(row.value('readGateActivated'), head * headDim, headDim);
  path.add('readGateActivated', opened, { kind: 'activation', of: opening, activation: 'silu' });
  const last = await addMambaEnd(path, place, mixer);
  path.add('joinedReads', row.value(last), { kind: 'heads', of: last, head, heads });
}

/** Adds gate and norm of what a head of Mamba 2 read, in their order. Returns the last. */
async function addMambaEnd(path: PathBuilder, { files, row, head }: RecurrencePlace, { heads, headDim, norm }: Mamba): Promise<StageName> {
  const own = (name: string): Float32Array => slice(row.value(name), head * headDim, headDim);
  const addGated = (of: StageName): void =>
    path.add('readGated', own('readGated'), { kind: 'product', of, with: 'readGateActivated', plus: 0 });
  if (norm === null) {
    addGated('readSkipped');
    return 'readGated';
  }
  const { weight, parts, epsilon, when } = norm;
  const width = (heads * headDim) / parts;
  const first = head * headDim;
  const part = Math.floor(first / width) * width;
  const addNormed = async (of: 'readSkipped' | 'readGated'): Promise<void> => {
    const whole = slice(row.value(of), part, width);
    const square = whole.reduce((sum, number) => sum + number ** 2, 0) / width;
    path.add('readNormed', own('readNormed'), {
      kind: 'norm',
      of,
      form: 'rms',
      mean: 0,
      divisor: Math.sqrt(square + epsilon),
      epsilon,
      weight: await readNumbers(files, weight, first, headDim),
      bias: null,
      whole,
      from: first - part,
    });
  };
  if (when === 'beforeGate') {
    await addNormed('readSkipped');
    addGated('readNormed');
    return 'readGated';
  }
  addGated('readSkipped');
  await addNormed('readGated');
  return 'readNormed';
}

import type { StageName } from '../../core/forwardPath.ts';
import { at } from '../../core/tensor.ts';
import type { Convolution, DeltaNet, Linear, Mamba, Recurrence, ShortConvolution, Weight } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import type { RecurrenceRow } from './layerRow.ts';
import { readNumbers } from './linearRow.ts';
import type { PathBuilder } from './pathBuilder.ts';

/** A layer's state for one token: its numbers, and the head that is shown. */
export interface RecurrencePlace {
  readonly files: ModelFiles;
  readonly row: RecurrenceRow;
  readonly head: number;
  /** The stage that it reads. */
  readonly read: StageName;
}

/** Added to a sum of squares before queries and keys are divided by its root. */
const LENGTH_EPSILON = 1e-6;

/** Heads of a layer that keeps a state; null: its numbers belong to none. */
export function headsOf(mixer: Recurrence): number | null {
  if (mixer.kind === 'shortConvolution') return null;
  return mixer.kind === 'mamba' ? mixer.heads : mixer.valueHeads;
}

/** Adds the stages from what a layer that keeps a state reads to what it puts out, `recurred`. */
export async function addRecurrence(path: PathBuilder, place: RecurrencePlace, mixer: Recurrence): Promise<void> {
  if (mixer.kind === 'shortConvolution') await addShortConvolution(path, place, mixer);
  else if (mixer.kind === 'mamba') await addMamba(path, place, mixer);
  else await addDelta(path, place, mixer);
  path.step('recurrence');
  const of = mixer.kind === 'shortConvolution' ? 'readGated' : 'joinedReads';
  path.linear('recurred', place.row.value('recurred'), of, mixer.output);
}

/** A vector of one head on its way into the state. */
interface Side {
  readonly name: 'stateQuery' | 'stateKey' | 'stateValue';
  /** The matrix that computes it, and that matrix's output for its first number. */
  readonly linear: Linear;
  readonly first: number;
  /** The convolution's channel of its first number, and how many numbers it has. */
  readonly channel: number;
  readonly width: number;
  /** Factor of what the matrix computes. */
  readonly factor: number;
}

/** Adds a side from its matrix to the SiLU behind the convolution. Returns its numbers there. */
async function addSide(
  path: PathBuilder,
  { files, row, read }: RecurrencePlace,
  convolution: Convolution,
  { name, linear, first, channel, width, factor }: Side,
  made: Float32Array,
): Promise<Float32Array> {
  path.linear(name, made, read, linear, (index) => first + index);
  const input = slice(row.value('convolutionInput'), channel, width);
  if (factor !== 1) path.add(`${name}Factored`, input, { kind: 'scaled', of: name, factor });
  await addConvolved(path, { files, row }, convolution, {
    name: `${name}Convolved`,
    of: factor === 1 ? name : `${name}Factored`,
    channel,
    input,
  });
  const activated = slice(row.value('convolved'), channel, width);
  path.add(`${name}Activated`, activated, { kind: 'activation', of: `${name}Convolved`, activation: 'silu' });
  return activated;
}

/** Adds what a convolution makes of some channels: the sum before an activation. */
async function addConvolved(
  path: PathBuilder,
  { files, row }: Pick<RecurrencePlace, 'files' | 'row'>,
  { kernel, channels, size, bias }: Convolution,
  {
    name,
    of,
    channel,
    input,
  }: { readonly name: StageName; readonly of: StageName; readonly channel: number; readonly input: Float32Array },
): Promise<void> {
  const width = input.length;
  const weights = await readNumbers(files, kernel, channel * size, width * size);
  const added = bias === null ? null : await readNumbers(files, bias, channel, width);
  const window = new Float32Array(size * width);
  for (let back = 0; back < size - 1; back++) window.set(slice(row.window, back * channels + channel, width), back * width);
  window.set(input, (size - 1) * width);
  const values = Float32Array.from({ length: width }, (_, i) => {
    let sum = added === null ? 0 : at(added, i);
    for (let token = 0; token < size; token++) sum += at(weights, i * size + token) * at(window, token * width + i);
    return sum;
  });
  path.add(name, values, { kind: 'convolved', of, kernel: weights, window, bias: added });
}

async function addShortConvolution(
  path: PathBuilder,
  { files, row, read }: RecurrencePlace,
  { input, convolution }: ShortConvolution,
): Promise<void> {
  const width = convolution.channels;
  path.step('convolution');
  path.linear('openingGate', row.value('openingGate'), read, input);
  path.linear('stateValue', row.value('openedValue'), read, input, (index) => 2 * width + index);
  path.add('openedValue', row.value('convolutionInput'), { kind: 'product', of: 'stateValue', with: 'openingGate', plus: 0 });
  const opened = { name: 'stateValueConvolved', of: 'openedValue', channel: 0, input: row.value('convolutionInput') } as const;
  await addConvolved(path, { files, row }, convolution, opened);
  path.step('readGate');
  path.linear('readGate', row.value('readGate'), read, input, (index) => width + index);
  path.add('readGated', row.value('readGated'), { kind: 'product', of: 'stateValueConvolved', with: 'readGate', plus: 0 });
}

async function addDelta(path: PathBuilder, place: RecurrencePlace, mixer: DeltaNet): Promise<void> {
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
  path.add('stateKeyUnit', unit(key, 1), {
    kind: 'unit',
    of: 'stateKeyActivated',
    length: lengthOf(key),
    epsilon: LENGTH_EPSILON,
    factor: 1,
  });
  const recalled = weighted(unit(key, 1), state.decayed, valueDim);
  path.add('recalled', recalled, { kind: 'weighted', of: 'stateKeyUnit', rows: state.decayed });
  const value = slice(row.value('convolved'), 2 * keys + head * valueDim, valueDim);
  const surprise = value.map((number, i) => number - at(recalled, i));
  path.add('surprise', surprise, { kind: 'sum', of: 'stateValueActivated', with: 'recalled', factor: -1 });
  const factor = at(strength, 0);
  path.add(
    'written',
    surprise.map((number) => number * factor),
    { kind: 'scaled', of: 'surprise', factor },
  );
  path.along('state');
  path.add('stateBehind', state.behind, { kind: 'outer', of: 'stateDecayed', left: 'stateKeyUnit', right: 'written' });

  path.step('stateRead');
  const scale = keyDim ** -0.5;
  path.add('stateQueryUnit', unit(query, scale), {
    kind: 'unit',
    of: 'stateQueryActivated',
    length: lengthOf(query),
    epsilon: LENGTH_EPSILON,
    factor: scale,
  });
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

async function addMamba(path: PathBuilder, place: RecurrencePlace, mixer: Mamba): Promise<void> {
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
  if (ofStep !== 1)
    path.add(
      'decayInputFactored',
      raw.map((number) => number * ofStep),
      { kind: 'scaled', of: 'decayInput', factor: ofStep },
    );
  const [least, most] = stepLimit;
  const decay = await addDecay(path, place, mixer, ofStep === 1 ? 'decayInput' : 'decayInputFactored', { least, most });

  const state = addState(path, place, { keyDim: stateDim, valueDim: headDim, decay });
  const { step } = state;
  path.add(
    'written',
    value.map((number) => number * step),
    { kind: 'scaled', of: 'stateValueActivated', factor: step },
  );
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
  if (ofGate !== 1)
    path.add(
      'readGateFactored',
      gate.map((number) => number * ofGate),
      { kind: 'scaled', of: 'readGate', factor: ofGate },
    );
  path.add('readGateActivated', slice(row.value('readGateActivated'), head * headDim, headDim), {
    kind: 'activation',
    of: ofGate === 1 ? 'readGate' : 'readGateFactored',
    activation: 'silu',
  });
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

/** Adds a head's stages from the length of its step, before its bias, to the share of the state that stays. Returns step and share. */
async function addDecay(
  path: PathBuilder,
  { files, row, head }: RecurrencePlace,
  { rateLog, stepBias }: { readonly rateLog: Weight; readonly stepBias: Weight },
  of: StageName,
  { least, most }: { readonly least: number; readonly most: number },
): Promise<{ readonly step: number; readonly share: number }> {
  const bias = await readNumbers(files, stepBias, head, 1);
  const input = path.stages.find(({ name }) => name === of)?.values ?? new Float32Array(1);
  path.add('decayBiased', Float32Array.of(at(input, 0) + at(bias, 0)), { kind: 'biased', of, bias });
  const found = at(row.value('decayStep'), head);
  path.add('decayStep', Float32Array.of(found), { kind: 'softplus', of: 'decayBiased' });
  const step = Math.fround(Math.max(least, Math.min(most, found)));
  const isClipped = least > 0 || Number.isFinite(most);
  if (isClipped) path.add('decayStepClipped', Float32Array.of(step), { kind: 'clip', of: 'decayStep', low: least, high: most });
  const rate = Math.exp(at(await readNumbers(files, rateLog, head, 1), 0));
  const share = Math.fround(Math.exp(-rate * step));
  path.add('decay', Float32Array.of(share), { kind: 'decay', of: isClipped ? 'decayStepClipped' : 'decayStep', rate });
  return { step, share };
}

/** Adds a head's state before the token, and what is left of it. Returns that, the state behind the token, and the length of the step. */
function addState(
  path: PathBuilder,
  { row, head }: RecurrencePlace,
  {
    keyDim,
    valueDim,
    decay,
  }: { readonly keyDim: number; readonly valueDim: number; readonly decay: { readonly step: number; readonly share: number } },
): { readonly decayed: Float32Array; readonly behind: Float32Array; readonly step: number } {
  const size = keyDim * valueDim;
  const own = (state: Float32Array | null): Float32Array => (state === null ? new Float32Array(size) : slice(state, head * size, size));
  path.step('stateUpdate', 'state');
  const before = own(row.before);
  path.add('stateBefore', before, { kind: 'state', columns: valueDim });
  const decayed = before.map((number) => number * decay.share);
  path.add('stateDecayed', decayed, { kind: 'scaled', of: 'stateBefore', factor: decay.share });
  path.along('dimension');
  return { decayed, behind: own(row.behind), step: decay.step };
}

/** [columns], rows [length of `weights`, columns] weighted. */
function weighted(weights: Float32Array, rows: Float32Array, columns: number): Float32Array {
  return Float32Array.from({ length: columns }, (_, column) =>
    weights.reduce((sum, weight, i) => sum + weight * at(rows, i * columns + column), 0),
  );
}

function lengthOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, number) => sum + number ** 2, LENGTH_EPSILON));
}

function unit(values: Float32Array, factor: number): Float32Array {
  const length = lengthOf(values);
  return values.map((number) => (number / length) * factor);
}

function slice(values: Float32Array, from: number, count: number): Float32Array {
  if (from + count > values.length) throw new RangeError(`${from} to ${from + count} is outside ${values.length} numbers.`);
  return values.slice(from, from + count);
}

import type { StageName } from '../../core/forwardPath.ts';
import { at } from '../../core/tensor.ts';
import type { Convolution, Linear, Weight } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import type { RecurrenceRow } from './layerRow.ts';
import { readNumbers } from './linearRow.ts';
import type { PathBuilder } from './pathBuilder.ts';

// Stages that layers of several kinds have which keep a state.

/** A layer's state for one token: its numbers, and the head that is shown. */
export interface RecurrencePlace {
  readonly files: ModelFiles;
  readonly row: RecurrenceRow;
  readonly head: number;
  /** The stage that it reads. */
  readonly read: StageName;
}

/** A vector of one head on its way into the state. */
export interface Side {
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
export async function addSide(
  path: PathBuilder,
  { files, row, read }: RecurrencePlace,
  convolution: Convolution,
  { name, linear, first, channel, width, factor }: Side,
  made: Float32Array,
): Promise<Float32Array> {
  path.linear(name, made, read, linear, (index) => first + index);
  const input = slice(row.value('convolutionInput'), channel, width);
  const of = addFactored(path, `${name}Factored`, input, name, factor);
  await addConvolved(path, { files, row }, convolution, { name: `${name}Convolved`, of, channel, input });
  const activated = slice(row.value('convolved'), channel, width);
  path.add(`${name}Activated`, activated, { kind: 'activation', of: `${name}Convolved`, activation: 'silu' });
  return activated;
}

/** Adds what a convolution makes of some channels: the sum before an activation. */
export async function addConvolved(
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

/** Adds a head's stages from the length of its step, before its bias, to the share of the state that stays. Returns step and share. */
export async function addDecay(
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
export function addState(
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
  const decayed = timesEach(before, decay.share);
  path.add('stateDecayed', decayed, { kind: 'scaled', of: 'stateBefore', factor: decay.share });
  path.along('dimension');
  return { decayed, behind: own(row.behind), step: decay.step };
}

/** Adds `values` as `of` times a factor that is not 1. Returns the name of the last stage of the two. */
export function addFactored(path: PathBuilder, name: StageName, values: Float32Array, of: StageName, factor: number): StageName {
  if (factor === 1) return of;
  path.add(name, values, { kind: 'scaled', of, factor });
  return name;
}

/** Each number times a factor, in float32. */
export function timesEach(values: Float32Array, factor: number): Float32Array {
  return values.map((number) => number * factor);
}

/** A copy of `count` numbers from `from` on. Throws RangeError for numbers that are not there. */
export function slice(values: Float32Array, from: number, count: number): Float32Array {
  if (from + count > values.length) throw new RangeError(`${from} to ${from + count} is outside ${values.length} numbers.`);
  return values.slice(from, from + count);
}

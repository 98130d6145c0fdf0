import { at } from '../../core/tensor.ts';
import type { Making, PathStep, Stage, StageAxis, StageName } from '../../core/forwardPath.ts';
import type { HeadNorm, Linear, Norm, Weight } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { readNumbers, type LinearRow } from './linearRow.ts';

/** A part of a path under construction: its stages in order, and the weights of the stages that a matrix computes. */
export interface PathBuilder {
  readonly stages: Stage[];
  readonly rows: Map<StageName, (index: number) => LinearRow>;
  /** Begins a step: stages added from now on belong to it. */
  step(step: PathStep, axis?: StageAxis): void;
  /** What the numbers of stages added from now on stand for; a new step begins with its own. */
  along(axis: StageAxis): void;
  add(name: StageName, values: Float32Array, made: Making, ids?: Int32Array): void;
  /** Adds a stage that a matrix computes. `rowOf`: the matrix's output for each number; the same index unless given. */
  linear(name: StageName, values: Float32Array, of: StageName, linear: Linear, rowOf?: (index: number) => number, ids?: Int32Array): void;
  norm(name: StageName, values: Float32Array, of: StageName, norm: Norm, input: Float32Array): Promise<void>;
  /** Adds the norm of one head's query or key; `flat`: all heads' numbers before the norm. */
  headNorm(name: StageName, values: Float32Array, of: StageName, own: HeadNorm, flat: Float32Array, head: number): Promise<void>;
}

/** An empty path part. */
export function pathBuilder(files: ModelFiles): PathBuilder {
  const stages: Stage[] = [];
  const rows = new Map<StageName, (index: number) => LinearRow>();
  let step: PathStep = 'embedding';
  let axis: StageAxis = 'dimension';
  const vector = async (weight: Weight | null, from: number, count: number, offset: number): Promise<Float32Array | null> => {
    if (weight === null) return null;
    const stored = await readNumbers(files, weight, from, count);
    return offset === 0 ? stored : stored.map((value) => value + offset);
  };
  const add = (name: StageName, values: Float32Array, made: Making, ids?: Int32Array): void =>
    void stages.push({ step, name, axis, values, made, ...(ids === undefined ? {} : { ids }) });
  return {
    stages,
    rows,
    step: (next, counted = 'dimension') => {
      step = next;
      axis = counted;
    },
    along: (next) => {
      axis = next;
    },
    add,
    linear: (name, values, of, linear, rowOf = (index) => index, ids) => {
      rows.set(name, (index) => ({ linear, row: rowOf(index) }));
      add(name, values, { kind: 'linear', of, bias: linear.bias !== null }, ids);
    },
    norm: async (name, values, of, norm, input) => {
      const { weight, bias, offset, width } = norm;
      add(name, values, {
        kind: 'norm',
        of,
        ...statistics(norm, input),
        weight: await vector(weight, 0, width, offset),
        bias: await vector(bias, 0, width, 0),
      });
    },
    headNorm: async (name, values, of, own, flat, head) => {
      const { norm } = own;
      const width = values.length;
      const from = head * width;
      if (own.kind === 'joined') {
        const made = { weight: await vector(norm.weight, from, width, norm.offset), bias: await vector(norm.bias, from, width, 0) };
        return add(name, values, { kind: 'norm', of, ...statistics(norm, flat), ...made, whole: flat, from });
      }
      let weight = await vector(norm.weight, 0, width, norm.offset);
      let bias = await vector(norm.bias, 0, width, 0);
      if (own.kind === 'perHead') {
        const [matrix] = own.weights;
        const ownWeight =
          own.weights.length === 1 ? await vector(matrix ?? null, from, width, 0) : await vector(own.weights[head] ?? null, 0, width, 0);
        const times = (value: number, i: number): number => value * (ownWeight === null ? 1 : at(ownWeight, i));
        bias = bias?.map(times) ?? null;
        weight = weight?.map(times) ?? ownWeight;
      }
      add(name, values, { kind: 'norm', of, ...statistics(norm, flat.subarray(from, from + width)), weight, bias });
    },
  };
}

/** Mean and divisor, in float64, of the numbers that are normalised together. */
function statistics(
  { kind, width, epsilon }: Norm,
  input: Float32Array,
): { form: 'layer' | 'rms'; mean: number; divisor: number; epsilon: number } {
  const together = input.subarray(0, width);
  const mean = kind === 'rms' ? 0 : together.reduce((sum, value) => sum + value, 0) / width;
  const variance = together.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
  return { form: kind, mean, divisor: Math.sqrt(variance + epsilon), epsilon };
}

import { activate, softplusOf, xielu, type Activation } from '../../src/core/activationFunctions.ts';
import { stageOf, stateCell, type ForwardPath, type Making, type StageName, type WeightedSum } from '../../src/core/forwardPath.ts';
import { at } from '../../src/core/tensor.ts';
import type { Place } from './pathSteps.ts';

/** An operand of a formula, and its place on the forward path, if it is on it. */
export interface Part {
  /** Role in the formula: "x", "weight", "mean", … */
  readonly role: PartRole;
  readonly value: number;
  readonly place: Place | null;
}
/** Roles of operands. */
export type PartRole =
  | 'x'
  | 'other'
  | 'factor'
  | 'mean'
  | 'divisor'
  | 'weight'
  | 'bias'
  | 'cos'
  | 'sin'
  | 'limit'
  | 'low'
  | 'max'
  | 'sum'
  | 'score'
  | 'sink'
  | 'length'
  | 'rate'
  | 'deviation';

/** One product of a sum. */
export interface Term {
  /** Index among the numbers summed over: dimension, neuron, key or expert. */
  readonly index: number;
  readonly left: number;
  readonly right: number;
  readonly product: number;
  /** Place of the left factor. */
  readonly place: Place | null;
}

/** Kinds of `Making` that say where a number comes from, and not how it is computed. */
type OriginKind = 'given' | 'ofLayer' | 'perLayer' | 'state' | 'shareOfStreams' | 'sharedExpert' | 'row' | 'sinusoid' | 'lengths';

/** How one number of a stage is computed from others, in float64 from the numbers shown. */
export type Arithmetic =
  /** Not computed on this path: a row of a table, the residual stream, or one of its lengths. */
  | { readonly kind: 'origin'; readonly made: Extract<Making, { readonly kind: OriginKind }> }
  /** Copy of another number on the path. `place` is null if that belongs to another head. */
  | { readonly kind: 'same'; readonly place: Place | null; readonly head: number | null }
  | { readonly kind: 'masked'; readonly why: 'after' | 'window' | 'cut' }
  | {
      readonly kind: 'formula';
      readonly formula: FormulaName;
      readonly activation?: Activation;
      readonly parts: readonly Part[];
      readonly total: number;
    }
  | {
      readonly kind: 'sum';
      readonly terms: readonly Term[];
      readonly rest: { readonly count: number; readonly sum: number };
      readonly bias: number | null;
      readonly extra: { readonly left: number; readonly right: number } | null;
      readonly total: number;
    };
/** Kinds of `Making` with a formula of their own. */
export type FormulaName =
  | 'scaled'
  | 'scaledEach'
  | 'moved'
  | 'sum'
  | 'norm'
  | 'clip'
  | 'rotated'
  | 'capped'
  | 'biased'
  | 'softmax'
  | 'activation'
  | 'product'
  | 'shares'
  | 'softmaxEach'
  | 'xielu'
  | 'unit'
  | 'softplus'
  | 'decay'
  | 'above';

/** Number of products shown individually; the others are added up. */
export const SHOWN_TERMS = 8;

/** Arithmetic of one number. `sum` is needed for a stage computed by a matrix: null while it is not there yet. */
export function arithmeticOf(path: ForwardPath, { stage: name, index }: Place, sum: WeightedSum | null): Arithmetic | null {
  const stage = stageOf(path.stages, name);
  const { made } = stage;
  switch (made.kind) {
    case 'given':
    case 'ofLayer':
    case 'perLayer':
    case 'state':
    case 'shareOfStreams':
    case 'sharedExpert':
    case 'row':
    case 'sinusoid':
    case 'lengths':
      return { kind: 'origin', made };
    case 'linear':
      return sum === null ? null : sumOf(products(sum.inputs, sum.weights, made.of), sum.bias, null);
    case 'part':
      return { kind: 'same', place: { stage: made.of, index: made.from + index }, head: null };
    case 'concatenated': {
      const first = stageOf(path.stages, made.of).values.length;
      return { kind: 'same', place: index < first ? { stage: made.of, index } : { stage: made.with, index: index - first }, head: null };
    }
    case 'heads': {
      const width = stage.values.length / made.heads;
      const head = Math.floor(index / width);
      return { kind: 'same', place: head === made.head ? { stage: made.of, index: index % width } : null, head };
    }
    case 'chosen':
      return { kind: 'same', place: { stage: made.of, index: at(stage.ids ?? [], index) }, head: null };
    case 'dots': {
      const q = stageOf(path.stages, made.of).values;
      return sumOf(products(q, made.rows.subarray(index * q.length, (index + 1) * q.length), made.of), null, null);
    }
    case 'weighted':
      return sumOf(products(stageOf(path.stages, made.of).values, column(made.rows, stage.values.length, index), made.of), null, null);
    case 'convolved': {
      const width = stage.values.length;
      const size = made.kernel.length / width;
      const kernel = made.kernel.subarray(index * size, (index + 1) * size);
      const terms = products(column(made.window, width, index), kernel, made.of);
      // Of the tokens before, another path tells how their numbers were made.
      const placed = terms.map((term) => ({ ...term, place: term.index === size - 1 ? { stage: made.of, index } : null }));
      return sumOf(placed, made.bias === null ? null : at(made.bias, index), null);
    }
    case 'outer': {
      const { row, column: place } = stateCell(path.stages, index);
      const part = (role: PartRole, name: StageName, i: number): Part => ({
        role,
        value: at(stageOf(path.stages, name).values, i),
        place: { stage: name, index: i },
      });
      const parts = [part('x', made.of, index), part('factor', made.left, row), part('other', made.right, place)] as const;
      const [before, key, written] = parts;
      return { kind: 'formula', formula: 'sum', parts, total: before.value + key.value * written.value };
    }
    case 'mixture': {
      const own = stageOf(path.stages, made.of).values;
      const weights = made.unweighted === true ? own.map(() => 1) : own;
      const gate = made.gate === null ? 1 : at(stageOf(path.stages, made.gate).values, 0);
      const extra = made.shared === null ? null : { left: gate, right: at(made.shared, index) };
      return sumOf(products(weights, column(made.rows, stage.values.length, index), made.of), null, extra);
    }
    case 'masked':
      return at(stage.values, index) === -Infinity
        ? { kind: 'masked', why: made.cut.includes(index) ? 'cut' : index > made.last ? 'after' : 'window' }
        : { kind: 'same', place: { stage: made.of, index }, head: null };
    default:
      return formulaOf(path, made, index);
  }
}

type FormulaMaking = Extract<Making, { readonly kind: FormulaName }>;

function formulaOf(path: ForwardPath, made: FormulaMaking, index: number): Arithmetic {
  const valueAt = (name: StageName, i: number): number => at(stageOf(path.stages, name).values, i);
  const part = (role: PartRole, value: number, place: Place | null = null): Part => ({ role, value, place });
  const own = (role: PartRole, name: StageName, i: number): Part => part(role, valueAt(name, i), { stage: name, index: i });
  const formula = (parts: readonly Part[], total: number): Arithmetic => ({ kind: 'formula', formula: made.kind, parts, total });
  const x = made.kind === 'norm' && made.whole !== undefined ? at(made.whole, (made.from ?? 0) + index) : valueAt(made.of, index);
  const from = part('x', x, { stage: made.of, index });
  switch (made.kind) {
    case 'scaled':
      return formula([from, part('factor', made.factor)], x * made.factor);
    case 'scaledEach':
      return formula([from, part('factor', at(made.factors, index))], x * at(made.factors, index));
    case 'moved': {
      const added = at(made.shifts, index);
      return formula([from, part('factor', made.factor), part('bias', added)], x * made.factor + added);
    }
    case 'sum': {
      const other = own('other', made.with, index);
      return formula([from, other, ...(made.factor === 1 ? [] : [part('factor', made.factor)])], x + made.factor * other.value);
    }
    case 'norm': {
      const weight = made.weight === null ? 1 : at(made.weight, index);
      const bias = made.bias === null ? 0 : at(made.bias, index);
      const parts = [
        from,
        ...(made.form === 'layer' ? [part('mean', made.mean)] : []),
        part('divisor', made.divisor),
        ...(made.weight === null ? [] : [part('weight', weight)]),
        ...(made.bias === null ? [] : [part('bias', bias)]),
      ];
      return formula(parts, ((x - made.mean) / made.divisor) * weight + bias);
    }
    case 'clip':
      return formula(
        [from, ...(Number.isFinite(made.low) ? [part('low', made.low)] : []), part('limit', made.high)],
        Math.max(made.low, Math.min(made.high, x)),
      );
    case 'rotated': {
      const partner = at(made.partner, index);
      if (partner === index) return { kind: 'same', place: { stage: made.of, index }, head: null };
      const other = own('other', made.of, partner);
      const [cos, sin] = [at(made.cos, index), at(made.sin, index)];
      return formula([from, part('cos', cos), other, part('sin', sin)], x * cos + other.value * sin);
    }
    case 'capped':
      return formula([from, part('limit', made.limit)], made.limit * Math.tanh(x / made.limit));
    case 'biased':
      return formula([from, part('bias', at(made.bias, index))], x + at(made.bias, index));
    case 'softmax':
      return formula(
        [
          part('score', x, { stage: made.of, index }),
          part('max', made.max),
          part('sum', made.sum),
          ...(made.sink === null ? [] : [part('sink', made.sink)]),
        ],
        Math.exp(x - made.max) / made.sum,
      );
    case 'softmaxEach': {
      const [max, sum] = [at(made.max, index), at(made.sum, index)];
      const parts = [part('score', x, { stage: made.of, index }), part('max', max), part('sum', sum)];
      return { kind: 'formula', formula: 'softmax', parts, total: Math.exp(x - max) / sum };
    }
    case 'unit':
      return formula(
        [from, part('length', made.length), ...(made.factor === 1 ? [] : [part('factor', made.factor)])],
        (x / made.length) * made.factor,
      );
    case 'above': {
      const parts = [from, part('mean', made.mean), part('factor', made.deviations), part('deviation', made.deviation)];
      return formula(parts, Math.max(0, x - made.mean - made.deviations * made.deviation));
    }
    case 'softplus':
      return formula([from], softplusOf(x));
    case 'decay':
      return formula([from, part('rate', made.rate)], Math.exp(-made.rate * x));
    case 'xielu':
      return { kind: 'formula', formula: 'xielu', parts: [from], total: xielu(x, made) };
    case 'activation':
      return { kind: 'formula', formula: 'activation', activation: made.activation, parts: [from], total: activate(made.activation, x) };
    case 'product': {
      const other = own('other', made.with, index);
      return formula([from, other, ...(made.plus === 0 ? [] : [part('bias', made.plus)])], x * (other.value + made.plus));
    }
    case 'shares':
      return formula(
        [from, part('sum', made.sum), ...(made.factor === 1 ? [] : [part('factor', made.factor)])],
        (x / made.sum) * made.factor,
      );
  }
}

function products(left: Float32Array, right: Float32Array, of: StageName): readonly Term[] {
  return Array.from(left, (value, index) => ({
    index,
    left: value,
    right: at(right, index),
    product: value * at(right, index),
    place: { stage: of, index },
  }));
}

function column(rows: Float32Array, width: number, index: number): Float32Array {
  return Float32Array.from({ length: rows.length / width }, (_, row) => at(rows, row * width + index));
}

function sumOf(terms: readonly Term[], bias: number | null, extra: { readonly left: number; readonly right: number } | null): Arithmetic {
  const taking = terms
    .filter(({ product }) => product !== 0)
    .toSorted((a, b) => Math.abs(b.product) - Math.abs(a.product) || a.index - b.index);
  const rest = taking.slice(SHOWN_TERMS);
  const added = terms.reduce((sum, { product }) => sum + product, 0);
  const restSum = rest.reduce((sum, { product }) => sum + product, 0);
  return {
    kind: 'sum',
    terms: taking.slice(0, SHOWN_TERMS),
    rest: { count: terms.length - Math.min(SHOWN_TERMS, taking.length), sum: restSum },
    bias,
    extra,
    total: added + (bias ?? 0) + (extra === null ? 0 : extra.left * extra.right),
  };
}

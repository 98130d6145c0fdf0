import {
  afterStep,
  cutsIn,
  headSteps,
  mlpSteps,
  neuronFactors,
  NO_CHANGE,
  onlyKey,
  patternOf,
  residualSteps,
  type Change,
  type LayerCuts,
  type OutputStep,
} from '../../core/interventions.ts';
import type { KeyWindow } from '../../core/keyWindow.ts';
import type { Recipe } from '../../core/run.ts';
import { at } from '../../core/tensor.ts';
import { attentionsOf } from '../families/mixers.ts';
import { ofLayer, type Block, type DecoderSpec } from '../families/spec.ts';
import type { Table } from './inputs.ts';
import { neuronsOf } from './mlp.ts';
import { DATA_TYPE, type OnnxGraph } from './onnx.ts';
import { MASKED, type Span } from './positionsGraph.ts';

/** What is done to outputs, one row a position: y = factors * x + shifts. Without a recipe 1 and 0, of length 1 along each axis. */
export interface Changes {
  readonly factors: string;
  readonly shifts: string;
}

/** Values through which a recipe acts on a layer. Without one they change no number. */
export interface Interventions {
  /** [heads, 1 or T, 1] and [1 or heads, 1 or T, 1 or valueDim], of each head's output before the projection. */
  readonly heads: Changes;
  /** [1 or T, 1] and [1 or T, 1 or D], of the MLP's output. */
  readonly mlp: Changes;
  /** The same of the residual after the layer. */
  readonly residual: Changes;
  /** [1, 1 or neurons] */
  readonly neuronFactors: string;
  /** [heads, 1, 1], factor of q . k: the layer's own, or 0. */
  readonly scoreScales: string;
  /** [heads, 1, 1]: 1, or 0 where a head's scores are none of its own; null where only those are scores. */
  readonly ownScores: string | null;
  /** [1 or heads, 1 or T, 1 or S] upper limit of the mask: 0, or lowest where the query does not see the key. */
  readonly cut: string;
}

/** Names of the inputs, each of all layers one after another along the first axis: a short run takes longer by each input. */
type InputName =
  | 'headFactors'
  | 'headShifts'
  | 'mlpFactors'
  | 'mlpShifts'
  | 'residualFactors'
  | 'residualShifts'
  | 'neuronFactors'
  | 'scoreScales'
  | 'ownScores';

/**
 * Declares the inputs of a graph of layers `from` to `to` - 1, and returns the values of each layer. Besides those named above `cut`
 * [N, 1 or heads, 1 or T, 1 or S], the different tables of the layers, and `cutOf` int32 [layers], which of them is a layer's.
 */
export function interventionInputs(graph: OnnxGraph, spec: DecoderSpec, from: number, to: number): readonly Interventions[] {
  const layers = to - from;
  const { heads } = spec;
  // Names of their own: the runtime reuses buffers of dimensions that have the same name.
  const each = (name: InputName, ...dims: readonly (number | null)[]): readonly string[] => {
    const input = graph.input(
      name,
      DATA_TYPE.float32,
      dims.map((size, axis) => size ?? `${name} ${axis}`),
    );
    const own = layers === 1 ? [input] : graph.ops('Split', [input], layers, { axis: { int: 0 }, num_outputs: { int: layers } });
    for (const value of own) graph.narrow(value);
    return own;
  };
  const headFactors = each('headFactors', layers * heads, null, 1);
  const headShifts = each('headShifts', null, null, null);
  const mlpFactors = each('mlpFactors', null, 1);
  const mlpShifts = each('mlpShifts', null, null);
  const residualFactors = each('residualFactors', null, 1);
  const residualShifts = each('residualShifts', null, null);
  const neurons = each('neuronFactors', layers, null);
  const scoreScales = each('scoreScales', layers * heads, 1, 1);
  const ownScores = hasOtherScores(spec) ? each('ownScores', layers * heads, 1, 1) : null;
  const cut = graph.input('cut', DATA_TYPE.float32, ['cuts', 'cut heads', 'cut queries', 'cut keys']);
  const cutOf = graph.input('cutOf', DATA_TYPE.int32, [layers]);
  const itemOf = (input: string, index: string): string => graph.op('Gather', [input, index], { axis: { int: 0 } });
  const widest = mostNeurons(spec);
  const widestValue = Math.max(...spec.blocks.map((_, layer) => ofLayer(spec, layer).valueDim));
  return Array.from({ length: layers }, (_, index) => {
    const of = (values: readonly string[]): string => values[index] ?? '';
    const width = neuronsIn(spec, from + index);
    const { valueDim } = ofLayer(spec, from + index);
    return {
      heads: {
        factors: of(headFactors),
        shifts: valueDim === widestValue ? of(headShifts) : firstColumns(graph, of(headShifts), valueDim, 2),
      },
      mlp: { factors: of(mlpFactors), shifts: of(mlpShifts) },
      residual: { factors: of(residualFactors), shifts: of(residualShifts) },
      neuronFactors: width === null || width === widest ? of(neurons) : firstColumns(graph, of(neurons), width),
      scoreScales: of(scoreScales),
      ownScores: ownScores === null ? null : of(ownScores),
      cut: graph.narrow(itemOf(cut, itemOf(cutOf, graph.index(index)))),
    };
  });
}

function firstColumns(graph: OnnxGraph, value: string, count: number, axis = 1): string {
  return graph.narrow(graph.op('Slice', [value, graph.ints(0), graph.ints(count), graph.ints(axis)]));
}

/** Adds what is done to outputs. */
export function changed(graph: OnnxGraph, value: string, { factors, shifts }: Changes): string {
  return graph.op('Add', [graph.op('Mul', [value, factors]), shifts]);
}

/** Whether scores are more than those of queries and keys: biases, or sinks. */
export function hasOtherScores({ positions, blocks }: DecoderSpec): boolean {
  return positions.kind === 'alibi' || attentionsOf(blocks).some(({ sinks }) => sinks !== null);
}

/** Neurons of a layer's MLP; null: it has experts. */
function neuronsIn({ blocks }: DecoderSpec, layer: number): number | null {
  const block = blocks[layer];
  return block === undefined ? null : neuronsOf(block.mlp);
}

function mostNeurons(spec: DecoderSpec): number {
  return Math.max(1, ...spec.blocks.map((_, layer) => neuronsIn(spec, layer) ?? 1));
}

/** Declares the input `cut` of one layer alone, for a graph of attention weights. */
export function cutInput(graph: OnnxGraph): string {
  return graph.input('cut', DATA_TYPE.float32, ['cut heads', 'cut queries', 'cut keys']);
}

/** Rows of a mask: their first position, and the columns in which keys lie. */
export interface MaskRows {
  readonly first: number;
  readonly count: number;
  readonly columns: number;
  columnOf(key: number): number;
}

/** Rows of the mask of a span. */
export function spanRows({ past, room, tokens }: Span): MaskRows {
  return { first: past, count: tokens, columns: room + tokens, columnOf: (key) => (key < past ? key : room + key - past) };
}

/** The one row of query `query`, whose keys lie in the first of `columns` columns. */
export function queryRow(query: number, columns: number): MaskRows {
  return { first: query, count: 1, columns, columnOf: (key) => key };
}

/** Values of `interventionInputs` for the graph of layers `from` to `to` - 1, whose tokens are those of `rows`. */
export function interventionTables(
  spec: DecoderSpec,
  recipe: Recipe,
  from: number,
  to: number,
  rows: MaskRows,
): Readonly<Partial<Record<InputName, Table>> & CutTables> {
  const { heads, blocks } = spec;
  const layers = Array.from({ length: to - from }, (_, index) => from + index);
  const changes = (name: 'head' | 'mlp' | 'residual', units: number, stepsOf: (layer: number) => readonly OutputStep[], flat: boolean) => {
    const tables = layers.map((layer) => changeTables(stepsOf(layer), units, rows));
    const all = (part: readonly Table[]): Table => (flat ? withoutUnits(joined(part)) : joined(part));
    return {
      [`${name}Factors`]: all(tables.map(({ factors }) => factors)),
      [`${name}Shifts`]: all(tables.map(({ shifts }) => shifts)),
    };
  };
  const byHead = (numberOf: (layer: number, head: number) => number): Table => ({
    dims: [layers.length * heads, 1, 1],
    data: Float32Array.from({ length: layers.length * heads }, (_, i) => numberOf(from + Math.floor(i / heads), i % heads)),
  });
  const own = (layer: number, head: number): number => Number(patternOf(recipe, layer, head) === 'own');
  return {
    ...changes('head', heads, (layer) => headSteps(recipe, layer), false),
    ...changes('mlp', 1, (layer) => mlpSteps(recipe, layer), true),
    ...changes('residual', 1, (layer) => residualSteps(recipe, layer + 1), true),
    neuronFactors: neuronTable(
      layers.map((layer) => neuronFactors(recipe, layer)),
      mostNeurons(spec),
    ),
    scoreScales: byHead((layer, head) => scaleOf(blocks[layer]) * own(layer, head)),
    ...(hasOtherScores(spec) ? { ownScores: byHead(own) } : {}),
    ...cutTables(spec, recipe, from, to, rows),
  };
}

/** Of a layer without attention nothing reads it. */
function scaleOf(block: Block | undefined): number {
  return block?.attention.kind === 'attention' ? block.attention.scale : 1;
}

function windowOf(block: Block | undefined): KeyWindow {
  return block?.attention.kind === 'attention' ? block.attention.window : null;
}

interface CutTables {
  readonly cut: Table;
  readonly cutOf: { readonly dims: readonly number[]; readonly data: Int32Array };
}

function cutTables(spec: DecoderSpec, recipe: Recipe, from: number, to: number, rows: MaskRows): CutTables {
  const different = differentCuts(spec, recipe, from, to);
  const {
    dims: [planes = 0, ...size],
    data,
  } = joined(different.map(({ cuts }) => cutTable(cuts, rows, spec.heads)));
  const cutOf = Int32Array.from({ length: to - from }, (_, index) => different.findIndex(({ layers }) => layers.has(from + index)));
  return {
    cut: { dims: [different.length, planes / different.length, ...size], data },
    cutOf: { dims: [to - from], data: cutOf },
  };
}

/** What is cut in layers `from` to `to` - 1: each once, with the layers that it is of. */
function differentCuts(
  { blocks }: DecoderSpec,
  recipe: Recipe,
  from: number,
  to: number,
): readonly { readonly cuts: LayerCuts; readonly layers: Set<number> }[] {
  const found = new Map<string, { readonly cuts: LayerCuts; readonly layers: Set<number> }>();
  for (let layer = from; layer < to; layer++) {
    const all = cutsIn(recipe, layer, windowOf(blocks[layer]));
    const cuts = isWithout(all) ? NO_CUTS : all;
    const key = JSON.stringify(cuts);
    const known = found.get(key) ?? { cuts, layers: new Set() };
    found.set(key, known);
    known.layers.add(layer);
  }
  return [...found.values()];
}

/** The window matters to a head that sees the token before alone, and to nothing else that is cut. */
const NO_CUTS: LayerCuts = { cuts: [], previous: [], window: null };

function isWithout({ cuts, previous }: LayerCuts): boolean {
  return cuts.length === 0 && previous.length === 0;
}

/** Most bytes of one value of `cut`. */
const MOST_CUT_BYTES = 64 * 1024 * 1024;

/** The most tokens at once, of a text of `tokens`, for which the tables of what a recipe cuts in these layers stay small; at least 1. */
export function tokensCutAtOnce(spec: DecoderSpec, recipe: Recipe, from: number, to: number, tokens: number): number {
  const different = differentCuts(spec, recipe, from, to).map(({ cuts }) => cuts);
  if (different.every(isWithout)) return Infinity;
  const isByHead = different.some(({ cuts, previous }) => previous.length > 0 || cuts.some(({ head }) => head !== null));
  const planes = isByHead ? spec.heads : 1;
  return Math.max(1, Math.floor(MOST_CUT_BYTES / (Float32Array.BYTES_PER_ELEMENT * different.length * planes * tokens)));
}

/** [units, 1 or T, 1] factors and [1 or units, 1 or T, 1 or width] shifts of a layer's outputs. */
function changeTables(
  steps: readonly OutputStep[],
  units: number,
  { first, count }: MaskRows,
): { readonly factors: Table; readonly shifts: Table } {
  const here = steps.filter((step) => step.first < first + count && step.end > first);
  const length = here.some((step) => step.first > first || step.end < first + count) ? count : 1;
  const changes: Change[] = Array.from({ length: units * length }, () => NO_CHANGE);
  for (const step of here) {
    const [from, to] = [Math.max(0, step.first - first), Math.min(length, step.end - first)];
    for (let place = step.unit * length + from; place < step.unit * length + to; place++)
      changes[place] = afterStep(changes[place] ?? NO_CHANGE, step);
  }
  const factors = { dims: [units, length, 1], data: Float32Array.from(changes, ({ factor }) => factor) };
  const width = changes.find(({ shift }) => shift !== null)?.shift?.length ?? null;
  if (width === null) return { factors, shifts: { dims: [1, 1, 1], data: Float32Array.of(0) } };
  const shifts = new Float32Array(changes.length * width);
  for (const [place, { shift }] of changes.entries()) if (shift !== null) shifts.set(shift, place * width);
  return { factors, shifts: { dims: [units, length, width], data: shifts } };
}

/** [layers, 1 or neurons] */
function neuronTable(layers: readonly ReadonlyMap<number, number>[], width: number): Table {
  if (layers.every(({ size }) => size === 0)) return { dims: [layers.length, 1], data: new Float32Array(layers.length).fill(1) };
  const data = new Float32Array(layers.length * width).fill(1);
  for (const [index, factors] of layers.entries()) for (const [neuron, factor] of factors) data[index * width + neuron] = factor;
  return { dims: [layers.length, width], data };
}

/** [n, T, width] of one unit a layer, without the axis of units. */
function withoutUnits({ dims: [layers = 0, length = 0, width = 0], data }: Table): Table {
  return { dims: [layers * length, width], data };
}

/** Tables of [., 1 or T, 1 or S] one after another, those of fewer units, rows or columns repeated where others have more. */
function joined(tables: readonly Table[]): Table {
  const dims = [0, 1, 2].map((axis) => Math.max(...tables.map((table) => at(table.dims, axis))));
  const [units = 1, rows = 1, columns = 1] = dims;
  const size = units * rows * columns;
  const data = new Float32Array(tables.length * size);
  for (const [index, table] of tables.entries()) {
    const [ownUnits = 1, ownRows = 1, ownColumns = 1] = table.dims;
    const place = index * size;
    if (table.data.length === 1) data.fill(at(table.data, 0), place, place + size);
    else if (ownRows === rows && ownColumns === columns)
      for (let unit = 0; unit < units; unit += ownUnits) data.set(table.data, place + unit * rows * columns);
    else
      for (let i = 0; i < size; i++) {
        const [unit, row, column] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
        data[place + i] = at(table.data, ((unit % ownUnits) * ownRows + (row % ownRows)) * ownColumns + (column % ownColumns));
      }
  }
  return { dims: [tables.length * units, rows, columns], data };
}

const NOTHING_CUT: Table = { dims: [1, 1, 1], data: Float32Array.of(0) };

/** The value of `cut` for all of `heads` heads; `only`: for this one alone. */
export function cutTable(layer: LayerCuts, rows: MaskRows, heads: number, only: number | null = null): Table {
  const { first, count, columns, columnOf } = rows;
  const here = layer.cuts.filter(
    ({ head, query, key }) =>
      (only === null || head === null || head === only) &&
      key < first + count &&
      (query === null || (query >= first && query < first + count)),
  );
  const previous = layer.previous.filter((head) => only === null || head === only);
  if (here.length === 0 && previous.length === 0) return NOTHING_CUT;
  const planes = only === null && (previous.length > 0 || here.some(({ head }) => head !== null)) ? heads : 1;
  const data = new Float32Array(planes * count * columns);
  for (const { head, query, key } of here) {
    for (let plane = 0; plane < planes; plane++) {
      if (planes > 1 && head !== null && head !== plane) continue;
      // The token itself still sees its key.
      const [from, to] = query === null ? [Math.max(first, key + 1), first + count] : [query, query + 1];
      for (let row = from; row < to; row++) data[(plane * count + row - first) * columns + columnOf(key)] = MASKED;
    }
  }
  for (const head of previous) {
    for (let row = 0; row < count; row++) {
      const start = ((planes > 1 ? head : 0) * count + row) * columns;
      data.fill(MASKED, start, start + columns);
      data[start + columnOf(onlyKey(layer, head, first + row))] = 0;
    }
  }
  return { dims: [planes, count, columns], data };
}

import type { DeltaNet, Recurrence, ShortConvolution } from '../families/spec.ts';
import { runMamba } from './mambaGraph.ts';
import { normalize, project } from './norm.ts';
import { DATA_TYPE, type OnnxGraph } from './onnx.ts';
import {
  convolve,
  linearAttention,
  silu,
  unsqueezed,
  type LinearAttentionValues,
  type PastState,
  type RecurrenceValues,
} from './stateOperators.ts';

// Layers that carry the text before a token in a state: operators of the runtime's own compute them token by token.

/** What is added to a sum of squares before queries and keys are divided by its root. */
const LENGTH_EPSILON = 1e-6;

/** Sizes of what such a layer keeps of the tokens before. */
export function stateSizes(mixer: Recurrence): { readonly window: readonly number[]; readonly state: readonly number[] | null } {
  const { size, channels } = mixer.convolution;
  return {
    window: [1, size - 1, channels],
    state: stateMatrices(mixer),
  };
}

function stateMatrices(mixer: Recurrence): readonly number[] | null {
  if (mixer.kind === 'shortConvolution') return null;
  return mixer.kind === 'mamba' ? [1, mixer.heads, mixer.stateDim, mixer.headDim] : [1, mixer.valueHeads, mixer.keyDim, mixer.valueDim];
}

/** Numbers that such a layer keeps of the tokens before, however many they are. */
export function stateNumbers(mixer: Recurrence): number {
  const { window, state } = stateSizes(mixer);
  const count = (dims: readonly number[] | null): number => (dims ?? [0]).reduce((product, size) => product * size, 1);
  return count(window) + count(state);
}

/** Declares the inputs `pastWindow.l` and, where there is one, `pastState.l` of layer l. */
export function stateInputs(graph: OnnxGraph, layer: number, mixer: Recurrence): PastState {
  const { window, state } = stateSizes(mixer);
  return {
    window: graph.input(`pastWindow.${layer}`, DATA_TYPE.float32, window),
    state: state === null ? null : graph.input(`pastState.${layer}`, DATA_TYPE.float32, state),
  };
}

/** One layer without attention. x [T, D], normed. */
export function recur(graph: OnnxGraph, x: string, past: PastState, mixer: Recurrence): RecurrenceValues {
  if (mixer.kind === 'shortConvolution') return shortConvolution(graph, x, past.window, mixer);
  if (mixer.kind === 'mamba') return runMamba(graph, x, past, mixer);
  const parts = deltaParts(graph, x, past.window, mixer);
  const { valueHeads, valueDim } = mixer;
  const [read = '', state = ''] = linearAttention(graph, { ...parts, state: past.state ?? '' }, deltaReading(mixer));
  const heads = graph.op('Reshape', [graph.name('stateRead', read), graph.ints(-1, valueHeads, valueDim)]);
  const gate = graph.op('Reshape', [parts.gate, graph.ints(-1, valueHeads, valueDim)]);
  const opened = graph.name('readGateActivated', silu(graph, gate));
  const gated = graph.name('readGated', graph.op('Mul', [graph.name('readNormed', normalize(graph, heads, mixer.norm)), opened]));
  const joined = graph.op('Reshape', [gated, graph.ints(-1, valueHeads * valueDim)]);
  return { output: project(graph, joined, mixer.output), own: { window: parts.window, state } };
}

function shortConvolution(graph: OnnxGraph, x: string, past: string, { input, convolution, output }: ShortConvolution): RecurrenceValues {
  const { before, after, value } = shortParts(graph, x, input);
  const read = graph.name('convolutionInput', graph.op('Mul', [before, value]));
  const [mixed, window] = convolve(graph, read, past, convolution, 'none');
  const y = project(graph, graph.name('readGated', graph.op('Mul', [after, graph.name('convolved', mixed)])), output);
  return { output: y, own: { window, state: null } };
}

/** [T, D] each: the gates before and after the convolution, and what it reads. */
export function shortParts(
  graph: OnnxGraph,
  x: string,
  input: ShortConvolution['input'],
): { readonly before: string; readonly after: string; readonly value: string } {
  const [before = '', after = '', value = ''] = graph.ops('Split', [project(graph, x, input)], 3, {
    axis: { int: -1 },
    num_outputs: { int: 3 },
  });
  return { before: graph.name('openingGate', before), after: graph.name('readGate', after), value: graph.name('openedValue', value) };
}

/** Values that a gated delta net's recurrence reads: queries and keys of length 1 in each head. */
interface DeltaParts extends Omit<LinearAttentionValues, 'state'> {
  /** [T, valueHeads * valueDim] */
  readonly gate: string;
  readonly window: string;
}

/** How a gated delta net's recurrence is read. */
export function deltaReading({ valueHeads, keyDim }: DeltaNet): { readonly heads: number; readonly scale: number } {
  return { heads: valueHeads, scale: keyDim ** -0.5 };
}

/** What the recurrence of a gated delta net reads. x [T, D], normed. */
export function deltaParts(graph: OnnxGraph, x: string, past: string, mixer: DeltaNet): DeltaParts {
  const { keyHeads, valueHeads, keyDim, valueDim } = mixer;
  const flat = projectDelta(graph, x, mixer);
  const [found, window] = convolve(graph, graph.name('convolutionInput', flat.qkv), past, mixer.convolution, 'silu');
  const mixed = graph.name('convolved', found);
  const keys = keyHeads * keyDim;
  const [q = '', k = '', v = ''] = graph.ops('Split', [mixed, graph.ints(keys, keys, valueHeads * valueDim)], 3, { axis: { int: -1 } });
  const repeated = valueHeads / keyHeads;
  const unit = (value: string): string => {
    const heads = graph.op('Reshape', [value, graph.ints(-1, keyHeads, keyDim)]);
    const square = graph.op('ReduceSum', [graph.op('Mul', [heads, heads]), graph.ints(-1)], { keepdims: { int: 1 } });
    const length = graph.op('Sqrt', [graph.op('Add', [square, graph.float(LENGTH_EPSILON)])]);
    const own = graph.op('Div', [heads, length]);
    const all = repeated === 1 ? own : graph.op('Expand', [graph.op('Unsqueeze', [own, graph.ints(2)]), graph.ints(1, 1, repeated, 1)]);
    return graph.op('Reshape', [all, graph.ints(1, -1, valueHeads * keyDim)]);
  };
  const biased = graph.op('Add', [graph.name('decayInput', flat.decay), graph.weight(mixer.stepBias)]);
  const step = graph.name('decayStep', graph.op('Softplus', [biased]));
  const rate = graph.op('Neg', [graph.op('Exp', [graph.weight(mixer.rateLog)])]);
  return {
    q: unit(q),
    k: unit(k),
    v: unsqueezed(graph, v),
    decay: unsqueezed(graph, graph.op('Mul', [step, rate])),
    strength: unsqueezed(graph, graph.name('strength', graph.op('Sigmoid', [graph.name('strengthLogit', flat.strength)]))),
    gate: graph.name('readGate', flat.gate),
    window,
  };
}

/** Queries, keys and values side by side, all heads of each together; gates; strengths and decays [T, valueHeads] as they are computed. */
function projectDelta(
  graph: OnnxGraph,
  x: string,
  { projections, keyHeads, valueHeads, keyDim, valueDim }: DeltaNet,
): { readonly qkv: string; readonly gate: string; readonly strength: string; readonly decay: string } {
  if (projections.kind === 'separate')
    return {
      qkv: project(graph, x, projections.qkv),
      gate: project(graph, x, projections.gate),
      strength: project(graph, x, projections.strength),
      decay: project(graph, x, projections.decay),
    };
  const perKey = valueHeads / keyHeads;
  const widths = [keyDim, keyDim, perKey * valueDim, perKey * valueDim] as const;
  const grouped = graph.op('Reshape', [
    project(graph, x, projections.all),
    graph.ints(
      -1,
      keyHeads,
      widths.reduce((sum, width) => sum + width, 0),
    ),
  ]);
  const [q = '', k = '', v = '', gate = ''] = graph
    .ops('Split', [grouped, graph.ints(...widths)], 4, { axis: { int: -1 } })
    .map((part, index) => graph.op('Reshape', [part, graph.ints(-1, keyHeads * (widths[index] ?? 0))]));
  const rates = graph.op('Reshape', [project(graph, x, projections.rates), graph.ints(-1, keyHeads, 2 * perKey)]);
  const [strength = '', decay = ''] = graph
    .ops('Split', [rates, graph.ints(perKey, perKey)], 2, { axis: { int: -1 } })
    .map((part) => graph.op('Reshape', [part, graph.ints(-1, valueHeads)]));
  return { qkv: graph.op('Concat', [q, k, v], { axis: { int: -1 } }), gate, strength, decay };
}

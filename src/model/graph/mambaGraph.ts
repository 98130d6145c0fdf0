import type { Mamba } from '../families/spec.ts';
import { normalize, project, scaleBy } from './norm.ts';
import type { OnnxGraph } from './onnx.ts';
import {
  convolve,
  linearAttention,
  silu,
  unsqueezed,
  type LinearAttentionValues,
  type PastState,
  type RecurrenceValues,
} from './stateOperators.ts';

/** A Mamba 2 layer. x [T, D], normed. */
export function runMamba(graph: OnnxGraph, x: string, past: PastState, mixer: Mamba): RecurrenceValues {
  const { heads, headDim } = mixer;
  const { values, step, gate, window, ...read } = mambaParts(graph, x, past.window, mixer);
  const v = graph.op('Reshape', [graph.op('Mul', [values, step]), graph.ints(1, -1, heads * headDim)]);
  const [found = '', state = ''] = linearAttention(graph, { ...read, v, state: past.state ?? '' }, { heads, scale: 1 });
  const y = graph.name(
    'readSkipped',
    graph.op('Add', [
      graph.op('Reshape', [graph.name('stateRead', found), graph.ints(-1, heads, headDim)]),
      graph.op('Mul', [values, skipOf(graph, mixer)]),
    ]),
  );
  const joined = graph.op('Reshape', [y, graph.ints(-1, heads * headDim)]);
  return { output: project(graph, gated(graph, joined, gate, mixer), mixer.output), own: { window, state } };
}

/** What a Mamba 2 layer's recurrence reads, but for the values that it adds: those are `values` times `step`. */
interface MambaParts extends Omit<LinearAttentionValues, 'v' | 'state'> {
  /** [T, heads, headDim], x behind the convolution. */
  readonly values: string;
  /** [T, heads, 1], dt. */
  readonly step: string;
  /** [T, heads * headDim] */
  readonly gate: string;
  readonly window: string;
}

/** x [T, D], normed. */
export function mambaParts(graph: OnnxGraph, x: string, past: string, mixer: Mamba): MambaParts {
  const { heads, headDim, groups, stateDim, stepLimit } = mixer;
  const [inner, keys] = [heads * headDim, groups * stateDim];
  const { gate, read, rate } = projected(graph, x, mixer);
  const [found, window] = convolve(graph, graph.name('convolutionInput', read), past, mixer.convolution, 'silu');
  const mixed = graph.name('convolved', found);
  const [values = '', b = '', c = ''] = graph.ops('Split', [mixed, graph.ints(inner, keys, keys)], 3, { axis: { int: -1 } });
  const repeated = (value: string): string => {
    if (groups === heads) return unsqueezed(graph, value);
    const byGroup = graph.op('Reshape', [value, graph.ints(-1, groups, 1, stateDim)]);
    const all = graph.op('Expand', [byGroup, graph.ints(1, 1, heads / groups, 1)]);
    return graph.op('Reshape', [all, graph.ints(1, -1, heads * stateDim)]);
  };
  const raw = graph.name('decayStep', graph.op('Softplus', [graph.op('Add', [rate, graph.weight(mixer.stepBias)])]));
  const [least, most] = stepLimit;
  // A softplus is never below 0.
  const above = least > 0 ? graph.op('Max', [raw, graph.float(least)]) : raw;
  const step = Number.isFinite(most) ? graph.op('Min', [above, graph.float(most)]) : above;
  const decay = graph.op('Mul', [step, graph.op('Neg', [graph.op('Exp', [graph.weight(mixer.rateLog)])])]);
  return {
    q: repeated(c),
    k: repeated(b),
    decay: unsqueezed(graph, decay),
    strength: null,
    values: graph.op('Reshape', [values, graph.ints(-1, heads, headDim)]),
    step: graph.op('Reshape', [step, graph.ints(-1, heads, 1)]),
    gate,
    window,
  };
}

/** [heads, 1], the factor of x in the output. */
export function skipOf(graph: OnnxGraph, { heads, skip }: Mamba): string {
  return graph.op('Reshape', [graph.weight(skip), graph.ints(heads, 1)]);
}

/** The gate; x, B and C side by side as the convolution reads them; and dt before its bias. */
function projected(
  graph: OnnxGraph,
  x: string,
  { heads, headDim, groups, stateDim, input, inputFactors }: Mamba,
): { readonly gate: string; readonly read: string; readonly rate: string } {
  const [inner, keys] = [heads * headDim, groups * stateDim];
  const last = { axis: { int: -1 } };
  const all = graph.name('mambaInput', project(graph, x, input));
  if (inputFactors === null) {
    const [gate = '', read = '', rate = ''] = graph.ops('Split', [all, graph.ints(inner, inner + 2 * keys, heads)], 3, last);
    return { gate, read, rate };
  }
  const [gate = '', value = '', b = '', c = '', rate = ''] = graph
    .ops('Split', [all, graph.ints(inner, inner, keys, keys, heads)], 5, last)
    .map((part, index) => scaleBy(graph, part, inputFactors[index] ?? 1));
  return { gate, read: graph.op('Concat', [value, b, c], last), rate };
}

/** [T, heads * headDim], what was read behind gate and norm. */
function gated(graph: OnnxGraph, y: string, gate: string, { heads, headDim, norm }: Mamba): string {
  const opened = (value: string): string =>
    graph.name('readGated', graph.op('Mul', [value, graph.name('readGateActivated', silu(graph, gate))]));
  if (norm === null) return opened(y);
  const inner = heads * headDim;
  const normed = (value: string): string => {
    const { parts, epsilon, weight } = norm;
    if (parts === 1)
      return graph.name('readNormed', normalize(graph, value, { kind: 'rms', width: inner, weight, offset: 0, bias: null, epsilon }));
    const width = inner / parts;
    const split = graph.op('Reshape', [value, graph.ints(-1, parts, width)]);
    const own = normalize(graph, split, { kind: 'rms', width, weight: null, offset: 0, bias: null, epsilon });
    return graph.name('readNormed', graph.op('Mul', [graph.op('Reshape', [own, graph.ints(-1, inner)]), graph.weight(weight)]));
  };
  return norm.when === 'beforeGate' ? opened(normed(y)) : normed(opened(y));
}

import type { Convolution } from '../families/spec.ts';
import type { OnnxGraph } from './onnx.ts';

// Operators of the runtime's own that go through a text token by token, and what they keep of it.

/** What a layer is given of the tokens before: the last of them as its convolution reads them, and the state behind them. */
export interface PastState {
  /** [1, size - 1, channels] */
  readonly window: string;
  /** [1, heads, keyDim, valueDim], of Mamba 2 [1, heads, stateDim, headDim]; null of a short convolution, which keeps no other. */
  readonly state: string | null;
}

/** Values of one such layer in a graph. */
export interface RecurrenceValues {
  /** [T, D], what the layer adds to the residual. */
  readonly output: string;
  /** The same as it was given, behind these tokens. */
  readonly own: PastState;
}

/** Of x [T, channels]: [T, channels] behind the convolution, and [1, size - 1, channels], what it reads of these tokens for those after. */
export function convolve(
  graph: OnnxGraph,
  x: string,
  past: string,
  { kernel, bias }: Convolution,
  activation: 'none' | 'silu',
): readonly [string, string] {
  const inputs = [unsqueezed(graph, x), graph.weight(kernel), bias === null ? '' : graph.weight(bias), past];
  const [y = '', window = ''] = graph.contribs('CausalConvWithState', inputs, 2, {
    channels_last: { int: 1 },
    ndim: { int: 1 },
    activation: { text: activation },
  });
  return [squeezed(graph, y), window];
}

/** What a recurrence reads, the heads side by side, and its state before these tokens, [1, heads, keyDim, .] or '' for zeros. */
export interface LinearAttentionValues {
  /** [1, T, heads * keyDim] */
  readonly q: string;
  readonly k: string;
  /** [1, T, heads * width] */
  readonly v: string;
  /** [1, T, heads] natural log of the share of the state that stays. */
  readonly decay: string;
  /** [1, T, heads] the share of the way that a value moves towards the token's; null: values are added. */
  readonly strength: string | null;
  readonly state: string;
}

/** [1, T, heads * width of v] what is read, times `scale`, and the state behind these tokens. */
export function linearAttention(
  graph: OnnxGraph,
  { q, k, v, decay, strength, state }: LinearAttentionValues,
  { heads, scale }: { readonly heads: number; readonly scale: number },
): readonly string[] {
  return graph.contribs('LinearAttention', [q, k, v, state, decay, ...(strength === null ? [] : [strength])], 2, {
    q_num_heads: { int: heads },
    kv_num_heads: { int: heads },
    update_rule: { text: strength === null ? 'gated' : 'gated_delta' },
    scale: { float: scale },
  });
}

/** x times its sigmoid. */
export function silu(graph: OnnxGraph, x: string): string {
  return graph.contrib('QuickGelu', [x], { alpha: { float: 1 } });
}

/** [T, n] -> [1, T, n] */
export function unsqueezed(graph: OnnxGraph, x: string): string {
  return graph.op('Unsqueeze', [x, graph.ints(0)]);
}

/** [1, T, n] -> [T, n] */
export function squeezed(graph: OnnxGraph, x: string): string {
  return graph.op('Squeeze', [x, graph.ints(0)]);
}

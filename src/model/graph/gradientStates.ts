import { requireForm, wholeAttribute, floatAttribute, type Rule, type Step } from './gradientRules.ts';
import type { OnnxGraph } from './onnx.ts';
import { linearAttention } from './stateOperators.ts';

// Operators that go through a text token by token: their gradients go through it from its end, by the same operators. What they are given
// of the tokens before, and what they keep for those after, is left out: the text is whole.

/** [1, T, .] with the last token first. */
function reversed(graph: OnnxGraph, x: string): string {
  return graph.op('Slice', [x, graph.ints(-1), graph.ints(-(2 ** 31)), graph.ints(1), graph.ints(-1)]);
}

/** [1, T, .], at each token that of the token before, 0 at the first; or of the token after, 0 at the last. */
function shifted(graph: OnnxGraph, x: string, from: 'before' | 'after'): string {
  const isBefore = from === 'before';
  const padded = graph.op('Pad', [x, isBefore ? graph.ints(0, 1, 0, 0, 0, 0) : graph.ints(0, 0, 0, 0, 1, 0)]);
  const [first, end] = isBefore ? [0, -1] : [1, 2 ** 31 - 1];
  return graph.op('Slice', [padded, graph.ints(first), graph.ints(end), graph.ints(1)]);
}

/** y = act(convolution of x): backwards in time the convolution with the same kernel of what reaches its sum. */
function convolution({
  graph,
  node: { inputs, outputs: values, attributes },
  outputs: [dy = null, window = null],
}: Step): readonly (string | null)[] {
  const { activation } = attributes;
  requireForm(window === null, 'CausalConvWithState', 'of a whole text');
  if (dy === null) return [null];
  const [x = '', kernel = '', bias = '', past = ''] = inputs;
  const plain = { channels_last: { int: 1 }, ndim: { int: 1 }, activation: { text: 'none' } };
  const convolved = (given: readonly string[]): string => graph.contribs('CausalConvWithState', given, 2, plain)[0] ?? '';
  const ofSum = (): string => {
    const share = graph.op('Sigmoid', [convolved([x, kernel, bias, past])]);
    const bent = graph.op('Mul', [values[0] ?? '', graph.op('Sub', [graph.float(1), share])]);
    return graph.op('Mul', [dy, graph.op('Add', [share, bent])]);
  };
  const isSilu = activation !== undefined && 'text' in activation && activation.text === 'silu';
  return [reversed(graph, convolved([reversed(graph, isSilu ? ofSum() : dy), kernel]))];
}

/**
 * S[t] = e^g S[t-1] + k u^T, y = S^T q: of `gated` u is v, of `gated_delta` u = b (v - e^g S[t-1]^T k). With R[t] the gradient of S[t]:
 * du = R^T k =: X, dv = b X =: w (X itself where there is no b), dq = S dy, db = X (v - e^g S[t-1]^T k), dk = R u - e^g S[t-1] w, and dg is
 * the sum, from the token to the text's end, of dy y - dv v, as <R, S> shows. R goes back in time as S goes forward:
 * R[t-1] = e^g (R[t] - k w^T) + q[t-1] dy[t-1]^T.
 */
function linearAttentionRule({ graph, node, outputs: [dy = null, after = null] }: Step): readonly (string | null)[] {
  requireForm(after === null, 'LinearAttention', 'of a whole text');
  if (dy === null) return node.inputs.map(() => null);
  const heads = wholeAttribute(node.attributes, 'q_num_heads', 1);
  const scale = floatAttribute(node.attributes, 'scale', 1);
  const [q = '', k = '', v = '', , g = '', b = ''] = node.inputs;
  const mul = (x: string, y: string): string => graph.op('Mul', [x, y]);
  const sub = (x: string, y: string): string => graph.op('Sub', [x, y]);
  const scaled = (x: string): string => (scale === 1 ? x : mul(x, graph.float(scale)));
  const byHead = (x: string): string => graph.op('Reshape', [x, graph.ints(0, 0, heads, -1)]);
  const dots = (x: string, y: string): string =>
    graph.op('ReduceSum', [mul(byHead(x), byHead(y)), graph.ints(-1)], { keepdims: { int: 0 } });
  /** [1, T, heads * .] times [1, T, heads]. */
  const times = (x: string, factors: string): string =>
    graph.op('Reshape', [mul(byHead(x), graph.op('Unsqueeze', [factors, graph.ints(-1)])), graph.ints(0, 0, -1)]);
  /** What queries read of the sum of keys times values. */
  const forwards = (queries: string, keys: string, values: string, strength: string | null = null): string =>
    linearAttention(graph, { q: queries, k: keys, v: values, decay: g, strength, state: '' }, { heads, scale: 1 })[0] ?? '';
  const backDecay = reversed(graph, shifted(graph, g, 'after'));
  const backwards = (queries: string, keys: string, values: string, strength: string | null = null): string => {
    const given = { q: reversed(graph, queries), k: reversed(graph, keys), v: reversed(graph, values), decay: backDecay, state: '' };
    const back = { ...given, strength: strength === null ? null : reversed(graph, strength) };
    return reversed(graph, linearAttention(graph, back, { heads, scale: 1 })[0] ?? '');
  };
  const wide = scaled(q);
  const asRead = backwards(k, wide, dy);
  const result = ({ u, dv, dk, db }: { readonly u: string; readonly dv: string; readonly dk: string; readonly db: string | null }) => {
    const dq = scaled(forwards(dy, u, k));
    const steps = sub(dots(dy, node.outputs[0] ?? ''), dots(dv, v));
    const dg = graph.op('CumSum', [steps, graph.index(1)], { reverse: { int: 1 } });
    return [dq, dk, dv, null, dg, db];
  };
  if (b === '') return result({ u: v, dv: asRead, dk: backwards(v, dy, wide), db: null });
  const decay = graph.op('Exp', [g]);
  const held = times(shifted(graph, forwards(shifted(graph, k, 'after'), k, v, b), 'before'), decay);
  const missing = sub(v, held);
  const u = times(missing, b);
  const later = shifted(graph, times(backwards(shifted(graph, k, 'before'), k, asRead, b), decay), 'after');
  const x = sub(asRead, later);
  const w = times(x, b);
  const read = sub(sub(backwards(u, dy, wide), backwards(u, w, k)), forwards(w, u, k));
  const own = mul(times(k, dots(u, w)), graph.float(2));
  return result({ u, dv: w, dk: graph.op('Add', [read, own]), db: dots(x, missing) });
}

export const stateRules = { CausalConvWithState: convolution, LinearAttention: linearAttentionRule } as const satisfies Readonly<
  Record<string, Rule>
>;

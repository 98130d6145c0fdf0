import type { HeadNorm, Linear, Norm, Weight } from '../families/spec.ts';
import type { QuantizedMatrix } from '../formats/quantized.ts';
import type { OnnxGraph } from './onnx.ts';

/** Normalises x [..., width]; same shape. */
export function normalize(graph: OnnxGraph, x: string, norm: Norm): string {
  const attributes = { axis: { int: -1 }, epsilon: { float: norm.epsilon } };
  const weight = norm.weight === null ? graph.ones(norm.width) : wholeWeight(graph, norm, norm.weight);
  if (norm.kind === 'rms') return graph.op('SimplifiedLayerNormalization', [x, weight], attributes);
  return graph.op('LayerNormalization', norm.bias === null ? [x, weight] : [x, weight, graph.weight(norm.bias)], attributes);
}

/** What a norm makes of a part of its input with its scale held fixed, without that scale and without bias; x itself for null. */
export function linearPart(graph: OnnxGraph, x: string, norm: Norm | null): string {
  if (norm === null) return x;
  const centred = norm.kind === 'rms' ? x : graph.op('Sub', [x, meanLast(graph, x)]);
  return norm.weight === null ? centred : graph.op('Mul', [centred, wholeWeight(graph, norm, norm.weight)]);
}

/** [T, 1], what a norm multiplies each row of its whole input x [T, width] by, besides its weight; null for null. */
export function heldScale(graph: OnnxGraph, x: string, norm: Norm | null): string | null {
  if (norm === null) return null;
  const centred = norm.kind === 'rms' ? x : graph.op('Sub', [x, meanLast(graph, x)]);
  const square = meanLast(graph, graph.op('Mul', [centred, centred]));
  return graph.op('Reciprocal', [graph.op('Sqrt', [graph.op('Add', [square, graph.float(norm.epsilon)])])]);
}

/** [T, 1], the mean of each row of x [T, width], of operators that have a gradient. */
export function rowMean(graph: OnnxGraph, x: string, width: number): string {
  const sum = graph.op('ReduceSum', [x, graph.ints(-1)], { keepdims: { int: 1 } });
  return graph.op('Mul', [sum, graph.float(1 / width)]);
}

function meanLast(graph: OnnxGraph, x: string): string {
  return graph.op('ReduceMean', [x, graph.ints(-1)], { keepdims: { int: 1 } });
}

function wholeWeight(graph: OnnxGraph, { offset }: Norm, weight: Weight): string {
  const stored = graph.weight(weight);
  return offset === 0 ? stored : graph.op('Add', [stored, graph.float(offset)]);
}

/** Normalises x [heads, T, headDim], with each head's own weights where it has them; same shape. */
export function normalizeHeads(graph: OnnxGraph, x: string, own: HeadNorm): string {
  const normed = normalize(graph, x, own.norm);
  if (own.kind !== 'perHead') return normed;
  const rows = own.weights.map((weight) => graph.op('Reshape', [graph.weight(weight), graph.ints(-1, 1, own.norm.width)]));
  const [only = ''] = rows;
  return graph.op('Mul', [normed, rows.length === 1 ? only : graph.op('Concat', rows, { axis: { int: 0 } })]);
}

/** Soft cap: limit * tanh(x / limit); x itself for null. */
export function cap(graph: OnnxGraph, x: string, limit: number | null): string {
  if (limit === null) return x;
  return graph.op('Mul', [graph.op('Tanh', [graph.op('Div', [x, graph.float(limit)])]), graph.float(limit)]);
}

/** x * factor; x itself for 1. */
export function scaleBy(graph: OnnxGraph, x: string, factor: number): string {
  return factor === 1 ? x : graph.op('Mul', [x, graph.float(factor)]);
}

/** Linear map of x [N, in] to [N, out]. Gemm takes either layout as stored; the runtime packs it without a transposed copy. */
export function project(graph: OnnxGraph, x: string, linear: Linear): string {
  const {
    weight: { kept },
  } = linear;
  if (kept !== undefined && graph.matrices === 'as kept') {
    const product = scaleBy(graph, multiply(graph, x, kept), linear.weight.factor ?? 1);
    return linear.bias === null ? product : graph.op('Add', [product, graph.weight(linear.bias)]);
  }
  const bias = linear.bias === null ? [] : [graph.weight(linear.bias)];
  return graph.op('Gemm', [x, graph.weight(linear.weight), ...bias], { transB: { int: linear.layout === 'out-in' ? 1 : 0 } });
}

/** Accuracy level of MatMulNBits: float32 products and float32 sums. */
const FLOAT32_SUMS = 1;

/** Linear map of x [N, in] to [N, out] by a quantised matrix: equal to its float32 form up to the rounding of sums. */
function multiply(graph: OnnxGraph, x: string, matrix: QuantizedMatrix): string {
  const {
    form,
    group,
    parts: {
      scales: {
        dims: [out = 0, groups = 0],
      },
    },
  } = matrix;
  const { integers, lower, scales, offsets } = graph.quantized(matrix);
  const attributes = {
    K: { int: groups * group },
    N: { int: out },
    bits: { int: form === 'bytes' ? 8 : 4 },
    block_size: { int: group },
    accuracy_level: { int: FLOAT32_SUMS },
  };
  const upper = graph.contrib('MatMulNBits', [x, integers, scales], attributes);
  // The upper half counts sixteenfold, the lower half as stored.
  const product =
    lower === null
      ? upper
      : graph.op('Add', [
          graph.op('Mul', [upper, graph.float(16)]),
          graph.contrib('MatMulNBits', [x, lower, scales, graph.zeroBytes(out, Math.ceil(groups / 2))], attributes),
        ]);
  if (offsets === null) return product;
  const sums = graph.op('ReduceSum', [graph.op('Reshape', [x, graph.ints(-1, groups, group)]), graph.ints(-1)], { keepdims: { int: 0 } });
  return graph.op('Gemm', [sums, offsets, product], { transB: { int: 1 } });
}

import { closeSync, openSync, writeSync } from 'node:fs';
import { blockTypeNamed } from '../../src/model/formats/gguf/types.ts';
import { ggufBytes, type GgufTensorInput, type Typed } from '../unit/model/gguf/write.ts';

/** The shape of a model of 0.4 billion parameters; time and memory depend on the shape, not on the weights. */
const SHAPE = { dim: 1024, layers: 24, heads: 16, kvHeads: 8, headDim: 64, inner: 4096, vocab: 32_000 } as const;
const NUMBERS = new Map([
  ['F32', 0],
  ['Q4_0', 2],
  ['Q8_0', 8],
  ['Q4_K', 12],
  ['Q6_K', 14],
]);

/** Byte offsets of each type's scales in a block, and the float16 bits written there, so that random blocks encode small numbers. */
const SCALES: Readonly<Record<string, readonly (readonly [at: number, half: number])[]>> = {
  Q4_0: [[0, 0x1800]],
  Q8_0: [[0, 0x0800]],
  Q4_K: [
    [0, 0x0200],
    [2, 0x0200],
  ],
  Q6_K: [[208, 0x0080]],
};

/**
 * Writes a Llama GGUF of pseudorandom blocks, without a tokenizer. `type` is the type of most matrices, `better` that of the matrices
 * which llama.cpp's mixtures keep at higher precision.
 */
export function writeRandomGguf(file: string, [type, better]: readonly [type: string, better: string]): void {
  const { dim, layers, heads, kvHeads, headDim, inner, vocab } = SHAPE;
  const matrices: (readonly [name: string, type: string, shape: readonly number[]])[] = [['token_embd.weight', better, [vocab, dim]]];
  const norms: string[] = ['output_norm.weight'];
  for (let layer = 0; layer < layers; layer++) {
    const at = `blk.${layer}`;
    norms.push(`${at}.attn_norm.weight`, `${at}.ffn_norm.weight`);
    matrices.push(
      [`${at}.attn_q.weight`, type, [heads * headDim, dim]],
      [`${at}.attn_k.weight`, type, [kvHeads * headDim, dim]],
      [`${at}.attn_v.weight`, better, [kvHeads * headDim, dim]],
    );
    matrices.push(
      [`${at}.attn_output.weight`, type, [dim, heads * headDim]],
      [`${at}.ffn_gate.weight`, type, [inner, dim]],
      [`${at}.ffn_up.weight`, type, [inner, dim]],
      [`${at}.ffn_down.weight`, better, [dim, inner]],
    );
  }
  let state = 1;
  const random = (name: string, length: number): Uint8Array => {
    const { bytes } = blockTypeNamed(name);
    const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0));
    const out = new Uint8Array(words.buffer).subarray(0, length);
    for (let at = 0; at < length; at += bytes)
      for (const [offset, half] of SCALES[name] ?? []) out.set([half & 255, half >> 8], at + offset);
    return out;
  };
  const tensors: GgufTensorInput[] = norms.map((name) => ({
    name,
    type: 0,
    shape: [dim],
    bytes: new Uint8Array(new Float32Array(dim).fill(1).buffer),
  }));
  for (const [name, own, shape] of matrices) {
    const { elements, bytes } = blockTypeNamed(own);
    tensors.push({
      name,
      type: NUMBERS.get(own) ?? 0,
      shape,
      bytes: random(own, (shape.reduce((product, size) => product * size, 1) / elements) * bytes),
    });
  }
  const metadata: Record<string, Typed> = {
    'general.architecture': ['text', 'llama'],
    'llama.block_count': ['u32', layers],
    'llama.context_length': ['u32', 2048],
    'llama.embedding_length': ['u32', dim],
    'llama.feed_forward_length': ['u32', inner],
    'llama.attention.head_count': ['u32', heads],
    'llama.attention.head_count_kv': ['u32', kvHeads],
    'llama.attention.layer_norm_rms_epsilon': ['f32', 1e-5],
    'llama.rope.dimension_count': ['u32', headDim],
    'llama.vocab_size': ['u32', vocab],
  };
  const out = openSync(file, 'w');
  try {
    writeSync(out, ggufBytes({ metadata, tensors }));
  } finally {
    closeSync(out);
  }
}

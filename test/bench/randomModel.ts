import { closeSync, copyFileSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The shape of GPT-2 124M (Radford et al. 2019); time and memory depend on the shape, not on the weights. */
export const GPT2_124M = { n_layer: 12, n_head: 12, n_embd: 768, vocab_size: 50257, n_positions: 1024 } as const;

/** A model of the Llama family; `biases`: of query, key and value, as in Qwen 2. */
interface LlamaShape {
  readonly layers: number;
  readonly dim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly inner: number;
  readonly vocab: number;
  readonly biases: boolean;
}

/** SmolLM2 135M (Allal et al. 2025). */
export const SMOLLM2_135M: LlamaShape = {
  layers: 30,
  dim: 576,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  inner: 1536,
  vocab: 49_152,
  biases: false,
};

/** Qwen2.5 0.5B (Qwen team 2024). */
export const QWEN2_HALF_B: LlamaShape = {
  layers: 24,
  dim: 896,
  heads: 14,
  kvHeads: 2,
  headDim: 64,
  inner: 4864,
  vocab: 151_936,
  biases: true,
};

type Shapes = readonly (readonly [name: string, shape: readonly number[]])[];

/**
 * Writes a float32 GPT-2 model with pseudorandom weights (standard deviation 0.02) in Hugging Face layout. The tokenizer is copied from
 * another model, whose vocabulary must not be larger.
 */
export function writeRandomGpt2(folder: string, tokenizerFolder: string, positions: number = GPT2_124M.n_positions): void {
  const config = { ...GPT2_124M, n_positions: positions, model_type: 'gpt2', activation_function: 'gelu_new', layer_norm_epsilon: 1e-5 };
  writeRandom(folder, tokenizerFolder, config, gpt2Tensors(positions));
}

/** The same for a model of the Llama family, its embedding tied to its unembedding. */
export function writeRandomLlama(folder: string, tokenizerFolder: string, shape: LlamaShape, positions: number): void {
  const config = {
    model_type: shape.biases ? 'qwen2' : 'llama',
    hidden_size: shape.dim,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    intermediate_size: shape.inner,
    vocab_size: shape.vocab,
    max_position_embeddings: positions,
    hidden_act: 'silu',
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    tie_word_embeddings: true,
  };
  writeRandom(folder, tokenizerFolder, config, llamaTensors(shape));
}

/** The shape of Qwen 3.5 0.8B (Qwen team 2026), with the vocabulary of the bundled model. */
const QWEN_HYBRID = {
  dim: 1024,
  heads: 8,
  kvHeads: 2,
  headDim: 256,
  inner: 3584,
  vocab: 1024,
  linearHeads: 16,
  linearDim: 128,
  size: 4,
} as const;
/** What every layer is; `mixed`: of four three are delta nets, one attention. */
type HybridKind = 'full_attention' | 'linear_attention' | 'mixed';

/** Its config.json, and the shapes of its tensors. */
export function qwenHybridShapes(kind: HybridKind, layers: number): { readonly config: object; readonly shapes: Shapes } {
  const { dim, heads, kvHeads, headDim, inner, vocab, linearHeads, linearDim, size } = QWEN_HYBRID;
  const kinds = Array.from({ length: layers }, (_, layer) =>
    kind !== 'mixed' ? kind : layer % 4 === 3 ? ('full_attention' as const) : ('linear_attention' as const),
  );
  const config = {
    model_type: 'qwen3_5_text',
    hidden_size: dim,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    intermediate_size: inner,
    vocab_size: vocab,
    max_position_embeddings: 2048,
    layer_types: kinds,
    linear_num_key_heads: linearHeads,
    linear_num_value_heads: linearHeads,
    linear_key_head_dim: linearDim,
    linear_value_head_dim: linearDim,
    linear_conv_kernel_dim: size,
    tie_word_embeddings: true,
  };
  const wide = linearHeads * linearDim;
  const mixer = (at: string, own: 'full_attention' | 'linear_attention'): Shapes =>
    own === 'full_attention'
      ? [
          [`${at}.self_attn.q_proj.weight`, [2 * heads * headDim, dim]],
          [`${at}.self_attn.k_proj.weight`, [kvHeads * headDim, dim]],
          [`${at}.self_attn.v_proj.weight`, [kvHeads * headDim, dim]],
          [`${at}.self_attn.o_proj.weight`, [dim, heads * headDim]],
          [`${at}.self_attn.q_norm.weight`, [headDim]],
          [`${at}.self_attn.k_norm.weight`, [headDim]],
        ]
      : [
          [`${at}.linear_attn.in_proj_qkv.weight`, [3 * wide, dim]],
          [`${at}.linear_attn.in_proj_z.weight`, [wide, dim]],
          [`${at}.linear_attn.in_proj_b.weight`, [linearHeads, dim]],
          [`${at}.linear_attn.in_proj_a.weight`, [linearHeads, dim]],
          [`${at}.linear_attn.conv1d.weight`, [3 * wide, 1, size]],
          [`${at}.linear_attn.A_log`, [linearHeads]],
          [`${at}.linear_attn.dt_bias`, [linearHeads]],
          [`${at}.linear_attn.norm.weight`, [linearDim]],
          [`${at}.linear_attn.out_proj.weight`, [dim, wide]],
        ];
  const shapes: Shapes = [
    ['model.embed_tokens.weight', [vocab, dim]],
    ...kinds.flatMap((own, layer): Shapes => {
      const at = `model.layers.${layer}`;
      return [
        [`${at}.input_layernorm.weight`, [dim]],
        ...mixer(at, own),
        [`${at}.post_attention_layernorm.weight`, [dim]],
        [`${at}.mlp.gate_proj.weight`, [inner, dim]],
        [`${at}.mlp.up_proj.weight`, [inner, dim]],
        [`${at}.mlp.down_proj.weight`, [dim, inner]],
      ];
    }),
    ['model.norm.weight', [dim]],
  ];
  return { config, shapes };
}

/** Writes it with pseudorandom weights, as `writeRandomGpt2` does. */
export function writeRandomQwenHybrid(folder: string, tokenizerFolder: string, kind: HybridKind, layers: number): void {
  const { config, shapes } = qwenHybridShapes(kind, layers);
  writeRandom(folder, tokenizerFolder, config, shapes);
}

/** Weights of norms, which are 1. */
const IS_NORM = /(?:ln_[12f]|norm)\.weight$/;

function writeRandom(folder: string, tokenizerFolder: string, config: object, tensors: Shapes): void {
  mkdirSync(folder, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(tokenizerFolder, file), join(folder, file));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const header: Record<string, object> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const [name, shape] of tensors) {
    const bytes = 4 * sizeOf(shape);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(join(folder, 'model.safetensors'), 'w');
  try {
    writeSync(file, length);
    writeSync(file, json);
    const next = pseudoNormal();
    for (const [name, shape] of tensors) {
      const data = new Float32Array(sizeOf(shape)).fill(1);
      if (!IS_NORM.test(name)) for (let i = 0; i < data.length; i++) data[i] = next();
      writeSync(file, new Uint8Array(data.buffer));
    }
  } finally {
    closeSync(file);
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

function gpt2Tensors(positions: number): Shapes {
  const { n_layer: layers, n_embd: dim, vocab_size: vocab } = GPT2_124M;
  const block = (layer: number): Shapes => [
    [`h.${layer}.ln_1.weight`, [dim]],
    [`h.${layer}.ln_1.bias`, [dim]],
    [`h.${layer}.attn.c_attn.weight`, [dim, 3 * dim]],
    [`h.${layer}.attn.c_attn.bias`, [3 * dim]],
    [`h.${layer}.attn.c_proj.weight`, [dim, dim]],
    [`h.${layer}.attn.c_proj.bias`, [dim]],
    [`h.${layer}.ln_2.weight`, [dim]],
    [`h.${layer}.ln_2.bias`, [dim]],
    [`h.${layer}.mlp.c_fc.weight`, [dim, 4 * dim]],
    [`h.${layer}.mlp.c_fc.bias`, [4 * dim]],
    [`h.${layer}.mlp.c_proj.weight`, [4 * dim, dim]],
    [`h.${layer}.mlp.c_proj.bias`, [dim]],
  ];
  return [
    ['wte.weight', [vocab, dim]],
    ['wpe.weight', [positions, dim]],
    ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(),
    ['ln_f.weight', [dim]],
    ['ln_f.bias', [dim]],
  ];
}

function llamaTensors({ layers, dim, heads, kvHeads, headDim, inner, vocab, biases }: LlamaShape): Shapes {
  const [query, keys] = [heads * headDim, kvHeads * headDim];
  const block = (layer: number): Shapes => {
    const at = `model.layers.${layer}`;
    const bias = (name: string, size: number): Shapes => (biases ? [[`${at}.self_attn.${name}_proj.bias`, [size]]] : []);
    return [
      [`${at}.input_layernorm.weight`, [dim]],
      [`${at}.self_attn.q_proj.weight`, [query, dim]],
      ...bias('q', query),
      [`${at}.self_attn.k_proj.weight`, [keys, dim]],
      ...bias('k', keys),
      [`${at}.self_attn.v_proj.weight`, [keys, dim]],
      ...bias('v', keys),
      [`${at}.self_attn.o_proj.weight`, [dim, query]],
      [`${at}.post_attention_layernorm.weight`, [dim]],
      [`${at}.mlp.gate_proj.weight`, [inner, dim]],
      [`${at}.mlp.up_proj.weight`, [inner, dim]],
      [`${at}.mlp.down_proj.weight`, [dim, inner]],
    ];
  };
  return [
    ['model.embed_tokens.weight', [vocab, dim]],
    ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(),
    ['model.norm.weight', [dim]],
  ];
}

/** Sums of four uniform numbers of a linear congruential generator (Numerical Recipes' constants), scaled to standard deviation 0.02. */
function pseudoNormal(): () => number {
  let state = 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return () => (uniform() + uniform() + uniform() + uniform()) * Math.sqrt(3) * 0.02;
}

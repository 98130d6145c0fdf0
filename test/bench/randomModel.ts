import { closeSync, copyFileSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** GPT-2 124M's shape (Radford et al. 2019): what matters for time and memory is the shape, not the weights. */
export const GPT2_124M = { n_layer: 12, n_head: 12, n_embd: 768, vocab_size: 50257, n_positions: 1024 } as const;

/**
 * Writes a GPT-2 model with pseudo-random weights (standard deviation 0.02) in Hugging Face layout, float32.
 * The tokenizer is another model's, whose ids are a part of this vocabulary.
 */
export function writeRandomGpt2(folder: string, tokenizerFolder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(tokenizerFolder, file), join(folder, file));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...GPT2_124M, model_type: 'gpt2', activation_function: 'gelu_new', layer_norm_epsilon: 1e-5 }));
  const tensors = gpt2Tensors();
  const header: Record<string, { dtype: 'F32'; shape: readonly number[]; data_offsets: [number, number] }> = {};
  let offset = 0;
  for (const [name, shape] of tensors) {
    const bytes = 4 * shape.reduce((product, size) => product * size, 1);
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
      const size = shape.reduce((product, dim) => product * dim, 1);
      const data = name.endsWith('ln_1.weight') || name.endsWith('ln_2.weight') || name === 'ln_f.weight' ? new Float32Array(size).fill(1) : Float32Array.from({ length: size }, next);
      writeSync(file, Buffer.from(data.buffer));
    }
  } finally {
    closeSync(file);
  }
}

function gpt2Tensors(): readonly (readonly [string, readonly number[]])[] {
  const { n_layer: layers, n_embd: dim, vocab_size: vocab, n_positions: positions } = GPT2_124M;
  const block = (layer: number): readonly (readonly [string, readonly number[]])[] => [
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
  return [['wte.weight', [vocab, dim]], ['wpe.weight', [positions, dim]], ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(), ['ln_f.weight', [dim]], ['ln_f.bias', [dim]]];
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

import { copyFileSync, closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/lib/paths.mjs';

const BUNDLED = join(ROOT, 'media/models/explain-tokens-9m');
const VOCAB = 16_384;

interface Sizes {
  readonly layers: number;
  readonly dim: number;
  readonly inner: number;
  readonly heads: number;
}

/** A model of 1.1 billion parameters, which takes seconds to load. */
export const SLOW: Sizes = { layers: 64, dim: 1024, inner: 4096, heads: 16 };
/** A model of 70 billion parameters, which fits on no test machine. */
export const HUGE: Sizes = { layers: 1, dim: 65_536, inner: 262_144, heads: 512 };

/** Writes a valid Llama model of zeros, as a sparse file that takes up no disk space, with the bundled model's tokenizer. */
export function writeZeroModel(folder: string, { layers, dim, inner, heads }: Sizes): void {
  mkdirSync(folder);
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(BUNDLED, file), join(folder, file));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_act: 'silu',
      hidden_size: dim,
      intermediate_size: inner,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: heads,
      max_position_embeddings: 2048,
      rms_norm_eps: 1e-5,
      rope_theta: 10_000,
      tie_word_embeddings: true,
      vocab_size: VOCAB,
      bos_token_id: 0,
      eos_token_id: 0,
      torch_dtype: 'float32',
    }),
  );
  const shapes: [string, number[]][] = [
    ['model.embed_tokens.weight', [VOCAB, dim]],
    ['model.norm.weight', [dim]],
  ];
  for (let layer = 0; layer < layers; layer++) {
    const name = `model.layers.${layer}`;
    for (const projection of ['q_proj', 'k_proj', 'v_proj', 'o_proj']) shapes.push([`${name}.self_attn.${projection}.weight`, [dim, dim]]);
    for (const projection of ['gate_proj', 'up_proj']) shapes.push([`${name}.mlp.${projection}.weight`, [inner, dim]]);
    shapes.push(
      [`${name}.mlp.down_proj.weight`, [dim, inner]],
      [`${name}.input_layernorm.weight`, [dim]],
      [`${name}.post_attention_layernorm.weight`, [dim]],
    );
  }
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, shape] of shapes) {
    const end = offset + 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(join(folder, 'model.safetensors'), 'w');
  writeSync(file, Buffer.concat([length, json]));
  ftruncateSync(file, 8 + json.length + offset);
  closeSync(file);
}

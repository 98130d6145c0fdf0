import { copyFileSync, closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/lib/paths.mjs';

const BUNDLED = join(ROOT, 'media/models/explain-tokens-9m');
const LAYERS = 24;
const DIM = 1024;
const INNER = 4096;
const VOCAB = 16_384;

/**
 * A valid Llama model of 400 million parameters, all of them zero: a sparse file that takes no disk, but seconds to load.
 * It has the bundled model's tokenizer.
 */
export function writeSlowModel(folder: string): void {
  mkdirSync(folder);
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(BUNDLED, file), join(folder, file));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({
    architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu', hidden_size: DIM, intermediate_size: INNER,
    num_hidden_layers: LAYERS, num_attention_heads: 16, num_key_value_heads: 16, max_position_embeddings: 2048, rms_norm_eps: 1e-5,
    rope_theta: 10_000, tie_word_embeddings: true, vocab_size: VOCAB, bos_token_id: 0, eos_token_id: 0, torch_dtype: 'float32',
  }));
  const shapes: [string, number[]][] = [['model.embed_tokens.weight', [VOCAB, DIM]], ['model.norm.weight', [DIM]]];
  for (let layer = 0; layer < LAYERS; layer++) {
    const name = `model.layers.${layer}`;
    for (const projection of ['q_proj', 'k_proj', 'v_proj', 'o_proj']) shapes.push([`${name}.self_attn.${projection}.weight`, [DIM, DIM]]);
    for (const projection of ['gate_proj', 'up_proj']) shapes.push([`${name}.mlp.${projection}.weight`, [INNER, DIM]]);
    shapes.push([`${name}.mlp.down_proj.weight`, [DIM, INNER]], [`${name}.input_layernorm.weight`, [DIM]], [`${name}.post_attention_layernorm.weight`, [DIM]]);
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

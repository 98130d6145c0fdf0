import { msg } from '../../../../core/translatable.ts';
import type { Facts } from '../facts.ts';
import { exchanged, type Expand, type Layout } from '../layout.ts';
import { gathered, rowCount } from '../../source.ts';
import {
  LLAMA_BLOCK,
  LLAMA_TOP,
  hasBias,
  innerSize,
  layersOf,
  llamaConfig,
  partialRope,
  sizesOf,
  splitProjections,
  wholeRope,
  type Architecture,
  type Sizes,
} from './common.ts';

/** GPT-2. */
export const gpt2: Architecture = (facts) => {
  const { layers } = layersOf(facts);
  return {
    config: {
      model_type: 'gpt2',
      vocab_size: facts.dim('token_embd.weight', 0),
      n_embd: facts.count('embedding_length'),
      n_head: facts.count('attention.head_count'),
      n_layer: layers,
      n_positions: facts.dim('position_embd.weight', 0),
      n_inner: facts.dim('blk.0.ffn_up.weight', 0),
      layer_norm_epsilon: facts.number('attention.layer_norm_epsilon'),
      tie_word_embeddings: !facts.has('output.weight'),
    },
    layout: {
      top: { token_embd: 'transformer.wte', position_embd: 'transformer.wpe', output_norm: 'transformer.ln_f', output: 'lm_head' },
      blocks: 'transformer.h',
      block: {
        attn_norm: 'ln_1',
        attn_qkv: exchanged('attn.c_attn'),
        attn_output: exchanged('attn.c_proj'),
        ffn_norm: 'ln_2',
        ffn_up: exchanged('mlp.c_fc'),
        ffn_down: exchanged('mlp.c_proj'),
      },
    },
  };
};

/** GPT-NeoX and Pythia. */
export const gptneox: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const { rope_parameters: rope } = partialRope(facts, ropes, sizes);
  const block: Layout['block'] = {
    attn_norm: 'input_layernorm',
    attn_qkv: byHead('attention.query_key_value', facts, sizes),
    attn_output: 'attention.dense',
    ffn_norm: 'post_attention_layernorm',
    ffn_up: 'mlp.dense_h_to_4h',
    ffn_down: 'mlp.dense_4h_to_h',
  };
  return {
    config: {
      ...llamaConfig(facts, 'gpt_neox', sizes),
      ...innerSize(facts),
      rope_parameters: rope,
      layer_norm_eps: facts.number('attention.layer_norm_epsilon'),
      use_parallel_residual: facts.flag('use_parallel_residual', true),
      attention_bias: hasBias(facts, 'attn_qkv'),
    },
    layout: {
      top: { token_embd: 'gpt_neox.embed_in', output_norm: 'gpt_neox.final_layer_norm', output: 'embed_out' },
      blocks: 'gpt_neox.layers',
      block,
    },
  };
};

/** All queries, all keys, all values in the file; query, key, value of one head after another at Hugging Face. */
export function byHead(name: string, facts: Facts, { heads, headDim }: Sizes): Expand {
  return (source, part) => {
    if (rowCount(source.shape) !== 3 * heads * headDim)
      facts.refuse(
        msg`holds queries, keys and values of ${rowCount(source.shape)} rows, where ${heads} heads \
of ${headDim} have ${3 * heads * headDim}`,
      );
    return [
      [
        `${name}.${part}`,
        gathered(source, (row) => {
          const head = Math.floor(row / (3 * headDim));
          const kind = Math.floor(row / headDim) % 3;
          return (kind * heads + head) * headDim + (row % headDim);
        }),
      ],
    ];
  };
}

/** StarCoder 2. */
export const starcoder2: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...llamaConfig(facts, 'starcoder2', sizes),
      ...innerSize(facts),
      ...wholeRope(facts, ropes, sizes),
      norm_epsilon: facts.number('attention.layer_norm_epsilon'),
      use_bias: hasBias(facts),
    },
    layout: {
      top: LLAMA_TOP,
      blocks: 'model.layers',
      block: { ...LLAMA_BLOCK, attn_qkv: splitProjections(facts, sizes), ffn_up: 'mlp.c_fc', ffn_down: 'mlp.c_proj' },
    },
  };
};

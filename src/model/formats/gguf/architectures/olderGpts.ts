import { msg } from '../../../../core/translatable.ts';
import { gathered, rowCount } from '../../source.ts';
import type { Facts } from '../facts.ts';
import type { Expand } from '../layout.ts';
import { headsOf, innerSize, layersOf, llamaConfig, sizesOf, wholeRope, type Architecture } from './common.ts';
import { byHead } from './gpt.ts';

/** Falcon 7B and 40B: the latter has groups of heads, each with its key and value, and mostly a norm for each sublayer. */
export const falcon: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const { heads, kvHeads, headDim } = sizes;
  const grouped = kvHeads > 1;
  const two = facts.has('blk.0.attn_norm_2.weight');
  if (heads % kvHeads !== 0) facts.refuse(msg`claims ${kvHeads} heads of keys for ${heads} of queries`);
  const each = heads / kvHeads;
  const byGroup: Expand = (source, part) => {
    const rows = (heads + 2 * kvHeads) * headDim;
    if (rowCount(source.shape) !== rows) facts.refuse(msg`holds queries, keys and values of ${rowCount(source.shape)} rows, not ${rows}`);
    const place = (row: number): number => {
      const group = Math.floor(row / ((each + 2) * headDim));
      const own = Math.floor(row / headDim) % (each + 2);
      const head = own < each ? group * each + own : heads + (own - each) * kvHeads + group;
      return head * headDim + (row % headDim);
    };
    return [[`self_attention.query_key_value.${part}`, gathered(source, place)]];
  };
  return {
    config: {
      ...llamaConfig(facts, 'falcon', sizes),
      ...wholeRope(facts, ropes, sizes),
      num_kv_heads: kvHeads,
      ffn_hidden_size: facts.count('feed_forward_length'),
      layer_norm_epsilon: facts.number('attention.layer_norm_epsilon'),
      new_decoder_architecture: grouped,
      num_ln_in_parallel_attn: two ? 2 : 1,
      multi_query: !grouped,
      parallel_attn: true,
      alibi: false,
      bias: facts.has('blk.0.attn_qkv.bias'),
    },
    layout: {
      top: { token_embd: 'transformer.word_embeddings', output_norm: 'transformer.ln_f', output: 'lm_head' },
      blocks: 'transformer.h',
      block: {
        attn_norm: two ? 'ln_mlp' : 'input_layernorm',
        attn_norm_2: 'ln_attn',
        attn_qkv: byGroup,
        attn_output: 'self_attention.dense',
        ffn_up: 'mlp.dense_h_to_4h',
        ffn_down: 'mlp.dense_4h_to_h',
      },
    },
  };
};

/** MPT with ALiBi. */
export const mpt: Architecture = (facts) => {
  const clip = facts.number('attention.clamp_kqv', 0);
  const bias = facts.number('attention.max_alibi_bias');
  return {
    config: {
      ...tokens(facts, 'mpt'),
      d_model: facts.count('embedding_length'),
      n_heads: headsOf(facts),
      n_layers: layersOf(facts).layers,
      max_seq_len: facts.count('context_length'),
      layer_norm_epsilon: facts.number('attention.layer_norm_epsilon'),
      no_bias: true,
      attn_config: { alibi: bias > 0, alibi_bias_max: bias, clip_qkv: clip > 0 ? clip : null },
    },
    layout: {
      top: { token_embd: 'transformer.wte', output_norm: 'transformer.norm_f', output: 'lm_head' },
      blocks: 'transformer.blocks',
      block: {
        attn_norm: 'norm_1',
        attn_qkv: 'attn.Wqkv',
        attn_output: 'attn.out_proj',
        ffn_norm: 'norm_2',
        ffn_up: 'ffn.up_proj',
        ffn_down: 'ffn.down_proj',
      },
    },
  };
};

/** BLOOM. */
export const bloom: Architecture = (facts) => ({
  config: {
    ...tokens(facts, 'bloom'),
    hidden_size: facts.count('embedding_length'),
    n_head: headsOf(facts),
    n_layer: layersOf(facts).layers,
    seq_length: facts.count('context_length'),
    layer_norm_epsilon: facts.number('attention.layer_norm_epsilon'),
  },
  layout: {
    top: {
      token_embd: 'transformer.word_embeddings',
      token_embd_norm: 'transformer.word_embeddings_layernorm',
      output_norm: 'transformer.ln_f',
      output: 'lm_head',
    },
    blocks: 'transformer.h',
    block: {
      attn_norm: 'input_layernorm',
      attn_qkv: byHead('self_attention.query_key_value', facts, sizesOf(facts)),
      attn_output: 'self_attention.dense',
      ffn_norm: 'post_attention_layernorm',
      ffn_up: 'mlp.dense_h_to_4h',
      ffn_down: 'mlp.dense_4h_to_h',
    },
  },
});

/** StarCoder and SantaCoder: all heads share one key and value. */
export const starcoder: Architecture = (facts) => {
  const dim = facts.count('embedding_length');
  return {
    config: {
      ...tokens(facts, 'gpt_bigcode'),
      n_embd: dim,
      n_head: headsOf(facts),
      n_layer: layersOf(facts).layers,
      n_positions: facts.dim('position_embd.weight', 0),
      n_inner: innerSize(facts).intermediate_size,
      layer_norm_epsilon: facts.number('attention.layer_norm_epsilon'),
      multi_query: facts.dim('blk.0.attn_qkv.weight', 0) !== 3 * dim,
    },
    layout: {
      top: { token_embd: 'transformer.wte', position_embd: 'transformer.wpe', output_norm: 'transformer.ln_f', output: 'lm_head' },
      blocks: 'transformer.h',
      block: {
        attn_norm: 'ln_1',
        attn_qkv: 'attn.c_attn',
        attn_output: 'attn.c_proj',
        ffn_norm: 'ln_2',
        ffn_up: 'mlp.c_fc',
        ffn_down: 'mlp.c_proj',
      },
    },
  };
};

function tokens(facts: Facts, modelType: string): Record<string, unknown> {
  return { model_type: modelType, vocab_size: facts.dim('token_embd.weight', 0), tie_word_embeddings: !facts.has('output.weight') };
}

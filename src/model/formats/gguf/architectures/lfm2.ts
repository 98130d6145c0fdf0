import { convolutionKernel, kindsByTensor, LLAMA_BLOCK, rmsEpsilon, sizesOf, usualConfig, type Architecture } from './common.ts';

/** LFM2: layers without key heads are convolutions. */
export const lfm2: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const { rms_norm_eps: epsilon } = rmsEpsilon(facts);
  return {
    config: {
      ...usualConfig(facts, ropes, 'lfm2', sizes),
      norm_eps: epsilon,
      block_auto_adjust_ff_dim: false,
      conv_L_cache: facts.count('shortconv.l_cache'),
      conv_bias: facts.has('blk.0.shortconv.in_proj.bias'),
      layer_types: kindsByTensor(facts, sizes, 'shortconv.conv.weight', ['conv', 'full_attention']),
    },
    layout: {
      top: { token_embd: 'model.embed_tokens', token_embd_norm: 'model.embedding_norm', output: 'lm_head' },
      blocks: 'model.layers',
      block: {
        ...LLAMA_BLOCK,
        attn_norm: 'operator_norm',
        attn_q_norm: 'self_attn.q_layernorm',
        attn_k_norm: 'self_attn.k_layernorm',
        attn_output: 'self_attn.out_proj',
        ffn_norm: 'ffn_norm',
        ffn_gate: 'feed_forward.w1',
        ffn_up: 'feed_forward.w3',
        ffn_down: 'feed_forward.w2',
        'shortconv.in_proj': 'conv.in_proj',
        'shortconv.conv': convolutionKernel('conv.conv'),
        'shortconv.out_proj': 'conv.out_proj',
      },
    },
  };
};

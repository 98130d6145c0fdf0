import { msg } from '../../../core/translatable.ts';
import { mptSlopes } from '../alibi.ts';
import { count, eitherCount, flag, number, numberOrNull, only, options, positive, refuse, value, type Options } from '../config.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Norm } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

/**
 * MPT: ALiBi, LayerNorm without bias, no biases at all. Options that the reference reads but does not apply are refused unless they
 * are off.
 */
export function mpt(config: Options, tensors: Tensors): DecoderSpec {
  const dim = eitherCount(config, 'd_model', 'hidden_size', 2048);
  const heads = eitherCount(config, 'n_heads', 'num_attention_heads', 16);
  const layers = eitherCount(config, 'n_layers', 'num_hidden_layers', 24);
  const vocab = count(config, 'vocab_size', 50_368);
  const epsilon = positive(config, 'layer_norm_epsilon', 1e-5);
  const attention = options(value(config, 'attn_config') ?? {}, 'attn_config');
  only(attention, 'attn_type', 'multihead_attention');
  only(attention, 'alibi', true);
  only(attention, 'alibi_bias_max', 8);
  for (const name of ['prefix_lm', 'qk_ln', 'attn_uses_sequence_id']) only(attention, name, false);
  only(config, 'no_bias', true);
  if ((value(config, 'logit_scale') ?? null) !== null) refuse(config, 'logit_scale', msg`is set, which is not supported`);
  if (dim % heads !== 0) refuse(config, 'd_model', msg`is ${dim}, which ${heads} heads do not divide`);
  const headDim = dim / heads;
  const clip = numberOrNull(attention, 'clip_qkv', null) === null ? 0 : number(attention, 'clip_qkv');
  const scale = numberOrNull(attention, 'softmax_scale', null) ?? headDim ** -0.5;

  const prefix = tensors.has('norm_f.weight') ? '' : 'transformer.';
  const norm = (name: string): Norm => tensors.layerNorm(name, dim, epsilon, { bias: false });
  const { embedding, unembed } = embeddingPair(
    tensors,
    `${prefix}wte.weight`,
    'lm_head.weight',
    vocab,
    dim,
    flag(config, 'tie_word_embeddings', true),
  );
  const blocks = Array.from({ length: layers }, (_, layer): Block => {
    const at = `${prefix}blocks.${layer}`;
    return {
      ...PLAIN_BLOCK,
      attentionNorms: preNorm(norm(`${at}.norm_1`)),
      attention: {
        ...PLAIN_ATTENTION,
        projections: { kind: 'fused', qkv: tensors.linear(`${at}.attn.Wqkv`, dim, 3 * dim, false), layout: { groups: 1, order: 'qkv' } },
        clip: clip === 0 ? null : clip,
        scale,
        output: tensors.linear(`${at}.attn.out_proj`, dim, dim, false),
      },
      mlpNorms: preNorm(norm(`${at}.norm_2`)),
      mlp: {
        kind: 'plain',
        up: tensors.linear(`${at}.ffn.up_proj`, dim, 4 * dim, false),
        down: tensors.linear(`${at}.ffn.down_proj`, 4 * dim, dim, false),
        activation: 'gelu',
      },
    };
  });
  return {
    ...PLAIN_DECODER,
    heads,
    kvHeads: heads,
    headDim,
    valueDim: headDim,
    dim,
    vocab,
    contextLength: count(config, 'max_seq_len', 2048),
    embedding,
    blocks,
    unembed,
    positions: { kind: 'alibi', alibi: { slopes: mptSlopes(heads), from: 'last', rounded: false, scale: 1 } },
    finalNorm: norm(`${prefix}norm_f`),
  };
}

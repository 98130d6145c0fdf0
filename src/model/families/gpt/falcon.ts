import { msg } from '../../../core/translatable.ts';
import { alibiSlopes } from '../alibi.ts';
import { activationNamed } from '../activationNames.ts';
import { count, flag, optionalCount, positive, refuse, text, value, type Options } from '../config.ts';
import { readRope, ropeContext } from '../rope.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Norm } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

/**
 * Falcon, in its three forms: one key and value head (7B), groups of heads (40B and later), and ALiBi (RW).
 * The reference's eager attention adds ALiBi twice, its SDPA attention once, as in training; here it is added once.
 */
export function falcon(config: Options, tensors: Tensors): DecoderSpec {
  const dim = optionalCount(config, 'n_embed', count(config, 'hidden_size', 4544));
  const heads = count(config, 'num_attention_heads', 71);
  const layers = count(config, 'num_hidden_layers', 32);
  const vocab = count(config, 'vocab_size', 65_024);
  const maxPositions = count(config, 'max_position_embeddings', 2048);
  const inner = optionalCount(config, 'ffn_hidden_size', 4 * dim);
  const epsilon = positive(config, 'layer_norm_epsilon', 1e-5);
  const on = (name: string, absent: boolean): boolean => value(config, name) !== null && flag(config, name, absent);
  const [grouped, single, parallel, bias, alibi] = [
    on('new_decoder_architecture', false),
    on('multi_query', true),
    on('parallel_attn', true),
    on('bias', false),
    on('alibi', false),
  ];
  const norms = optionalCount(config, 'num_ln_in_parallel_attn', grouped ? 2 : 1);
  const activation = activationNamed(text(config, 'activation', 'gelu'), 'activation');
  if (dim % heads !== 0) refuse(config, 'hidden_size', msg`is ${dim}, which ${heads} heads do not divide`);
  if (grouped && !parallel)
    refuse(config, 'parallel_attn', msg`is false with "new_decoder_architecture", which the reference cannot compute`);
  if (!grouped && parallel && norms === 2)
    refuse(config, 'num_ln_in_parallel_attn', msg`is 2 without "new_decoder_architecture", which the reference cannot compute`);
  const headDim = dim / heads;
  const kvHeads = grouped ? optionalCount(config, 'num_kv_heads', heads) : single ? 1 : heads;
  if (heads % kvHeads !== 0) refuse(config, 'num_kv_heads', msg`is ${kvHeads}, which does not divide ${heads} heads`);
  const rope = alibi ? null : readRope(config, headDim, maxPositions);

  const prefix = tensors.has('ln_f.weight') ? '' : 'transformer.';
  const norm = (name: string): Norm => tensors.layerNorm(name, dim, epsilon);
  const { embedding, unembed } = embeddingPair(
    tensors,
    `${prefix}word_embeddings.weight`,
    'lm_head.weight',
    vocab,
    dim,
    flag(config, 'tie_word_embeddings', true),
  );
  const blocks = Array.from({ length: layers }, (_, layer): Block => {
    const at = `${prefix}h.${layer}`;
    const two = grouped && norms === 2;
    const attentionNorms = preNorm(norm(`${at}.${two ? 'ln_attn' : 'input_layernorm'}`));
    return {
      ...PLAIN_BLOCK,
      wiring: parallel ? 'parallel' : 'sequential',
      attentionNorms,
      attention: {
        ...PLAIN_ATTENTION,
        projections: {
          kind: 'fused',
          qkv: tensors.linear(`${at}.self_attention.query_key_value`, dim, (heads + 2 * kvHeads) * headDim, bias),
          layout: { groups: kvHeads, order: 'qkv' },
        },
        rope,
        scale: headDim ** -0.5,
        output: tensors.linear(`${at}.self_attention.dense`, dim, dim, bias),
      },
      mlpNorms: two ? preNorm(norm(`${at}.ln_mlp`)) : parallel ? attentionNorms : preNorm(norm(`${at}.post_attention_layernorm`)),
      mlp: {
        kind: 'plain',
        up: tensors.linear(`${at}.mlp.dense_h_to_4h`, dim, inner, bias),
        down: tensors.linear(`${at}.mlp.dense_4h_to_h`, inner, dim, bias),
        activation,
      },
    };
  });
  return {
    ...PLAIN_DECODER,
    heads,
    kvHeads,
    headDim,
    valueDim: headDim,
    dim,
    vocab,
    contextLength: ropeContext(rope, maxPositions),
    embedding,
    blocks,
    unembed,
    positions: alibi
      ? { kind: 'alibi', alibi: { slopes: alibiSlopes(heads), from: 'first', rounded: true, scale: headDim ** -0.5 } }
      : { kind: 'rotary' },
    finalNorm: norm(`${prefix}ln_f`),
  };
}

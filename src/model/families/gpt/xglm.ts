import { msg } from '../../../core/translatable.ts';
import { activationNamed } from '../activationNames.ts';
import { count, eitherCount, flag, optionalNumber, refuse, text, value, type Options } from '../config.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Norm } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

const EPSILON = 1e-5;

/** XGLM: sinusoidal positions, embeddings scaled by sqrt(D). */
export function xglm(config: Options, tensors: Tensors): DecoderSpec {
  const dim = eitherCount(config, 'd_model', 'hidden_size', 1024);
  const heads = eitherCount(config, 'attention_heads', 'num_attention_heads', 16);
  const layers = eitherCount(config, 'num_layers', 'num_hidden_layers', 24);
  const inner = count(config, 'ffn_dim', 4096);
  const vocab = count(config, 'vocab_size', 256_008);
  const activation = activationNamed(text(config, 'activation_function', 'gelu'), 'activation_function');
  if (flag(config, 'add_cross_attention', false))
    refuse(config, 'add_cross_attention', msg`is true: a decoder that reads an encoder is not supported`);
  if (dim % heads !== 0) refuse(config, 'd_model', msg`is ${dim}, which ${heads} heads do not divide`);
  if (dim % 2 !== 0 || dim < 4) refuse(config, 'd_model', msg`is ${dim}, where sinusoidal positions need an even number from 4 on`);
  const headDim = dim / heads;

  const prefix = tensors.has('layer_norm.weight') ? '' : 'model.';
  const norm = (name: string): Norm => tensors.layerNorm(name, dim, EPSILON);
  const { embedding, unembed } = embeddingPair(
    tensors,
    `${prefix}embed_tokens.weight`,
    'lm_head.weight',
    vocab,
    dim,
    flag(config, 'tie_word_embeddings', true),
  );
  const blocks = Array.from({ length: layers }, (_, layer): Block => {
    const at = `${prefix}layers.${layer}`;
    const attention = (name: string) => tensors.linear(`${at}.self_attn.${name}`, dim, dim, true);
    return {
      ...PLAIN_BLOCK,
      attentionNorms: preNorm(norm(`${at}.self_attn_layer_norm`)),
      attention: {
        ...PLAIN_ATTENTION,
        projections: { kind: 'separate', q: attention('q_proj'), k: attention('k_proj'), v: attention('v_proj') },
        scale: headDim ** -0.5,
        output: attention('out_proj'),
      },
      mlpNorms: preNorm(norm(`${at}.final_layer_norm`)),
      mlp: {
        kind: 'plain',
        up: tensors.linear(`${at}.fc1`, dim, inner, true),
        down: tensors.linear(`${at}.fc2`, inner, dim, true),
        activation,
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
    contextLength: count(config, 'max_position_embeddings', 2048),
    embedding,
    blocks,
    embeddingScale: flag(config, 'scale_embedding', true) ? Math.fround(Math.sqrt(dim)) : 1,
    // The row of the padding token, as a position, is zeroed.
    positions: {
      kind: 'sinusoidal',
      offset: 2,
      zeros: value(config, 'pad_token_id') === undefined ? 1 : optionalNumber(config, 'pad_token_id'),
    },
    finalNorm: norm(`${prefix}layer_norm`),
    unembed,
  };
}

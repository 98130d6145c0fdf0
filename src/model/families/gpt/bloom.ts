import { msg } from '../../../core/translatable.ts';
import { alibiSlopes } from '../alibi.ts';
import { count, eitherCount, flag, optionalCount, positive, refuse, type Options } from '../config.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Norm } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

/**
 * BLOOM: ALiBi, a LayerNorm after the embedding, projections fused as query, key and value of each head in turn. `pretraining_tp`
 * alone has no effect.
 */
export function bloom(config: Options, tensors: Tensors): DecoderSpec {
  const dim = optionalCount(config, 'n_embed', count(config, 'hidden_size', 64));
  const heads = eitherCount(config, 'n_head', 'num_attention_heads', 8);
  const layers = eitherCount(config, 'n_layer', 'num_hidden_layers', 2);
  const vocab = count(config, 'vocab_size', 250_880);
  const epsilon = positive(config, 'layer_norm_epsilon', 1e-5);
  const addTo = flag(config, 'apply_residual_connection_post_layernorm', false) ? 'normed' : 'stream';
  const inSlices = count(config, 'pretraining_tp', 1) > 1 && flag(config, 'slow_but_exact', false);
  if (inSlices) refuse(config, 'slow_but_exact', msg`is true with "pretraining_tp" above 1, where the reference leaves out biases`);
  if (dim % heads !== 0) refuse(config, 'hidden_size', msg`is ${dim}, which ${heads} heads do not divide`);
  const headDim = dim / heads;

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
    return {
      ...PLAIN_BLOCK,
      addTo,
      attentionNorms: preNorm(norm(`${at}.input_layernorm`)),
      attention: {
        ...PLAIN_ATTENTION,
        projections: {
          kind: 'fused',
          qkv: tensors.linear(`${at}.self_attention.query_key_value`, dim, 3 * dim, true),
          layout: { groups: heads, order: 'qkv' },
        },
        scale: headDim ** -0.5,
        output: tensors.linear(`${at}.self_attention.dense`, dim, dim, true),
      },
      mlpNorms: preNorm(norm(`${at}.post_attention_layernorm`)),
      mlp: {
        kind: 'plain',
        up: tensors.linear(`${at}.mlp.dense_h_to_4h`, dim, 4 * dim, true),
        down: tensors.linear(`${at}.mlp.dense_4h_to_h`, 4 * dim, dim, true),
        activation: 'geluTanh',
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
    embedding,
    blocks,
    unembed,
    // The reference has no limit; published files give the training length here.
    contextLength: optionalCount(config, 'seq_length', 2048),
    embeddingNorm: norm(`${prefix}word_embeddings_layernorm`),
    positions: { kind: 'alibi', alibi: { slopes: alibiSlopes(heads), from: 'first', rounded: false, scale: 1 } },
    finalNorm: norm(`${prefix}ln_f`),
  };
}

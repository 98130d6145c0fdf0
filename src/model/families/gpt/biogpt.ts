import { msg } from '../../../core/translatable.ts';
import { activationNamed } from '../activationNames.ts';
import { count, flag, refuse, text, type Options } from '../config.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

/** Epsilon of all norms, whatever `layer_norm_eps` says. */
const EPSILON = 1e-5;
/** Rows of the position table that no token uses. */
const OFFSET = 2;

/** BioGPT (Luo et al. 2022): learned positions, embeddings scaled by sqrt(D). */
export function biogpt(config: Options, tensors: Tensors): DecoderSpec {
  const dim = count(config, 'hidden_size', 1024);
  const heads = count(config, 'num_attention_heads', 16);
  const layers = count(config, 'num_hidden_layers', 24);
  const inner = count(config, 'intermediate_size', 4096);
  const vocab = count(config, 'vocab_size', 42_384);
  const positions = count(config, 'max_position_embeddings', 1024);
  const activation = activationNamed(text(config, 'hidden_act', 'gelu'), 'hidden_act');
  if (dim % heads !== 0) refuse(config, 'hidden_size', msg`is ${dim}, which ${heads} heads do not divide`);
  const headDim = dim / heads;

  const prefix = tensors.has('embed_tokens.weight') ? '' : 'biogpt.';
  const { embedding, unembed } = embeddingPair(
    tensors,
    `${prefix}embed_tokens.weight`,
    'output_projection.weight',
    vocab,
    dim,
    flag(config, 'tie_word_embeddings', true),
  );
  const blocks = Array.from({ length: layers }, (_, layer): Block => {
    const at = `${prefix}layers.${layer}`;
    const attention = (name: string) => tensors.linear(`${at}.self_attn.${name}`, dim, dim, true);
    return {
      ...PLAIN_BLOCK,
      attentionNorms: preNorm(tensors.layerNorm(`${at}.self_attn_layer_norm`, dim, EPSILON)),
      attention: {
        ...PLAIN_ATTENTION,
        projections: { kind: 'separate', q: attention('q_proj'), k: attention('k_proj'), v: attention('v_proj') },
        scale: headDim ** -0.5,
        output: attention('out_proj'),
      },
      mlpNorms: preNorm(tensors.layerNorm(`${at}.final_layer_norm`, dim, EPSILON)),
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
    contextLength: positions,
    embedding,
    embeddingScale: flag(config, 'scale_embedding', true) ? Math.fround(Math.sqrt(dim)) : 1,
    positions: { kind: 'learned', table: tensors.weight(`${prefix}embed_positions.weight`, [positions + OFFSET, dim]), offset: OFFSET },
    blocks,
    finalNorm: tensors.layerNorm(`${prefix}layer_norm`, dim, EPSILON),
    unembed,
  };
}

import { msg } from '../../../core/translatable.ts';
import { activationNamed } from '../activationNames.ts';
import { count, flag, optionalCount, refuse, text, type Options } from '../config.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Norm, type Norms } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

const EPSILON = 1e-5;
/** Rows of the position table that no token uses. */
const OFFSET = 2;

/** OPT: learned positions, ReLU, and in its 350M model norms of the stream after each sublayer and narrower embeddings. */
export function opt(config: Options, tensors: Tensors): DecoderSpec {
  const dim = count(config, 'hidden_size', 768);
  const heads = count(config, 'num_attention_heads', 12);
  const layers = count(config, 'num_hidden_layers', 12);
  const inner = count(config, 'ffn_dim', 3072);
  const vocab = count(config, 'vocab_size', 50_272);
  const positions = count(config, 'max_position_embeddings', 2048);
  const narrow = optionalCount(config, 'word_embed_proj_dim', dim);
  const bias = flag(config, 'enable_bias', true);
  const normsFirst = flag(config, 'do_layer_norm_before', true);
  const weighted = flag(config, 'layer_norm_elementwise_affine', true);
  const activation = activationNamed(text(config, 'activation_function', 'relu'), 'activation_function');
  if (dim % heads !== 0) refuse(config, 'hidden_size', msg`is ${dim}, which ${heads} heads do not divide`);
  const headDim = dim / heads;

  const prefix = tensors.has('decoder.embed_tokens.weight') ? 'decoder.' : 'model.decoder.';
  const norm = (name: string): Norm => tensors.layerNorm(name, dim, EPSILON, { weight: weighted });
  const around = (name: string): Norms => (normsFirst ? preNorm(norm(name)) : { pre: null, post: null, stream: norm(name) });
  const { embedding, unembed } = embeddingPair(
    tensors,
    `${prefix}embed_tokens.weight`,
    'lm_head.weight',
    vocab,
    narrow,
    flag(config, 'tie_word_embeddings', true),
  );
  const blocks = Array.from({ length: layers }, (_, layer): Block => {
    const at = `${prefix}layers.${layer}`;
    const attention = (name: string) => tensors.linear(`${at}.self_attn.${name}`, dim, dim, bias);
    return {
      ...PLAIN_BLOCK,
      attentionNorms: around(`${at}.self_attn_layer_norm`),
      attention: {
        ...PLAIN_ATTENTION,
        projections: { kind: 'separate', q: attention('q_proj'), k: attention('k_proj'), v: attention('v_proj') },
        scale: headDim ** -0.5,
        output: attention('out_proj'),
      },
      mlpNorms: around(`${at}.final_layer_norm`),
      mlp: {
        kind: 'plain',
        up: tensors.linear(`${at}.fc1`, dim, inner, bias),
        down: tensors.linear(`${at}.fc2`, inner, dim, bias),
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
    blocks,
    unembed,
    positions: { kind: 'learned', table: tensors.weight(`${prefix}embed_positions.weight`, [positions + OFFSET, dim]), offset: OFFSET },
    embeddingProjection: narrow === dim ? null : tensors.linear(`${prefix}project_in`, narrow, dim, false),
    finalNorm: normsFirst && !flag(config, '_remove_final_layer_norm', false) ? norm(`${prefix}final_layer_norm`) : null,
    finalProjection: narrow === dim ? null : tensors.linear(`${prefix}project_out`, dim, narrow, false),
  };
}

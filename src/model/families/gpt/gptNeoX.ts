import { msg } from '../../../core/translatable.ts';
import { activationNamed } from '../activationNames.ts';
import { count, flag, optionalNumber, positive, refuse, text, value, type Options } from '../config.ts';
import { readRope, ropeContext } from '../rope.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Norm } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

/**
 * GPT-NeoX and Pythia: projections fused as query, key and value of each head in turn, part of each head rotated, parallel sublayers
 * with a LayerNorm each.
 */
export function gptNeoX(config: Options, tensors: Tensors): DecoderSpec {
  const dim = count(config, 'hidden_size', 6144);
  const heads = count(config, 'num_attention_heads', 64);
  const layers = count(config, 'num_hidden_layers', 44);
  const inner = count(config, 'intermediate_size', 24_576);
  const vocab = count(config, 'vocab_size', 50_432);
  const maxPositions = count(config, 'max_position_embeddings', 2048);
  const epsilon = positive(config, 'layer_norm_eps', 1e-5);
  const bias = flag(config, 'attention_bias', true);
  const parallel = flag(config, 'use_parallel_residual', true);
  const activation = activationNamed(text(config, 'hidden_act', 'gelu'), 'hidden_act');
  if (dim % heads !== 0) refuse(config, 'hidden_size', msg`is ${dim}, which ${heads} heads do not divide`);
  const headDim = dim / heads;
  const rope = readRope(withoutCommonNames(config), headDim, maxPositions, {
    theta: positive(config, 'rotary_emb_base', 10_000),
    partial: optionalNumber(config, 'rotary_pct') ?? 0.25,
  });

  const prefix = tensors.has('final_layer_norm.weight') ? '' : 'gpt_neox.';
  const norm = (name: string): Norm => tensors.layerNorm(name, dim, epsilon);
  const { embedding, unembed } = embeddingPair(
    tensors,
    `${prefix}embed_in.weight`,
    'embed_out.weight',
    vocab,
    dim,
    flag(config, 'tie_word_embeddings', false),
  );
  const blocks = Array.from({ length: layers }, (_, layer): Block => {
    const at = `${prefix}layers.${layer}`;
    return {
      ...PLAIN_BLOCK,
      wiring: parallel ? 'parallel' : 'sequential',
      attentionNorms: preNorm(norm(`${at}.input_layernorm`)),
      attention: {
        ...PLAIN_ATTENTION,
        projections: {
          kind: 'fused',
          qkv: tensors.linear(`${at}.attention.query_key_value`, dim, 3 * dim, bias),
          layout: { groups: heads, order: 'qkv' },
        },
        rope,
        scale: headDim ** -0.5,
        output: tensors.linear(`${at}.attention.dense`, dim, dim, bias),
      },
      mlpNorms: preNorm(norm(`${at}.post_attention_layernorm`)),
      mlp: {
        kind: 'plain',
        up: tensors.linear(`${at}.mlp.dense_h_to_4h`, dim, inner, true),
        down: tensors.linear(`${at}.mlp.dense_4h_to_h`, inner, dim, true),
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
    contextLength: ropeContext(rope, maxPositions),
    embedding,
    positions: { kind: 'rotary' },
    blocks,
    finalNorm: norm(`${prefix}final_layer_norm`),
    unembed,
  };
}

/** Options without the common rope names: outside `rope_parameters` the family reads only `rotary_emb_base` and `rotary_pct`. */
function withoutCommonNames(config: Options): Options {
  for (const name of ['rope_theta', 'partial_rotary_factor']) {
    const own = name === 'rope_theta' ? 'rotary_emb_base' : 'rotary_pct';
    if (value(config, name) !== undefined && value(config, own) !== undefined && value(config, name) !== value(config, own))
      refuse(config, name, msg`contradicts "${own}"`);
  }
  return {
    ...config,
    values: Object.fromEntries(Object.entries(config.values).filter(([name]) => name !== 'rope_theta' && name !== 'partial_rotary_factor')),
  };
}

import { activationNamed } from './activations.ts';
import { count, flag, optionalCount, positive, refuse, text, value, type Options } from './config.ts';
import type { Block, DecoderSpec, Linear, Norm } from './spec.ts';
import { embeddingPair, type Tensors } from './tensors.ts';

/**
 * GPT-2: defaults and names of transformers' GPT2Config and GPT2LMHeadModel.
 * `reorder_and_upcast_attn` only changes rounding below float32, and the dropouts only training: both are without effect here.
 */
export function gpt2(config: Options, tensors: Tensors): DecoderSpec {
  const dim = either(config, 'n_embd', 'hidden_size', 768);
  const heads = either(config, 'n_head', 'num_attention_heads', 12);
  const layers = either(config, 'n_layer', 'num_hidden_layers', 12);
  const positions = either(config, 'n_positions', 'max_position_embeddings', 1024);
  const inner = optionalCount(config, 'n_inner', 4 * dim);
  const vocab = count(config, 'vocab_size', 50_257);
  const epsilon = positive(config, 'layer_norm_epsilon', 1e-5);
  const scaled = flag(config, 'scale_attn_weights', true);
  const scaledByLayer = flag(config, 'scale_attn_by_inverse_layer_idx', false);
  const tied = flag(config, 'tie_word_embeddings', true);
  const activation = activationNamed(text(config, 'activation_function', 'gelu_new'), 'activation_function');
  if (flag(config, 'add_cross_attention', false)) refuse(config, 'add_cross_attention', 'is true: a decoder that reads an encoder is not supported');
  if (dim % heads !== 0) refuse(config, 'n_embd', `is ${dim}, which ${heads} heads do not divide`);
  const headDim = dim / heads;

  // Files saved from the bare decoder, such as the first published ones, have no prefix.
  const prefix = tensors.has('ln_f.weight') ? '' : 'transformer.';
  const norm = (name: string): Norm => ({ kind: 'layer', weight: tensors.weight(`${name}.weight`, [dim]), bias: tensors.weight(`${name}.bias`, [dim]), epsilon });
  const conv1d = (name: string, input: number, output: number): Linear => ({
    weight: tensors.weight(`${name}.weight`, [input, output]),
    layout: 'in-out',
    bias: tensors.weight(`${name}.bias`, [output]),
  });
  const { embedding, unembed } = embeddingPair(tensors, `${prefix}wte.weight`, 'lm_head.weight', vocab, dim, tied);
  const table = tensors.weight(`${prefix}wpe.weight`, [positions, dim]);
  const blocks: Block[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const at = `${prefix}h.${layer}`;
    blocks.push({
      attentionNorm: norm(`${at}.ln_1`),
      attention: {
        projections: { kind: 'fused', qkv: conv1d(`${at}.attn.c_attn`, dim, 3 * dim) },
        scale: (scaled ? headDim ** -0.5 : 1) / (scaledByLayer ? layer + 1 : 1),
        output: conv1d(`${at}.attn.c_proj`, dim, dim),
      },
      mlpNorm: norm(`${at}.ln_2`),
      mlp: { kind: 'plain', up: conv1d(`${at}.mlp.c_fc`, dim, inner), down: conv1d(`${at}.mlp.c_proj`, inner, dim), activation },
    });
  }
  return {
    heads, kvHeads: heads, headDim, dim, vocab, contextLength: positions, embedding, positions: { kind: 'learned', table }, blocks,
    finalNorm: norm(`${prefix}ln_f`), unembed,
  };
}

/** transformers reads GPT-2's own name of an option and the common one (`attribute_map`). */
function either(config: Options, own: string, common: string, absent: number): number {
  const found = count(config, own, count(config, common, absent));
  if (value(config, common) !== undefined && count(config, common, absent) !== found) refuse(config, common, `contradicts "${own}": ${found}`);
  return found;
}

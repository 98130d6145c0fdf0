import { msg } from '../../../core/translatable.ts';
import type { Activation } from '../../../core/activationFunctions.ts';
import { quoted } from '../../formats/modelFiles.ts';
import { count, eitherCount, flag, positive, refuse, text, type Options } from '../config.ts';
import { PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Linear, type Norms } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';
import { conv1d } from './gpt2.ts';

/** The only activations of the family, by the names that they have in it. */
const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map([
  ['gelu', 'geluTanh'],
  ['relu', 'relu'],
  ['silu', 'silu'],
  ['swish', 'silu'],
] as const);

/** GPT (Radford et al. 2018): learned positions, and norms of the stream behind each sublayer, none before and none in the end. */
export function openaiGpt(config: Options, tensors: Tensors): DecoderSpec {
  const dim = eitherCount(config, 'n_embd', 'hidden_size', 768);
  const heads = eitherCount(config, 'n_head', 'num_attention_heads', 12);
  const layers = eitherCount(config, 'n_layer', 'num_hidden_layers', 12);
  const positions = eitherCount(config, 'n_positions', 'max_position_embeddings', 512);
  const vocab = count(config, 'vocab_size', 40_478);
  const epsilon = positive(config, 'layer_norm_epsilon', 1e-5);
  const name = text(config, 'afn', 'gelu');
  const activation = ACTIVATIONS.get(name) ?? refuse(config, 'afn', msg`is ${quoted(name)}, an activation that is not supported`);
  if (dim % heads !== 0) refuse(config, 'n_embd', msg`is ${dim}, which ${heads} heads do not divide`);
  const headDim = dim / heads;

  const prefix = tensors.has('tokens_embed.weight') ? '' : 'transformer.';
  const { embedding, unembed } = embeddingPair(
    tensors,
    `${prefix}tokens_embed.weight`,
    'lm_head.weight',
    vocab,
    dim,
    flag(config, 'tie_word_embeddings', true),
  );
  const linear = (at: string, input: number, output: number): Linear => conv1d(tensors, at, input, output);
  const behind = (at: string): Norms => ({ pre: null, post: null, stream: tensors.layerNorm(at, dim, epsilon) });
  const blocks = Array.from({ length: layers }, (_, layer): Block => {
    const at = `${prefix}h.${layer}`;
    return {
      ...PLAIN_BLOCK,
      attentionNorms: behind(`${at}.ln_1`),
      attention: {
        ...PLAIN_ATTENTION,
        projections: { kind: 'fused', qkv: linear(`${at}.attn.c_attn`, dim, 3 * dim), layout: { groups: 1, order: 'qkv' } },
        scale: headDim ** -0.5,
        output: linear(`${at}.attn.c_proj`, dim, dim),
      },
      mlpNorms: behind(`${at}.ln_2`),
      mlp: { kind: 'plain', up: linear(`${at}.mlp.c_fc`, dim, 4 * dim), down: linear(`${at}.mlp.c_proj`, 4 * dim, dim), activation },
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
    positions: { kind: 'learned', table: tensors.weight(`${prefix}positions_embed.weight`, [positions, dim]), offset: 0 },
    blocks,
    finalNorm: null,
    unembed,
  };
}

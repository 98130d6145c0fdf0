import { msg } from '../../../core/translatable.ts';
import { activationNamed } from '../activationNames.ts';
import { count, eitherCount, flag, optionalCount, positive, refuse, text, type Options } from '../config.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Linear, type Norm } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

/**
 * GPT-2: defaults and names of transformers' GPT2Config and GPT2LMHeadModel.
 * `reorder_and_upcast_attn` changes only rounding below float32, and dropouts only training: neither has an effect here.
 */
export function gpt2(config: Options, tensors: Tensors): DecoderSpec {
  return gpt2Like(config, tensors, 'gelu_new', (name, input, output) => conv1d(tensors, name, input, output));
}

/** A matrix as the reference's Conv1D has it: stored [in, out], with a bias. */
export function conv1d(tensors: Tensors, name: string, input: number, output: number): Linear {
  return { weight: tensors.weight(`${name}.weight`, [input, output]), layout: 'in-out', bias: tensors.weight(`${name}.bias`, [output]) };
}

/**
 * SantaCoder and StarCoder 1: GPT-2 with one key and value head for all query heads, or projections fused as query, key and value of
 * each head in turn.
 */
export function gptBigCode(config: Options, tensors: Tensors): DecoderSpec {
  return gpt2Like(
    config,
    tensors,
    'gelu_pytorch_tanh',
    (name, input, output) => tensors.linear(name, input, output, true),
    flag(config, 'multi_query', true) ? 'one' : 'own',
  );
}

function gpt2Like(
  config: Options,
  tensors: Tensors,
  activationName: string,
  linear: (name: string, input: number, output: number) => Linear,
  keyHeads: 'same' | 'one' | 'own' = 'same',
): DecoderSpec {
  const dim = eitherCount(config, 'n_embd', 'hidden_size', 768);
  const heads = eitherCount(config, 'n_head', 'num_attention_heads', 12);
  const layers = eitherCount(config, 'n_layer', 'num_hidden_layers', 12);
  const positions = eitherCount(config, 'n_positions', 'max_position_embeddings', 1024);
  const inner = optionalCount(config, 'n_inner', 4 * dim);
  const vocab = count(config, 'vocab_size', 50_257);
  const epsilon = positive(config, 'layer_norm_epsilon', 1e-5);
  const scaled = flag(config, 'scale_attn_weights', true);
  const scaledByLayer = keyHeads === 'same' && flag(config, 'scale_attn_by_inverse_layer_idx', false);
  const tied = flag(config, 'tie_word_embeddings', true);
  const activation = activationNamed(text(config, 'activation_function', activationName), 'activation_function');
  if (flag(config, 'add_cross_attention', false))
    refuse(config, 'add_cross_attention', msg`is true: a decoder that reads an encoder is not supported`);
  if (dim % heads !== 0) refuse(config, 'n_embd', msg`is ${dim}, which ${heads} heads do not divide`);
  const headDim = dim / heads;
  const kvHeads = keyHeads === 'one' ? 1 : heads;

  // Files saved from the bare decoder, such as the first published ones, have no prefix.
  const prefix = tensors.has('ln_f.weight') ? '' : 'transformer.';
  const norm = (name: string): Norm => tensors.layerNorm(name, dim, epsilon);
  const { embedding, unembed } = embeddingPair(tensors, `${prefix}wte.weight`, 'lm_head.weight', vocab, dim, tied);
  const table = tensors.weight(`${prefix}wpe.weight`, [positions, dim]);
  const blocks: Block[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const at = `${prefix}h.${layer}`;
    blocks.push({
      ...PLAIN_BLOCK,
      attentionNorms: preNorm(norm(`${at}.ln_1`)),
      attention: {
        ...PLAIN_ATTENTION,
        projections: {
          kind: 'fused',
          qkv: linear(`${at}.attn.c_attn`, dim, (heads + 2 * kvHeads) * headDim),
          layout: { groups: keyHeads === 'own' ? heads : 1, order: 'qkv' },
        },
        scale: (scaled ? headDim ** -0.5 : 1) / (scaledByLayer ? layer + 1 : 1),
        output: linear(`${at}.attn.c_proj`, dim, dim),
      },
      mlpNorms: preNorm(norm(`${at}.ln_2`)),
      mlp: { kind: 'plain', up: linear(`${at}.mlp.c_fc`, dim, inner), down: linear(`${at}.mlp.c_proj`, inner, dim), activation },
    });
  }
  return {
    ...PLAIN_DECODER,
    heads,
    kvHeads,
    headDim,
    valueDim: headDim,
    dim,
    vocab,
    contextLength: positions,
    embedding,
    positions: { kind: 'learned', table, offset: 0 },
    blocks,
    finalNorm: norm(`${prefix}ln_f`),
    unembed,
  };
}

import { msg } from '../../../core/translatable.ts';
import { activationNamed } from '../activationNames.ts';
import { count, eitherCount, flag, optionalCount, positive, refuse, text, type Options } from '../config.ts';
import { preNorm, PLAIN_ATTENTION, PLAIN_BLOCK, PLAIN_DECODER, type Block, type DecoderSpec, type Projections } from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

/** Number of groups in CodeGen's fused matrix, one per device it was trained on. */
const CODEGEN_GROUPS = 4;

/** GPT-J: attention and MLP in parallel after one LayerNorm, part of each head rotated, neighbours paired. */
export function gptJ(config: Options, tensors: Tensors): DecoderSpec {
  return gptJLike(config, tensors, (at, dim) => {
    const linear = (name: string) => tensors.linear(`${at}.${name}_proj`, dim, dim, false);
    return { kind: 'separate', q: linear('q'), k: linear('k'), v: linear('v') };
  });
}

/** CodeGen: GPT-J with queries, values and keys in one matrix, in four groups. */
export function codegen(config: Options, tensors: Tensors): DecoderSpec {
  const heads = eitherCount(config, 'n_head', 'num_attention_heads', 16);
  if (heads % CODEGEN_GROUPS !== 0) refuse(config, 'n_head', msg`is ${heads}, which ${CODEGEN_GROUPS} does not divide`);
  return gptJLike(config, tensors, (at, dim) => ({
    kind: 'fused',
    qkv: tensors.linear(`${at}.qkv_proj`, dim, 3 * dim, false),
    layout: { groups: CODEGEN_GROUPS, order: 'qvk' },
  }));
}

function gptJLike(config: Options, tensors: Tensors, projections: (at: string, dim: number) => Projections): DecoderSpec {
  const dim = eitherCount(config, 'n_embd', 'hidden_size', 4096);
  const heads = eitherCount(config, 'n_head', 'num_attention_heads', 16);
  const layers = eitherCount(config, 'n_layer', 'num_hidden_layers', 28);
  const positions = eitherCount(config, 'n_positions', 'max_position_embeddings', 2048);
  const turned = count(config, 'rotary_dim', 64);
  const inner = optionalCount(config, 'n_inner', 4 * dim);
  const vocab = count(config, 'vocab_size', 50_400);
  const epsilon = positive(config, 'layer_norm_epsilon', 1e-5);
  const activation = activationNamed(text(config, 'activation_function', 'gelu_new'), 'activation_function');
  if (dim % heads !== 0) refuse(config, 'n_embd', msg`is ${dim}, which ${heads} heads do not divide`);
  const headDim = dim / heads;
  if (turned > headDim || turned % 2 !== 0) refuse(config, 'rotary_dim', msg`is ${turned}, which must be even and at most ${headDim}`);

  const prefix = tensors.has('ln_f.weight') ? '' : 'transformer.';
  const rope = {
    theta: 10_000,
    width: headDim,
    dim: turned,
    style: 'interleaved',
    scaling: { kind: 'default' },
    backwards: false,
    attentionFactor: 1,
  } as const;
  const { embedding, unembed } = embeddingPair(
    tensors,
    `${prefix}wte.weight`,
    'lm_head.weight',
    vocab,
    dim,
    flag(config, 'tie_word_embeddings', false),
  );
  const blocks = Array.from({ length: layers }, (_, layer): Block => {
    const at = `${prefix}h.${layer}`;
    const norms = preNorm(tensors.layerNorm(`${at}.ln_1`, dim, epsilon));
    return {
      ...PLAIN_BLOCK,
      wiring: 'parallel',
      attentionNorms: norms,
      attention: {
        ...PLAIN_ATTENTION,
        projections: projections(`${at}.attn`, dim),
        rope,
        scale: headDim ** -0.5,
        output: tensors.linear(`${at}.attn.out_proj`, dim, dim, false),
      },
      mlpNorms: norms,
      mlp: {
        kind: 'plain',
        up: tensors.linear(`${at}.mlp.fc_in`, dim, inner, true),
        down: tensors.linear(`${at}.mlp.fc_out`, inner, dim, true),
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
    positions: { kind: 'rotary' },
    blocks,
    finalNorm: tensors.layerNorm(`${prefix}ln_f`, dim, epsilon),
    unembed: { ...unembed, bias: tensors.weight('lm_head.bias', [vocab]) },
  };
}

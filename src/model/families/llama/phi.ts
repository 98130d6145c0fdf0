import { msg } from '../../../core/translatable.ts';
import { flag, positive, refuse, type Options } from '../config.ts';
import { windowOption } from '../layers.ts';
import { PARTIAL_TYPES } from '../rope.ts';
import type { Attention, DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { llamaLike, plainMlp, readSizes, rmsEpsilon, sharedNorm } from './base.ts';

/** Phi 1 to 2: attention and MLP in parallel after one LayerNorm, biases everywhere, part of each head rotated. */
export function phi(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2048,
    inner: 8192,
    layers: 24,
    heads: 32,
    kvHeads: null,
    vocab: 51_200,
    positions: 2048,
    activation: 'gelu_new',
  });
  const { dim, inner, heads, headDim, activation } = sizes;
  const epsilon = positive(config, 'layer_norm_eps', 1e-5);
  const normed = flag(config, 'qk_layernorm', false);
  if (normed && headDim * heads !== dim)
    refuse(config, 'qk_layernorm', msg`is true with heads of ${headDim}, which are not hidden_size / num_attention_heads`);
  const norm = (name: string, width: number) => tensors.layerNorm(name, width, epsilon);
  const headNorms = (attention: string): Pick<Attention, 'queryKeyNorm'> => ({
    queryKeyNorm: {
      query: { kind: 'heads', norm: norm(`${attention}.q_layernorm`, headDim) },
      key: { kind: 'heads', norm: norm(`${attention}.k_layernorm`, headDim) },
      when: 'beforeRope',
    },
  });
  return llamaLike(config, tensors, sizes, epsilon, {
    norm,
    norms: sharedNorm,
    wiring: 'parallel',
    finalNorm: 'final_layernorm',
    outputName: 'dense',
    unembedBias: true,
    biases: { qkv: true, output: true, mlp: true },
    rope: { partial: 0.5, types: PARTIAL_TYPES },
    attention: ({ attention }) => (normed ? headNorms(attention) : {}),
    mlp: ({ mlp }) => plainMlp(tensors, `${mlp}.fc1`, `${mlp}.fc2`, dim, inner, activation, true),
  });
}

/** Phi 3 and 4: queries, keys and values fused in one matrix, gate and up in another, a window in every layer, or in none. */
export function phi3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 3072, inner: 8192, layers: 32, heads: 32, kvHeads: null, vocab: 32_064, positions: 4096 });
  const { dim, inner, heads, kvHeads, headDim, activation } = sizes;
  const window = windowOption(config, null);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 1e-5), {
    windows: () => window,
    rope: { partial: 1, trained: 4096, types: ['default', 'longrope'], renamed: { su: 'longrope', yarn: 'longrope' } },
    attention: ({ attention }) => ({
      projections: {
        kind: 'fused',
        qkv: tensors.linear(`${attention}.qkv_proj`, dim, (heads + 2 * kvHeads) * headDim, false),
        layout: { groups: 1, order: 'qkv' },
      },
    }),
    mlp: ({ mlp }) => ({
      kind: 'gatedFused',
      activation,
      gateUp: tensors.linear(`${mlp}.gate_up_proj`, dim, 2 * inner, false),
      down: tensors.linear(`${mlp}.down_proj`, inner, dim, false),
    }),
  });
}

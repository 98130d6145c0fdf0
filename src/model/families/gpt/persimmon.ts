import { flag, positive, type Options } from '../config.ts';
import { llamaLike, plainMlp, readSizes } from '../llama/base.ts';
import type { Attention, DecoderSpec, HeadNorm } from '../spec.ts';
import type { Tensors } from '../tensors.ts';

/** Adept's Persimmon: LayerNorm, also of queries and keys, projections fused as in GPT-NeoX, half of each head rotated, squared ReLU. */
export function persimmon(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 16_384,
    layers: 36,
    heads: 64,
    kvHeads: null,
    vocab: 262_144,
    positions: 16_384,
    activation: 'relu2',
  });
  const { dim, inner, heads, headDim, activation } = sizes;
  const epsilon = positive(config, 'layer_norm_eps', 1e-5);
  const normed = flag(config, 'qk_layernorm', true);
  const norm = (name: string): HeadNorm => ({ kind: 'heads', norm: tensors.layerNorm(name, headDim, epsilon) });
  return llamaLike(config, tensors, { ...sizes, kvHeads: heads }, epsilon, {
    norm: (name, width) => tensors.layerNorm(name, width, epsilon),
    rope: { partial: 0.5 },
    attention: ({ attention }): Partial<Attention> => ({
      projections: {
        kind: 'fused',
        qkv: tensors.linear(`${attention}.query_key_value`, dim, 3 * dim, true),
        layout: { groups: heads, order: 'qkv' },
      },
      output: tensors.linear(`${attention}.dense`, dim, dim, true),
      queryKeyNorm: normed ? { query: norm(`${attention}.q_layernorm`), key: norm(`${attention}.k_layernorm`), when: 'beforeRope' } : null,
    }),
    mlp: ({ mlp }) => plainMlp(tensors, `${mlp}.dense_h_to_4h`, `${mlp}.dense_4h_to_h`, dim, inner, activation, true),
    finalNorm: 'final_layernorm',
  });
}

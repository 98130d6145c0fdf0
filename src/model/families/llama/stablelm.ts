import { flag, positive, type Options } from '../config.ts';
import { PARTIAL_TYPES } from '../rope.ts';
import { preNorm, type Attention, type DecoderSpec, type HeadNorm } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { llamaLike, readSizes, sharedNorm } from './base.ts';

/** StableLM 2 and 3B: LayerNorm, part of each head rotated, attention and MLP in parallel or in sequence. */
export function stablelm(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 2560, inner: 6912, layers: 32, heads: 32, kvHeads: 32, vocab: 50_304, positions: 4096 });
  const { heads, kvHeads, headDim } = sizes;
  const epsilon = positive(config, 'layer_norm_eps', 1e-5);
  const parallel = flag(config, 'use_parallel_residual', false);
  const normed = flag(config, 'qk_layernorm', false);
  const perHead = (name: string, count: number): HeadNorm => ({
    kind: 'perHead',
    norm: { kind: 'layer', width: headDim, weight: null, offset: 0, bias: null, epsilon },
    weights: Array.from({ length: count }, (_, head) => tensors.weight(`${name}.norms.${head}.weight`, [headDim])),
  });
  const headNorms = (attention: string): Pick<Attention, 'queryKeyNorm'> => ({
    queryKeyNorm: {
      query: perHead(`${attention}.q_layernorm`, heads),
      key: perHead(`${attention}.k_layernorm`, kvHeads),
      when: 'beforeRope',
    },
  });
  return llamaLike(config, tensors, sizes, epsilon, {
    norm: (name, width) => tensors.layerNorm(name, width, epsilon),
    norms: (place, norm) =>
      parallel
        ? sharedNorm(place, norm)
        : { attentionNorms: preNorm(norm(`${place.at}.input_layernorm`)), mlpNorms: preNorm(norm(`${place.at}.post_attention_layernorm`)) },
    wiring: parallel ? 'parallel' : 'sequential',
    biases: { qkv: flag(config, 'use_qkv_bias', false), output: false, mlp: false },
    rope: { partial: 0.25, types: PARTIAL_TYPES },
    attention: ({ attention }) => (normed ? headNorms(attention) : {}),
  });
}

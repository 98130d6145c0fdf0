import { msg } from '../../../core/translatable.ts';
import { numberOrNull, positive, refuse, value, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, joinedNorms, llamaLike, postNorms, readSizes, rmsEpsilon, type Defaults } from './base.ts';
import { ropesByKind } from './ropesByKind.ts';

const DEFAULTS: Defaults = { dim: 4096, inner: 11_008, layers: 32, heads: 32, kvHeads: null, vocab: 50_304, positions: 2048 };
/** The base frequency of OLMo 3's layers with a window, whatever `rope_theta` says. */
const SLIDING_THETA = 500_000;

/** OLMo 1: LayerNorm without weights, queries, keys and values clipped to `clip_qkv`. */
export function olmo(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, DEFAULTS);
  const clip = clipOption(config);
  return llamaLike(config, tensors, sizes, 1e-5, {
    norm: (name, width) => tensors.layerNorm(name, width, 1e-5, { weight: false }),
    biases: attentionBias(config),
    attention: () => ({ clip }),
  });
}

/** OLMo 2: post-norms, queries and keys normalised over all heads together. */
export function olmo2(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, DEFAULTS);
  const epsilon = rmsEpsilon(config, 1e-5);
  return llamaLike(config, tensors, sizes, epsilon, {
    norms: postNorms,
    biases: attentionBias(config),
    attention: ({ attention }) => joinedNorms(tensors, attention, sizes, epsilon),
  });
}

/** OLMo 3: OLMo 2 with windows, and a separate rope for the layers that have one. */
export function olmo3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, DEFAULTS);
  const epsilon = rmsEpsilon(config, 1e-5);
  // transformers 5 applies `rope_theta` only to layers without a window, transformers 4 to all.
  if (value(config, 'rope_parameters') === undefined && positive(config, 'rope_theta', SLIDING_THETA) !== SLIDING_THETA) {
    refuse(
      config,
      'rope_theta',
      msg`is not ${SLIDING_THETA}: versions of the reference differ on which layers it means, so only "rope_parameters" can say it`,
    );
  }
  const sliding = slidingLayers(config, sizes.layers, (layer) => (layer + 1) % 4 !== 0);
  const ropes = ropesByKind(config, sizes, { full: SLIDING_THETA, sliding: SLIDING_THETA, slidingOption: null });
  return llamaLike(config, tensors, sizes, epsilon, {
    norms: postNorms,
    biases: attentionBias(config),
    windows: windowsOf(config, sliding, windowOption(config, 4096)),
    ropes: (layer) => (sliding(layer) ? ropes.sliding : ropes.full),
    attention: ({ attention }) => joinedNorms(tensors, attention, sizes, epsilon),
  });
}

/** `clip_qkv`; null: none. */
export function clipOption(config: Options): number | null {
  return numberOrNull(config, 'clip_qkv', null) === null ? null : positive(config, 'clip_qkv', 1);
}

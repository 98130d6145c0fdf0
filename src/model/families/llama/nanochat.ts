import { numberOrNull, positive, type Options } from '../config.ts';
import type { DecoderSpec, Norm } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, plainMlp, readSizes, rmsEpsilon } from './base.ts';

/**
 * nanochat: norms without weights, one more after the embedding and one of queries and keys after their rotation, which goes
 * backwards; a plain MLP of squared ReLU; soft-capped logits.
 */
export function nanochat(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 768,
    inner: 8192,
    layers: 12,
    heads: 6,
    kvHeads: 6,
    vocab: 50_304,
    positions: 2048,
    activation: 'relu2',
  });
  const { dim, inner, headDim, activation } = sizes;
  const epsilon = rmsEpsilon(config);
  const norm = (width: number): Norm => ({ kind: 'rms', width, weight: null, offset: 0, bias: null, epsilon });
  const ofHeads = { kind: 'heads', norm: norm(headDim) } as const;
  const cap = numberOrNull(config, 'final_logit_softcapping', 15);
  return llamaLike(config, tensors, sizes, epsilon, {
    norm: (_, width) => norm(width),
    biases: attentionBias(config),
    rope: { backwards: true },
    attention: () => ({ queryKeyNorm: { query: ofHeads, key: ofHeads, when: 'afterRope' } }),
    mlp: ({ mlp }) => plainMlp(tensors, `${mlp}.fc1`, `${mlp}.fc2`, dim, inner, activation, false),
    decoder: { embeddingNorm: norm(dim), logitCap: cap === null ? null : positive(config, 'final_logit_softcapping', 15) },
  });
}

import { flag, number, positive, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, readSizes, rmsEpsilon, type Differences, type Sizes } from './base.ts';

/** Granite 3: multipliers of embeddings, scores, sublayer outputs and logits (Yang et al. 2022). */
export function granite(config: Options, tensors: Tensors): DecoderSpec {
  return graniteLike(config, tensors, { biases: attentionBias(config, false, true, flag(config, 'mlp_bias', false)) });
}

/** A decoder with Granite's multipliers, which differs from Granite 3 as `differences` say. */
export function graniteLike(
  config: Options,
  tensors: Tensors,
  differences: Differences,
  sizes = graniteSizes(config),
  epsilon = rmsEpsilon(config),
): DecoderSpec {
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    ...differences,
    scale: differences.scale ?? number(config, 'attention_multiplier', 1),
    decoder: {
      embeddingScale: number(config, 'embedding_multiplier', 1),
      residualScale: number(config, 'residual_multiplier', 1),
      logitScale: 1 / positive(config, 'logits_scaling', 1),
    },
  });
}

/** Sizes of a model of Granite's family. */
export function graniteSizes(config: Options): Sizes {
  return readSizes(config, { dim: 4096, inner: 11_008, layers: 32, heads: 32, kvHeads: null, vocab: 32_000, positions: 2048 });
}

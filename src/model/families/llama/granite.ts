import { flag, number, positive, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, readSizes, rmsEpsilon } from './base.ts';

/** Granite 3: multipliers of embeddings, scores, sublayer outputs and logits (Yang et al. 2022). */
export function granite(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4096, inner: 11_008, layers: 32, heads: 32, kvHeads: null, vocab: 32_000, positions: 2048 });
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), {
    biases: attentionBias(config, false, true, flag(config, 'mlp_bias', false)),
    scale: number(config, 'attention_multiplier', 1),
    decoder: {
      embeddingScale: number(config, 'embedding_multiplier', 1),
      residualScale: number(config, 'residual_multiplier', 1),
      logitScale: 1 / positive(config, 'logits_scaling', 1),
    },
  });
}

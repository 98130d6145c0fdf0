import { count, eitherCount, type Options } from '../config.ts';
import { exaoneAttention, exaoneSizes } from '../llama/exaone4.ts';
import { llamaLike, rmsEpsilon } from '../llama/base.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { denseThenExperts, sigmoidRouting, sparseByKind } from './denseThenExperts.ts';

/** K-EXAONE: attention as in EXAONE 4 behind pre-norms, experts as in DeepSeek V3. */
export function exaoneMoe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = exaoneSizes(config);
  const epsilon = rmsEpsilon(config, 1e-5);
  const experts = eitherCount(config, 'num_experts', 'num_local_experts', 64);
  const first = count(config, 'first_k_dense_replace', 1, 0);
  return llamaLike(config, tensors, sizes, epsilon, {
    ...exaoneAttention(config, tensors, sizes, epsilon),
    mlp: denseThenExperts(
      config,
      tensors,
      sizes,
      {
        firstSparse: 1,
        isSparse: sparseByKind(config, sizes.layers, (layer) => layer >= first),
        bias: false,
        experts,
        chosen: 8,
        scale: 2.5,
        inner: 1024,
        shared: 1,
        names: { sharedOption: 'num_shared_experts' },
      },
      sigmoidRouting(config, tensors, experts, [1, 1], 'e_score_correction_bias'),
    ),
  });
}

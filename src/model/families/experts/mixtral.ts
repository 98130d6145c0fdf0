import { eitherCount, type Options } from '../config.ts';
import { windowOption } from '../layers.ts';
import { llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import { PLAIN_EXPERTS, type DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, gatedExperts } from './expertParts.ts';

/** Mixtral: Mistral with experts, whose weights sum to 1. */
export function mixtral(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4096, inner: 14_336, layers: 32, heads: 32, kvHeads: 8, vocab: 32_000, positions: 131_072 });
  const { dim, inner, activation } = sizes;
  const experts = eitherCount(config, 'num_local_experts', 'num_experts', 8);
  const chosen = chosenExperts(config, experts, 2);
  const window = windowOption(config, null);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 1e-5), {
    rope: { theta: 1_000_000 },
    windows: () => window,
    mlp: ({ at, mlp }) => {
      const place = tensors.has(`${mlp}.gate.weight`) ? mlp : `${at}.block_sparse_moe`;
      return {
        ...PLAIN_EXPERTS,
        chosen,
        score: 'softmax',
        normalised: true,
        router: tensors.linear(`${place}.gate`, dim, experts, false),
        experts: gatedExperts(tensors, `${place}.experts`, experts, dim, inner, activation, { gate: 'w1', up: 'w3', down: 'w2' }),
      };
    },
  });
}

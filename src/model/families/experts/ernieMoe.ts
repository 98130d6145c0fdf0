import { count, eitherCount, number, positive, value, type Options } from '../config.ts';
import { gatedMlp, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import { ernieDifferences } from '../llama/ernie.ts';
import { PLAIN_EXPERTS, type DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, gatedExperts, sharedExperts } from './expertParts.ts';

/** ERNIE 4.5 with experts, chosen by softmax and a correction, in the layers from `moe_layer_start_index` to `moe_layer_end_index`. */
export function ernieMoe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2560,
    inner: 12_288,
    layers: 28,
    heads: 20,
    kvHeads: 4,
    vocab: 103_424,
    positions: 131_072,
    tied: true,
  });
  const { dim, inner, activation, layers } = sizes;
  const differences = ernieDifferences(config);
  const bias = differences.biases.mlp;
  const experts = eitherCount(config, 'moe_num_experts', 'num_experts', 64);
  const chosen = chosenExperts(renamed(config, 'moe_k', 'num_experts_per_tok'), experts, 6);
  const expertInner = count(config, 'moe_intermediate_size', 1536);
  const shared = count(config, 'moe_num_shared_experts', 2, 0);
  const interval = count(config, 'moe_layer_interval', 1);
  const first = count(config, 'moe_layer_start_index', 1, 0);
  const last = number(config, 'moe_layer_end_index', -1);
  const leastSum = positive(config, 'moe_norm_min', 1e-12);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 1e-5), {
    ...differences,
    unembedBias: bias,
    mlp: ({ layer, mlp }) => {
      const sparse = (layer + 1) % interval === 0 && layer >= first && layer <= (last === -1 ? layers - 1 : last);
      if (!sparse) return gatedMlp(tensors, mlp, dim, inner, activation, bias);
      return {
        ...PLAIN_EXPERTS,
        chosen,
        score: 'softmax',
        correction: tensors.weight(`${mlp}.moe_statics.e_score_correction_bias`, [1, experts]),
        normalised: true,
        leastSum,
        router: tensors.linear(`${mlp}.gate`, dim, experts, false),
        experts: gatedExperts(tensors, `${mlp}.experts`, experts, dim, expertInner, activation),
        shared: shared === 0 ? null : sharedExperts(tensors, `${mlp}.shared_experts`, dim, shared * expertInner, activation, bias),
      };
    },
  });
}

/** Options in which an option of the family's own name stands under the common one too. */
function renamed(config: Options, own: string, common: string): Options {
  const found = value(config, own);
  return found === undefined ? config : { ...config, values: { ...config.values, [common]: found } };
}

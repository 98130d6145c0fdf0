import { eitherCount, number, value, type Options } from '../config.ts';
import { joinedNorms, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import { PLAIN_EXPERTS, type DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, gatedExperts } from './expertParts.ts';

/** MiniMax M2: queries and keys normalised over all heads together, experts chosen by a sigmoid with a correction. */
export function minimaxM2(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 3072,
    inner: 1536,
    layers: 62,
    heads: 48,
    kvHeads: 8,
    headDim: 128,
    ownHeadDim: true,
    vocab: 200_064,
    positions: 196_608,
  });
  const { dim, inner, headDim, activation } = sizes;
  const epsilon = rmsEpsilon(config);
  const experts = eitherCount(config, 'num_local_experts', 'num_experts', 256);
  const chosen = chosenExperts(config, experts, 8);
  // Published files say how many numbers of a head are rotated.
  const partial = value(config, 'rotary_dim') === undefined ? 1 : number(config, 'rotary_dim') / headDim;
  return llamaLike(config, tensors, sizes, epsilon, {
    rope: { theta: 5_000_000, partial },
    attention: ({ attention }) => joinedNorms(tensors, attention, sizes, epsilon),
    mlp: ({ at, mlp }) => {
      const old = `${at}.block_sparse_moe`;
      const isOld = tensors.has(`${old}.gate.weight`);
      const place = isOld ? old : mlp;
      return {
        ...PLAIN_EXPERTS,
        chosen,
        score: 'sigmoid',
        correction: tensors.weight(`${place}.e_score_correction_bias`, [experts]),
        normalised: true,
        router: tensors.linear(`${place}.gate`, dim, experts, false),
        experts: gatedExperts(
          tensors,
          `${place}.experts`,
          experts,
          dim,
          inner,
          activation,
          isOld ? { gate: 'w1', up: 'w3', down: 'w2' } : undefined,
        ),
      };
    },
  });
}

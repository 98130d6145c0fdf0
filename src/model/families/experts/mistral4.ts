import { msg } from '../../../core/translatable.ts';
import { count, eitherCount, flag, number, options, refuse, value, type Options } from '../config.ts';
import { readSizes } from '../llama/base.ts';
import { latentDecoder } from '../llama/latentAttention.ts';
import { queryScaleOption } from '../llama/mistral.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { denseThenExperts } from './denseThenExperts.ts';
import { expertGroups, normalisedOption } from './expertParts.ts';

const LATENT = { rank: 256, queryRank: 1024, plain: 64, rotated: 64, valueDim: 128 };

/** The rope where config.json has none. */
const YARN = {
  rope_type: 'yarn',
  rope_theta: 10_000,
  factor: 128,
  original_max_position_embeddings: 8192,
  beta_fast: 32,
  beta_slow: 1,
  mscale: 1,
  mscale_all_dim: 1,
  llama_4_scaling_beta: 0.1,
};

/** Mistral Small 4: latent attention whose queries grow with their position, experts chosen by softmax. */
export function mistral4(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 12_288,
    layers: 36,
    heads: 32,
    kvHeads: 32,
    // Not read: latent attention has sizes of its own.
    headDim: 128,
    ownHeadDim: true,
    vocab: 131_072,
    positions: 1_048_576,
  });
  const rope = rotatedPart(config);
  const experts = eitherCount(config, 'n_routed_experts', 'num_local_experts', 128);
  return latentDecoder(
    rope,
    tensors,
    sizes,
    { style: flag(config, 'rope_interleave', true) ? 'interleaved' : 'half', types: ['yarn'], latent: LATENT },
    {
      queryScale: queryScaleOption(options(value(rope, 'rope_parameters'), 'rope_parameters'), sizes.maxPositions),
      mlp: denseThenExperts(
        config,
        tensors,
        sizes,
        { firstSparse: 0, bias: false, experts, chosen: 4, scale: 1, inner: 2048, shared: 1 },
        {
          score: 'softmax',
          correction: () => null,
          normalised: normalisedOption(config, true),
          groups: expertGroups(config, experts, [1, 1], 'bestTwo'),
        },
      ),
    },
  );
}

/**
 * The options with a rope of the rotated part of a head alone, under `rope_parameters`: files may say which share of the head that is.
 * Throws UserError where it is another share than `qk_rope_head_dim`.
 */
function rotatedPart(config: Options): Options {
  const given = value(config, 'rope_scaling') ?? value(config, 'rope_parameters') ?? null;
  const rope = options(given ?? YARN, 'rope_parameters');
  const rotated = count(config, 'qk_rope_head_dim', LATENT.rotated);
  const headDim = rotated + count(config, 'qk_nope_head_dim', LATENT.plain);
  const share = number(rope, 'partial_rotary_factor', rotated / headDim);
  if (Math.trunc(headDim * share) !== rotated)
    refuse(rope, 'partial_rotary_factor', msg`is ${share}, where ${rotated} of ${headDim} numbers are rotated`);
  const { partial_rotary_factor: _, ...parameters } = rope.values;
  const { rope_scaling: __, ...values } = config.values;
  return { ...config, values: { ...values, rope_parameters: parameters } };
}

import { isRecord } from '../../../core/records.ts';
import { msg } from '../../../core/translatable.ts';
import { count, flag, optionalCount, optionalNumber, options, positive, refuse, value, type Options } from '../config.ts';
import { readRope, type RopeStyle } from '../rope.ts';
import type { Attention, DecoderSpec, LatentProjections } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, rmsEpsilon, type Differences, type Place, type Sizes } from './base.ts';

/** Epsilon of the norms inside latent attention, whatever `rms_norm_eps` says. */
const LATENT_EPSILON = 1e-6;

/** Default sizes of latent attention: of what keys and values, and queries, are computed from, and of a head's parts. */
interface LatentSizes {
  readonly rank: number;
  readonly queryRank: number;
  readonly plain: number;
  readonly rotated: number;
  readonly valueDim: number;
}

const DEEPSEEK: LatentSizes = { rank: 512, queryRank: 1536, plain: 128, rotated: 64, valueDim: 128 };

/** Defaults of latent attention; those of DeepSeek where absent. */
export interface LatentDefaults {
  readonly style: 'half' | 'interleaved';
  /** The only rope types that the family has. */
  readonly types?: RopeStyle['types'];
  readonly latent?: LatentSizes;
  /** Epsilon of the norms around the sublayers. */
  readonly epsilon?: number;
}

/** What a family with latent attention has besides it. */
type Besides = Pick<Differences, 'mlp' | 'biases' | 'decoder'> & Partial<Pick<Attention, 'queryScale'>>;

/** A decoder with latent attention (DeepSeek V2) in every layer. */
export function latentDecoder(config: Options, tensors: Tensors, sizes: Sizes, absent: LatentDefaults, besides: Besides): DecoderSpec {
  const { dim, heads } = sizes;
  const { latent = DEEPSEEK } = absent;
  const { queryScale = null, ...differences } = besides;
  const rotated = count(config, 'qk_rope_head_dim', latent.rotated);
  const plain = count(config, 'qk_nope_head_dim', latent.plain);
  const valueDim = optionalCount(config, 'v_head_dim', latent.valueDim);
  const rank = count(config, 'kv_lora_rank', latent.rank);
  const queryRank = value(config, 'q_lora_rank') === null ? null : count(config, 'q_lora_rank', latent.queryRank);
  const bias = flag(config, 'attention_bias', false);
  if (sizes.kvHeads !== heads)
    refuse(config, 'num_key_value_heads', msg`is ${sizes.kvHeads}, where latent attention has as many as ${heads} heads`);
  const rope = readRope(config, rotated, sizes.maxPositions, {
    style: absent.style,
    ...(absent.types === undefined ? {} : { types: absent.types }),
  });
  const headDim = plain + rotated;
  const attention = ({ attention: at }: Place): Partial<Attention> => {
    const linear = (name: string, input: number, output: number, biased: boolean) => tensors.linear(`${at}.${name}`, input, output, biased);
    const projections: LatentProjections = {
      kind: 'latent',
      rank,
      plain,
      rotated,
      query:
        queryRank === null
          ? linear('q_proj', dim, heads * headDim, false)
          : {
              down: linear('q_a_proj', dim, queryRank, bias),
              norm: tensors.rms(`${at}.q_a_layernorm`, queryRank, LATENT_EPSILON),
              up: linear('q_b_proj', queryRank, heads * headDim, false),
            },
      down: linear('kv_a_proj_with_mqa', dim, rank + rotated, bias),
      norm: tensors.rms(`${at}.kv_a_layernorm`, rank, LATENT_EPSILON),
      up: linear('kv_b_proj', rank, heads * (plain + valueDim), false),
    };
    return { projections, queryScale, output: linear('o_proj', heads * valueDim, dim, bias) };
  };
  return llamaLike(config, tensors, { ...sizes, kvHeads: heads, headDim }, rmsEpsilon(config, absent.epsilon), {
    biases: attentionBias(config),
    ...differences,
    ropes: () => rope,
    scale: headDim ** -0.5 * yarnScale(config),
    attention,
    decoder: { valueDim, ...differences.decoder },
  });
}

/** Factor of the scores: with an extended context and `mscale_all_dim`, the square of YaRN's magnitude scale. */
function yarnScale(config: Options): number {
  const given = value(config, 'rope_scaling') ?? value(config, 'rope_parameters');
  if (!isRecord(given)) return 1;
  const rope = options(given, 'rope_parameters');
  if ((value(rope, 'rope_type') ?? value(rope, 'type') ?? 'default') === 'default') return 1;
  if (value(rope, 'factor') === undefined) refuse(rope, 'factor', msg`is missing`);
  const mscale = optionalNumber(rope, 'mscale_all_dim') ?? 0;
  const factor = mscale === 0 ? 1 : positive(rope, 'factor', 1);
  return factor <= 1 ? 1 : (0.1 * mscale * Math.log(factor) + 1) ** 2;
}

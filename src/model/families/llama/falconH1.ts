import { msg } from '../../../core/translatable.ts';
import { count, flag, list, number, only, optionalCount, value, type Options } from '../config.ts';
import { mambaLayer, mambaSizes, stepLimitOption, times } from '../mamba.ts';
import type { DecoderSpec, DenseMlp, Mamba } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, gatedMlp, llamaLike, readSizes, rmsEpsilon, type Place, type Sizes } from './base.ts';

/** Falcon H1 (TII 2025): Mamba 2 and attention read the same and add to the residual together; multipliers everywhere. */
export function falconH1(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 14_336,
    layers: 32,
    heads: 32,
    kvHeads: 8,
    ownHeadDim: true,
    vocab: 128_000,
    positions: 8192,
  });
  const { dim, heads, kvHeads, headDim } = sizes;
  const epsilon = rmsEpsilon(config, 1e-5);
  const biases = attentionBias(config, false, true, flag(config, 'mlp_bias', false));
  const [read, keys, put] = ['attention_in_multiplier', 'key_multiplier', 'attention_out_multiplier'].map((name) =>
    number(config, name, 1),
  );
  const mamba = besideAttention(config, tensors, dim, epsilon);
  const mlp = falconMlp(config, tensors, sizes, biases.mlp);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases,
    normNames: ['input_layernorm', 'pre_ff_layernorm'],
    finalNorm: 'final_layernorm',
    attention: (place) => {
      const linear = (name: string, output: number) => tensors.linear(`${place.attention}.${name}_proj`, dim, output, biases.qkv);
      return {
        projections: {
          kind: 'separate',
          q: times(linear('q', heads * headDim), read ?? 1, 1),
          k: times(linear('k', kvHeads * headDim), (read ?? 1) * (keys ?? 1), keys),
          v: times(linear('v', kvHeads * headDim), read ?? 1, 1),
        },
        output: times(tensors.linear(`${place.attention}.o_proj`, heads * headDim, dim, biases.output), put ?? 1),
        beside: mamba(place),
      };
    },
    mlp: (place) => mlp(`${place.at}.feed_forward`),
    decoder: { embeddingScale: number(config, 'embedding_multiplier', 1), logitScale: number(config, 'lm_head_multiplier', 1) },
  });
}

function besideAttention(config: Options, tensors: Tensors, dim: number, epsilon: number): (place: Place) => Mamba {
  only(config, 'hidden_act', 'silu');
  const inner = value(config, 'mamba_d_ssm') === null ? count(config, 'mamba_expand', 2) * dim : optionalCount(config, 'mamba_d_ssm', 1024);
  const sizes = mambaSizes(config, dim, inner);
  const biases = {
    input: flag(config, 'mamba_proj_bias', false),
    convolution: flag(config, 'mamba_conv_bias', true),
    output: flag(config, 'projectors_bias', false),
  };
  const when = flag(config, 'mamba_norm_before_gate', true) ? 'beforeGate' : 'behindGate';
  const norm = flag(config, 'mamba_rms_norm', false) ? ({ parts: sizes.groups, epsilon, when } as const) : null;
  const limit = stepLimitOption(config);
  const [gate = 1, x = 1, b = 1, c = 1, step = 1] = multipliers(config, 'ssm_multipliers', 5);
  const factors = [gate, x, b, c, step] as const;
  const [read, put] = [number(config, 'ssm_in_multiplier', 1), number(config, 'ssm_out_multiplier', 1)];
  return ({ at }) => {
    const layer = mambaLayer(tensors, `${at}.mamba`, sizes, biases, limit, norm);
    return {
      ...layer,
      input: times(layer.input, read, 1),
      inputFactors: factors.every((factor) => factor === 1) ? null : factors,
      output: times(layer.output, put),
    };
  };
}

function falconMlp(config: Options, tensors: Tensors, { dim, inner, activation }: Sizes, bias: boolean): (at: string) => DenseMlp {
  const [gated = 1, put = 1] = multipliers(config, 'mlp_multipliers', 2);
  return (at) => {
    const mlp = gatedMlp(tensors, at, dim, inner, activation, bias);
    return mlp.kind === 'gated' ? { ...mlp, gate: times(mlp.gate, gated), down: times(mlp.down, put) } : mlp;
  };
}

function multipliers(config: Options, name: string, count: number): readonly number[] {
  const isNumber = (item: unknown): item is number => typeof item === 'number' && Number.isFinite(item);
  return list(config, name, count, isNumber, msg`numbers`) ?? [];
}

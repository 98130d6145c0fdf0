import { isRecord } from '../../core/records.ts';
import { msg } from '../../core/translatable.ts';
import { count, optionalCount, refuse, value, type Options } from './config.ts';
import type { Linear, Mamba } from './spec.ts';
import type { Tensors } from './tensors.ts';

/** Sizes of a Mamba 2 layer. */
export type MambaSizes = Pick<Mamba, 'heads' | 'headDim' | 'groups' | 'stateDim'> & {
  readonly dim: number;
  /** Tokens that the convolution reads. */
  readonly size: number;
};

/** Which of the layer's matrices have biases. */
export interface MambaBiases {
  readonly input: boolean;
  readonly convolution: boolean;
  readonly output: boolean;
}

/**
 * A Mamba 2 layer whose tensors have the reference's names under `at`. `norm`: how its norm is made, whose weight is `norm.weight`; null:
 * it has none.
 */
export function mambaLayer(
  tensors: Tensors,
  at: string,
  { dim, size, ...own }: MambaSizes,
  biases: MambaBiases,
  stepLimit: Mamba['stepLimit'],
  norm: Omit<NonNullable<Mamba['norm']>, 'weight'> | null,
): Mamba {
  const { heads, headDim, groups, stateDim } = own;
  const inner = heads * headDim;
  const channels = inner + 2 * groups * stateDim;
  return {
    kind: 'mamba',
    ...own,
    input: tensors.linear(`${at}.in_proj`, dim, inner + channels + heads, biases.input),
    inputFactors: null,
    convolution: {
      kernel: tensors.weight(`${at}.conv1d.weight`, [channels, 1, size]),
      channels,
      size,
      bias: biases.convolution ? tensors.weight(`${at}.conv1d.bias`, [channels]) : null,
    },
    rateLog: tensors.weight(`${at}.A_log`, [heads]),
    stepBias: tensors.weight(`${at}.dt_bias`, [heads]),
    skip: tensors.weight(`${at}.D`, [heads]),
    stepLimit,
    norm: norm === null ? null : { ...norm, weight: tensors.weight(`${at}.norm.weight`, [inner]) },
    output: tensors.linear(`${at}.out_proj`, inner, dim, biases.output),
  };
}

/** The sizes of the options `mamba_*`, of a layer with `inner` numbers a token. Throws UserError for those that do not go together. */
export function mambaSizes(config: Options, dim: number, inner: number): MambaSizes {
  const heads = count(config, 'mamba_n_heads', 128);
  const groups = count(config, 'mamba_n_groups', 1);
  checkGroups(config, 'mamba_n_groups', groups, heads);
  return {
    dim,
    heads,
    headDim: mambaHeadDim(config, heads, inner),
    groups,
    stateDim: count(config, 'mamba_d_state', 256),
    size: count(config, 'mamba_d_conv', 4, 2),
  };
}

/** The option `mamba_d_head`: a number, or "auto" for `inner` by the heads. Throws UserError where heads of it do not make `inner`. */
function mambaHeadDim(config: Options, heads: number, inner: number): number {
  const headDim =
    (value(config, 'mamba_d_head') ?? 'auto') === 'auto' ? Math.floor(inner / heads) : optionalCount(config, 'mamba_d_head', 1);
  if (heads * headDim !== inner)
    refuse(config, 'mamba_d_head', msg`makes ${heads} heads of ${headDim}, where the layer has ${inner} numbers a token`);
  return headDim;
}

/** Throws UserError where the groups do not divide the heads. */
export function checkGroups(config: Options, name: string, groups: number, heads: number): void {
  if (heads % groups !== 0) refuse(config, name, msg`is ${groups}, which does not divide ${heads} Mamba heads`);
}

/** The option `time_step_limit`: two numbers, of which the second may be infinite, as Python's JSON or transformers 5 writes it. */
export function stepLimitOption(config: Options): Mamba['stepLimit'] {
  const found = value(config, 'time_step_limit');
  if (found === undefined) return [0, Infinity];
  const [least, most]: readonly unknown[] = Array.isArray(found) && found.length === 2 ? found : [];
  const end = isRecord(most) && most['__float__'] === 'Infinity' ? Infinity : most;
  if (typeof least !== 'number' || typeof end !== 'number' || !(least >= 0 && end >= least) || least === Infinity)
    return refuse(config, 'time_step_limit', msg`must be two numbers from 0 on, the smaller first`);
  return [least, end];
}

/** A matrix with a family's multiplier of what it computes; `ofBias`: that of its bias, where it is another. */
export function times(linear: Linear, factor: number, ofBias = factor): Linear {
  const { weight, bias } = linear;
  return {
    ...linear,
    weight: factor === 1 ? weight : { ...weight, factor },
    bias: bias === null || ofBias === 1 ? bias : { ...bias, factor: ofBias },
  };
}

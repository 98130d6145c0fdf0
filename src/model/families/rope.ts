import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { quoted } from '../formats/modelFiles.ts';
import { count, flag, number, optionalNumber, options, positive, refuse, text, value, type Options } from './config.ts';

/** Scaling of the angles of rotated pairs, as in transformers' `modeling_rope_utils.py`. */
export type RopeScaling =
  | { readonly kind: 'default' }
  | { readonly kind: 'linear'; readonly factor: number }
  /** NTK-aware, adapting to texts longer than `trained` tokens. */
  | { readonly kind: 'dynamic'; readonly factor: number; readonly trained: number }
  | { readonly kind: 'llama3'; readonly factor: number; readonly lowFactor: number; readonly highFactor: number; readonly trained: number }
  /** Peng et al. 2023. `low` and `high` bound the ramp over pairs. */
  | { readonly kind: 'yarn'; readonly factor: number; readonly low: number; readonly high: number }
  /** Ding et al. 2024. One divisor per pair: `long` for texts over `trained` tokens. */
  | {
      readonly kind: 'longrope';
      readonly short: readonly number[];
      readonly long: readonly number[];
      readonly trained: number;
      readonly factors?: LongFactors;
    }
  /** Rotates only the first `pairs` pairs. */
  | { readonly kind: 'proportional'; readonly pairs: number; readonly factor: number };

/** Factors of cosines and sines in texts up to `trained` tokens and in longer ones. */
export interface LongFactors {
  readonly short: number;
  readonly long: number;
}

/** Rotary positions of a layer (Su et al. 2021). */
export interface Rope {
  readonly theta: number;
  /** Width of a head. */
  readonly width: number;
  /** Number of a head's first numbers that are rotated. */
  readonly dim: number;
  /** `half`: number i is paired with i + dim / 2; `interleaved`: 2 i with 2 i + 1. */
  readonly style: 'half' | 'interleaved';
  readonly scaling: RopeScaling;
  /** Whether vectors turn against the usual sense: all frequencies are negative. */
  readonly backwards: boolean;
  /** Factor of cosines and sines. */
  readonly attentionFactor: number;
}

/** A family's defaults and peculiarities of the rope. */
export interface RopeStyle {
  readonly style?: 'half' | 'interleaved';
  readonly theta?: number;
  /** Share of a head that is rotated by default; absent where the family rotates whole heads whatever `partial_rotary_factor` says. */
  readonly partial?: number;
  /**
   * Whether an odd share of a head counts as the next even number of it, at the frequencies of the odd one, as the reference makes the
   * unscaled rope; absent: it is refused.
   */
  readonly oddRoundsUp?: boolean;
  /** Pretrained context, where `original_max_position_embeddings` is an option of the family rather than of its rope. */
  readonly trained?: number;
  /** The only types that the family has. */
  readonly types?: readonly RopeScaling['kind'][];
  /** Whether vectors turn against the usual sense. */
  readonly backwards?: boolean;
  /** Old names of rope types. */
  readonly renamed?: Readonly<Record<string, string>>;
}

/**
 * The types that the reference allows where it slices off the rotated part of a head: all but "proportional", which rotates part of
 * a whole head.
 */
export const PARTIAL_TYPES = [
  'default',
  'linear',
  'dynamic',
  'llama3',
  'yarn',
  'longrope',
] as const satisfies readonly RopeScaling['kind'][];

/**
 * The rope of config.json: `rope_parameters` (transformers 5) or `rope_theta` and `rope_scaling` (4), the latter first as transformers
 * does.
 * Throws UserError naming the option, or the rope type that is not supported.
 */
export function readRope(config: Options, headDim: number, maxPositions: number, style: RopeStyle = {}): Rope {
  const name = ['rope_scaling', 'rope_parameters'].find((option) => isGiven(value(config, option)));
  return ropeOf(config, name === undefined ? options({}) : options(value(config, name), name), headDim, maxPositions, style);
}

/** The rope that one JSON object of config.json describes; options missing there are looked up in config.json itself. */
export function ropeOf(config: Options, rope: Options, headDim: number, maxPositions: number, style: RopeStyle): Rope {
  const theta = positive(value(rope, 'rope_theta') === undefined ? config : rope, 'rope_theta', style.theta ?? 10_000);
  const named = text(rope, value(rope, 'rope_type') === undefined ? 'type' : 'rope_type', 'default');
  const type = Object.entries(style.renamed ?? {}).find(([old]) => old === named)?.[1] ?? named;
  if (style.types?.every((own) => own !== type) === true)
    refuse(rope, 'rope_type', msg`is ${quoted(named)}, which is not supported for this family`);
  const partialFrom = value(rope, 'partial_rotary_factor') === undefined ? config : rope;
  const partial = optionalNumber(partialFrom, 'partial_rotary_factor') ?? style.partial ?? 1;
  const turnsPart = style.partial !== undefined && type !== 'proportional';
  if (!turnsPart && partial !== 1 && type !== 'default' && type !== 'proportional')
    refuse(partialFrom, 'partial_rotary_factor', msg`cannot be ${partial} with rope type ${quoted(type)}`);
  const share = turnsPart ? Math.trunc(headDim * partial) : headDim;
  const roundsUp = style.oddRoundsUp === true && type === 'default' && share % 2 !== 0;
  const dim = roundsUp ? share + 1 : share;
  if (turnsPart && (partial <= 0 || partial > 1))
    refuse(partialFrom, 'partial_rotary_factor', msg`must be above 0 and at most 1, not ${partial}`);
  if (dim % 2 !== 0 || dim === 0) throw new UserError(msg`config.json: rotary positions need an even head size, not ${dim}.`);
  const needsTrained = type === 'llama3' || type === 'yarn' || type === 'longrope';
  const trainedFrom = value(config, 'original_max_position_embeddings') === undefined ? rope : config;
  const trained = needsTrained
    ? count(style.trained === undefined ? trainedFrom : config, 'original_max_position_embeddings', style.trained ?? maxPositions)
    : maxPositions;
  const { scaling, attentionFactor } = readScaling(rope, type, { headDim: dim, theta, partial, trained, maxPositions });
  // theta^(-2 i / share) is a power of this base with dim in place of share.
  const base = roundsUp ? theta ** (dim / share) : theta;
  return { theta: base, width: headDim, dim, style: style.style ?? 'half', scaling, backwards: style.backwards ?? false, attentionFactor };
}

interface RopeContext {
  readonly headDim: number;
  readonly theta: number;
  readonly partial: number;
  /** Context length before it was extended. */
  readonly trained: number;
  readonly maxPositions: number;
}

function readScaling(rope: Options, type: string, context: RopeContext): { scaling: RopeScaling; attentionFactor: number } {
  const { headDim, trained, maxPositions } = context;
  switch (type) {
    case 'default':
      return { scaling: { kind: 'default' }, attentionFactor: 1 };
    case 'linear':
      return { scaling: { kind: 'linear', factor: requiredFactor(rope) }, attentionFactor: 1 };
    case 'dynamic':
      if (headDim === 2) refuse(rope, 'rope_type', msg`cannot be "dynamic" with a head size of 2`);
      return { scaling: { kind: 'dynamic', factor: requiredFactor(rope), trained: maxPositions }, attentionFactor: 1 };
    case 'llama3': {
      const lowFactor = requiredPositive(rope, 'low_freq_factor');
      const highFactor = requiredPositive(rope, 'high_freq_factor');
      if (highFactor <= lowFactor) refuse(rope, 'high_freq_factor', msg`must be above low_freq_factor, ${lowFactor}`);
      return { scaling: { kind: 'llama3', factor: requiredFactor(rope), lowFactor, highFactor, trained }, attentionFactor: 1 };
    }
    case 'yarn':
      return readYarn(rope, context);
    case 'longrope': {
      const factor = optionalNumber(rope, 'factor') ?? maxPositions / trained;
      const grown = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(trained));
      const attentionFactor = optionalNumber(rope, 'attention_factor') ?? grown;
      return {
        scaling: {
          kind: 'longrope',
          short: divisors(rope, 'short_factor', headDim / 2),
          long: divisors(rope, 'long_factor', headDim / 2),
          trained,
        },
        attentionFactor,
      };
    }
    case 'proportional': {
      const pairs = Math.floor(Math.trunc(context.partial * headDim) / 2);
      if (pairs < 0 || pairs > headDim / 2) refuse(rope, 'partial_rotary_factor', msg`must be between 0 and 1`);
      return { scaling: { kind: 'proportional', pairs, factor: positive(rope, 'factor', 1) }, attentionFactor: 1 };
    }
    default:
      return refuse(rope, 'rope_type', msg`is ${quoted(type)}, which is not supported`);
  }
}

function readYarn(
  rope: Options,
  { headDim, theta, trained, maxPositions }: RopeContext,
): { scaling: RopeScaling; attentionFactor: number } {
  if (value(rope, 'factor') === undefined) refuse(rope, 'factor', msg`is missing`);
  const factor = optionalNumber(rope, 'factor') ?? maxPositions / trained;
  if (factor <= 0) refuse(rope, 'factor', msg`must be above 0, not ${factor}`);
  const mscale = optionalNumber(rope, 'mscale') ?? 0;
  const mscaleAllDim = optionalNumber(rope, 'mscale_all_dim') ?? 0;
  const magnitude = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  const natural = mscale !== 0 && mscaleAllDim !== 0 ? magnitude(mscale) / magnitude(mscaleAllDim) : magnitude(1);
  // 0 and null mean the default, as `or` does in the reference.
  const betaFast = optionalNumber(rope, 'beta_fast') || 32;
  const betaSlow = optionalNumber(rope, 'beta_slow') || 1;
  if (betaFast < 0 || betaSlow < 0) refuse(rope, betaFast < 0 ? 'beta_fast' : 'beta_slow', msg`must be above 0`);
  if (theta === 1) refuse(rope, 'rope_theta', msg`cannot be 1 with rope type "yarn"`);
  const pairAt = (turns: number): number => (headDim * Math.log(trained / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const truncate = flag(rope, 'truncate', true);
  const low = Math.max(truncate ? Math.floor(pairAt(betaFast)) : pairAt(betaFast), 0);
  const high = Math.min(truncate ? Math.ceil(pairAt(betaSlow)) : pairAt(betaSlow), headDim - 1);
  return { scaling: { kind: 'yarn', factor, low, high }, attentionFactor: optionalNumber(rope, 'attention_factor') ?? natural };
}

/** Whether scaling is configured: transformers treats an empty object like null. */
function isGiven(found: unknown): boolean {
  return found !== undefined && found !== null && !(typeof found === 'object' && Object.keys(found).length === 0);
}

/** Context length in tokens of a rope made for `maxPositions`. */
export function ropeContext(rope: Rope | null, maxPositions: number): number {
  return rope?.scaling.kind === 'dynamic' ? Math.floor(maxPositions * rope.scaling.factor) : maxPositions;
}

function requiredFactor(rope: Options): number {
  return requiredPositive(rope, 'factor');
}

function requiredPositive(rope: Options, name: string): number {
  const found = number(rope, name);
  if (found <= 0) refuse(rope, name, msg`must be above 0, not ${found}`);
  return found;
}

function divisors(rope: Options, name: string, length: number): readonly number[] {
  const found = value(rope, name);
  const valid =
    Array.isArray(found) && found.length === length && found.every((item) => typeof item === 'number' && Number.isFinite(item) && item > 0);
  if (!valid) refuse(rope, name, msg`must be a list of ${length} numbers above 0`);
  return found;
}

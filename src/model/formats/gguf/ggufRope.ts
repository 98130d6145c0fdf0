import { msg } from '../../../core/translatable.ts';
import type { Facts } from './facts.ts';
import { decimal } from './facts.ts';

/** The small rope tensors by name: a divisor for each rotated pair. */
export type RopeTensors = ReadonlyMap<string, Float32Array>;

/** Names of these tensors. */
export const ROPE_TENSORS = ['rope_freqs.weight', 'rope_factors_long.weight', 'rope_factors_short.weight'] as const;

/** Bounds, in full turns, of Llama 3's ramp (transformers' `_compute_llama3_parameters`). */
const [LOW, HIGH] = [1, 4];
/** Relative tolerance for equal divisors, which differ only by rounding to float32. */
const SAME = 1e-5;

type RopeParameters = Readonly<Record<string, unknown>>;

/**
 * `rope_parameters` of config.json for a rope that rotates `dim` numbers of each head; `factorMissing`: the divisor of positions
 * where the file does not state it.
 */
export function ropeParameters(
  facts: Facts,
  tensors: RopeTensors,
  dim: number,
  base = facts.number('rope.freq_base', 10_000),
  factorMissing = 0,
): RopeParameters {
  const freqs = tensors.get('rope_freqs.weight');
  if (freqs !== undefined && freqs.some((divisor) => divisor !== 1)) return { rope_theta: base, ...llama3(facts, freqs, base, dim) };
  const factor = facts.number('rope.scaling.factor', facts.number('rope.scale_linear', factorMissing));
  // As llama.cpp: a factor without a type is linear.
  const type = facts.text('rope.scaling.type', 'linear');
  if (type === 'yarn') return { rope_theta: base, rope_type: 'yarn', ...yarn(facts, factor) };
  if (type === 'none' || (type === 'linear' && (factor === 0 || factor === 1))) return { rope_theta: base, rope_type: 'default' };
  if (type === 'linear') return { rope_theta: base, rope_type: 'linear', factor };
  return facts.refuse(msg`scales positions by "${type}", which is not supported for ${facts.architecture}`);
}

function yarn(facts: Facts, factor: number): RopeParameters {
  if (factor <= 0) facts.refuse(msg`widens its context by "yarn" without saying by which factor`);
  // Here DeepSeek's `mscale_all_dim` is multiplied by 0.1; its models have the same `mscale`, which is not in the file.
  const multiplier = facts.optional('rope.scaling.yarn_log_multiplier');
  const mscale = multiplier === null ? null : decimal(Math.fround(multiplier / 0.1));
  return {
    factor,
    original_max_position_embeddings: facts.count('rope.scaling.original_context_length', facts.count('context_length')),
    ...optional('attention_factor', facts.optional('rope.scaling.yarn_attn_factor')),
    ...optional('beta_fast', facts.optional('rope.scaling.yarn_beta_fast')),
    ...optional('beta_slow', facts.optional('rope.scaling.yarn_beta_slow')),
    ...(mscale === null ? {} : { mscale, mscale_all_dim: mscale }),
  };
}

function optional(name: string, value: number | null): RopeParameters {
  return value === null ? {} : { [name]: value };
}

/**
 * The parameters of Llama 3's ramp that give these divisors: the file holds only the result. Throws UserError where none do, as
 * other divisors mean another kind of rope.
 */
function llama3(facts: Facts, divisors: Float32Array, base: number, dim: number): RopeParameters {
  const factor = decimal(divisors.reduce((largest, divisor) => Math.max(largest, divisor), 1));
  const wavelengths = Array.from(divisors, (_, pair) => 2 * Math.PI * base ** ((2 * pair) / dim));
  const between = divisors.findIndex((divisor) => divisor > 1 + SAME && divisor < factor * (1 - SAME));
  // A divisor within the ramp determines the context; without one, any context that puts the ramp's ends between the same pairs will do.
  const smooth = between === -1 ? 0 : (1 / (divisors[between] ?? 1) - 1 / factor) / (1 - 1 / factor);
  const solved = Math.round((wavelengths[between] ?? 0) * (smooth * (HIGH - LOW) + LOW));
  const trained = [solved, 8192, ...wavelengths.map((wavelength) => Math.ceil(wavelength * LOW))].find((context) => {
    return (
      context > 0 &&
      divisors.length === dim / 2 &&
      divisors.every((divisor, pair) => Math.abs(ramp(wavelengths[pair] ?? 0, factor, context) / divisor - 1) < SAME)
    );
  });
  if (trained === undefined)
    return facts.refuse(msg`holds "rope_freqs.weight" that are not the scaling of Llama 3, which is not supported`);
  return { rope_type: 'llama3', factor, low_freq_factor: LOW, high_freq_factor: HIGH, original_max_position_embeddings: trained };
}

function ramp(wavelength: number, factor: number, trained: number): number {
  if (wavelength < trained / HIGH) return 1;
  if (wavelength > trained / LOW) return factor;
  const smooth = (trained / wavelength - LOW) / (HIGH - LOW);
  return 1 / ((1 - smooth) / factor + smooth);
}

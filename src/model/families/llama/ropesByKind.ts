import { msg } from '../../../core/translatable.ts';
import { options, positive, refuse, value, type Options } from '../config.ts';
import { readRope, ropeOf, type Rope, type RopeStyle } from '../rope.ts';
import type { Sizes } from './base.ts';

/** Default base frequencies, and transformers 4's option for the layers with a window, where the family has one. */
export interface KindDefaults {
  readonly full: number;
  readonly sliding: number;
  readonly slidingOption: string | null;
  readonly style?: RopeStyle;
}

/**
 * The ropes of global layers and of those with a window: `rope_parameters` with an entry for each (transformers 5), or (4) `rope_theta`
 * and `rope_scaling` for the former and an unscaled rope for the latter. Throws UserError for a single rope that names neither kind.
 */
export function ropesByKind(
  config: Options,
  { headDim, maxPositions }: Sizes,
  defaults: KindDefaults,
): { readonly full: Rope; readonly sliding: Rope } {
  const slidingTheta = defaults.slidingOption === null ? defaults.sliding : positive(config, defaults.slidingOption, defaults.sliding);
  const full = { ...defaults.style, theta: defaults.full };
  const sliding = { ...defaults.style, theta: slidingTheta };
  const given = value(config, 'rope_parameters') ?? null;
  const nested = given === null ? null : options(given, 'rope_parameters');
  if (nested !== null && Object.keys(nested.values).length > 0) {
    const other = Object.keys(nested.values).find((name) => name !== 'full_attention' && name !== 'sliding_attention');
    if (other !== undefined)
      refuse(nested, other, msg`is not said of "full_attention" or "sliding_attention", which have ropes of their own`);
    if ((value(config, 'rope_scaling') ?? null) !== null)
      refuse(config, 'rope_scaling', msg`stands beside "rope_parameters", of which one only is supported`);
    const entry = (kind: string): Options => applied(options(value(nested, kind) ?? {}, `rope_parameters.${kind}`));
    return {
      full: ropeOf(config, entry('full_attention'), headDim, maxPositions, full),
      sliding: ropeOf(withoutTheta(config), entry('sliding_attention'), headDim, maxPositions, sliding),
    };
  }
  const scaling = value(config, 'rope_scaling') ?? null;
  // In an object with rope types already present, the reference reads only the newer name.
  const scaled = applied(options(scaling ?? {}, 'rope_scaling'));
  if (value(scaled, 'type') !== undefined) refuse(scaled, 'type', msg`is not read for this family: the reference knows "rope_type" only`);
  return {
    full: readRope(config, headDim, maxPositions, full),
    sliding: ropeOf(withoutTheta(config), options({}), headDim, maxPositions, sliding),
  };
}

/** Throws UserError for options that the reference reads but does not apply to ropes by layer. */
function applied(rope: Options): Options {
  if (value(rope, 'truncate') === false) refuse(rope, 'truncate', msg`is false, which the reference does not apply for this family`);
  return rope;
}

/** Options without those of a single rope, which a family of transformers 5 alone does not read. */
export function withoutFlatRope({ values, path }: Options): Options {
  const { rope_theta: _, rope_scaling: __, partial_rotary_factor: ___, ...kept } = values;
  return { values: kept, path };
}

/** Options without `rope_theta`, which does not apply to layers with a window. */
function withoutTheta({ values, path }: Options): Options {
  return { values: Object.fromEntries(Object.entries(values).filter(([name]) => name !== 'rope_theta')), path };
}

import { UserError } from './errors.ts';
import type { ModelInfo, RecurrenceKind } from './trace.ts';
import { msg, type Translatable } from './translatable.ts';

// Layers that carry the text before a token in a state of fixed size, and have no attention weights.

/** What such a layer is called. */
export const RECURRENCE_NAMES: Readonly<Record<RecurrenceKind, Translatable>> = {
  shortConvolution: msg`a short convolution`,
  deltaNet: msg`a gated delta net`,
  mamba: msg`a Mamba 2 layer`,
  mlpAlone: msg`an MLP alone`,
};

/** Per layer its kind, null where it has attention; undefined where all layers have. */
export function recurrencesIn({ traits }: Pick<ModelInfo, 'traits'>): readonly (RecurrenceKind | null)[] | undefined {
  const kinds = traits?.layers.map(({ recurrence }) => recurrence?.kind ?? null);
  return kinds?.some((kind) => kind !== null) === true ? kinds : undefined;
}

/** Whether a layer has attention weights. */
export function hasAttention({ traits }: Pick<ModelInfo, 'traits'>, layer: number): boolean {
  return traits?.layers[layer]?.recurrence === undefined;
}

/** How many maps of effective attention a layer has, of what is in place of its attention or beside it; 0: it keeps no state. */
export function effectiveMaps({ traits }: Pick<ModelInfo, 'traits'>, layer: number): number {
  const { recurrence, beside } = traits?.layers[layer] ?? {};
  return (recurrence ?? beside)?.maps ?? 0;
}

/** Throws UserError for a layer in which something beside attention reads earlier tokens too, where attention alone is followed. */
export function refuseBeside(layer: number, kind: RecurrenceKind): never {
  throw new UserError(
    msg`Layer ${layer} has ${RECURRENCE_NAMES[kind]} beside its attention, which brings earlier tokens too: this method follows attention \
alone and would leave that out.`,
  );
}

import { UserError } from '../../core/errors.ts';
import { RECURRENCE_NAMES, refuseBeside } from '../../core/recurrence.ts';
import { msg } from '../../core/translatable.ts';
import type { Attention, Block, DecoderSpec, Recurrence } from './spec.ts';

/** The softmax attention among these layers. */
export function attentionsOf(blocks: readonly Block[]): readonly Attention[] {
  return blocks.flatMap(({ attention }) => (attention.kind === 'attention' ? [attention] : []));
}

/** What of a layer carries the text in a state: in place of its attention, or beside it; null: nothing does. */
export function recurrenceIn({ attention }: Pick<Block, 'attention'>): Recurrence | null {
  if (attention.kind === 'attention') return attention.beside;
  return attention.kind === 'mlpAlone' ? null : attention;
}

/** Those of these layers that carry the text in a state; `layer` counts from 0 within them. */
export function recurrencesOf(blocks: readonly Block[]): readonly { readonly layer: number; readonly mixer: Recurrence }[] {
  return blocks.flatMap((block, layer) => {
    const mixer = recurrenceIn(block);
    return mixer === null ? [] : [{ layer, mixer }];
  });
}

/** The softmax attention of a layer. Throws UserError for a layer that has none, and RangeError for one that there is not. */
export function attentionAt({ blocks }: Pick<DecoderSpec, 'blocks'>, layer: number): Attention {
  const block = blocks[layer];
  if (block === undefined) throw new RangeError(`There is no layer ${layer}.`);
  const { attention } = block;
  if (attention.kind !== 'attention')
    throw new UserError(msg`Layer ${layer} is ${RECURRENCE_NAMES[attention.kind]}: it has no attention weights.`);
  return attention;
}

/**
 * The attention of a layer in which a head brings the same of a token to every query, and nothing but attention reads other tokens. Throws
 * UserError for one without attention weights, with gates behind its heads, or with what runs beside it.
 */
export function plainAttentionAt(spec: Pick<DecoderSpec, 'blocks'>, layer: number): Attention {
  const attention = attentionAt(spec, layer);
  if (attention.beside !== null) refuseBeside(layer, attention.beside.kind);
  if (attention.gates !== null)
    throw new UserError(
      msg`Layer ${layer} has gates behind its heads: what a head brings from a token differs by the query, which taking contributions back \
through layers does not allow for.`,
    );
  return attention;
}

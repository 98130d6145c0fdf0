import type { AddedWindow, LensWindow } from '../../../src/core/trace.ts';
import { lensPlace, type LensPiece } from '../../figures/lensGrid.ts';
import { t } from '../../strings.ts';
import type { LensRows } from '../../viewSettings.ts';
import type { Host } from '../../vscodeApi.ts';
import { placeName } from '../embeddings/placeChoice.ts';

/** Names of the kinds of rows, and a sentence of what their cells say. */
export function lensRowTexts(): Readonly<Record<LensRows, { readonly name: string; readonly meaning: string }>> {
  return {
    blocks: {
      name: t('After each block'),
      meaning: t(
        'What the model would predict next if it stopped after a block: final norm and unembedding applied to the ' +
          'residual stream there. A bar at a cell’s left edge: this is what really follows.',
      ),
    },
    steps: {
      name: t('After attention and MLP'),
      meaning: t(
        'The same between the two steps of each block: after its attention, and after its MLP. A bar at a cell’s left edge: this is what ' +
          'really follows.',
      ),
    },
    added: {
      name: t('What each step adds'),
      meaning: t(
        'What a block’s attention or MLP points to by itself: its output through the unembedding, with the final norm’s scale held at ' +
          'what it is for the token, as in the parts of Why. In logits above the mean of all tokens, so no probabilities: with those of ' +
          'the input and all constants they sum to the logits. What a step does by way of later ones is not in it.',
      ),
    },
  };
}

/** Sentence about blocks whose two steps read the same input. */
export function parallelText(): string {
  return t(
    'In this model attention and MLP of a block read the same input: “after attention” is that input and what attention alone adds to ' +
      'it, which no part of the model reads.',
  );
}

/** Short name of a row. */
export function rowName(rows: LensRows, row: number): string {
  const { block, after } = lensPlace(rows, row);
  const names = {
    input: t('input'),
    block: t('block {0}', block),
    attention: t('{0} attn', block),
    mlp: t('{0} MLP', block),
  };
  return names[after];
}

/** Full name of a row, of a model with so many blocks. */
export function rowTitle(rows: LensRows, row: number, blocks: number): string {
  const { block, after } = lensPlace(rows, row);
  if (after === 'input' || after === 'block') return placeName(block + 1, blocks);
  if (rows === 'added')
    return after === 'attention' ? t('Added by attention of block {0}', block) : t('Added by the MLP of block {0}', block);
  return after === 'attention' ? t('After attention of block {0}', block) : t('After the MLP of block {0}', block);
}

/** Asks for a piece of a lens. */
export function queryLens(query: Host['query'], slot: string, rows: LensRows, piece: LensPiece): Promise<LensWindow | AddedWindow> {
  if (rows === 'blocks') return query(slot, 'lens', piece);
  return rows === 'steps' ? query(slot, 'lensSteps', piece) : query(slot, 'lensAdded', piece);
}

import type { LogitQuestion } from '../core/directParts.ts';
import { runOf, withoutPositions, type Run } from '../core/run.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';
import { targetOf } from './attributing.ts';
import { measuredTogether } from './measuring.ts';
import { columnsOf, estimatePatches, openPatching, patchedShare, type Patching } from './patching.ts';

/** The latest patching of a corrupted text's trace, which goes with it. */
const latest = new WeakMap<Trace, { readonly key: string; readonly patching: Patching }>();

/** What parts of another text restore of a prediction. */
export const patchAnswers: Pick<Answers, 'patch' | 'patchCells'> = {
  patch: async (context, run, { grid, clean, ...question }) =>
    estimatePatches(await patchingOf(context, run, clean, question), grid, context),
  patchCells: async (context, run, { grid, clean, cells, ...question }) => {
    const patching = await patchingOf(context, run, clean, question);
    for (const cell of cells) checkIndex('cell', cell, context.open.model.info.layers * columnsOf(patching, grid));
    const shares = await measuredTogether(cells, (cell) => patchedShare(patching, grid, cell, context), context.checkpoint);
    return { cells: Int32Array.from(cells.slice(0, shares.length)), shares };
  },
};

async function patchingOf(
  context: AnswerContext,
  run: Run,
  clean: readonly number[],
  { position, token, rival }: LogitQuestion,
): Promise<Patching> {
  checkIndex('position', position, run.ids.length);
  const corrupted = await traceOf(context, run);
  const key = JSON.stringify([clean, position, token, rival]);
  const known = latest.get(corrupted);
  if (known?.key === key) return known.patching;
  // Where the recipe names positions, it names those of the corrupted text.
  const other = await traceOf(context, runOf(clean, withoutPositions(run.recipe)));
  const patching = await openPatching(context.open.model, other, corrupted, targetOf({ position, token, rival }));
  latest.set(corrupted, { key, patching });
  return patching;
}

import { vscode } from '../vscode.ts';
import { CancelledError, UserError } from '../../core/errors.ts';
import { addPart, fileTotals, nextPart, shareRead, unreadScores } from '../../core/fileScores.ts';
import type { ScoreTotals } from '../../core/textScores.ts';
import { scorePart } from '../client/scorePart.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { readSettings } from '../configuration.ts';
import { t } from '../say.ts';
import { shareTeller, withProgress } from '../surfaces.ts';
import { textOf, type FolderCounts } from './countFolder.ts';

/**
 * Reads files of a folder that was counted, by the windows in which whole files are read, with progress; `tell` is told of each one's
 * totals, null where it cannot be read any more. Cancelled, it ends with what was told. Throws UserError, or what the model throws.
 */
export async function readBits(
  client: ModelClient,
  { folder, model }: Pick<FolderCounts, 'folder' | 'model'>,
  paths: readonly string[],
  tell: (path: string, totals: ScoreTotals | null) => void,
): Promise<void> {
  await withProgress(t('Reading bits per byte'), async (view, signal) => {
    const say = shareTeller(view);
    for (const [index, path] of paths.entries()) {
      const told = (share: number): void => say(t('{0} of {1}: {2}', index + 1, paths.length, path), (index + share) / paths.length);
      told(0);
      const text = await textOf(vscode.Uri.joinPath(folder, ...path.split('/')));
      if (signal.aborted) return;
      try {
        tell(path, text === null ? null : await totalsOf(client, model.name, text.text, told, signal));
      } catch (error) {
        if (signal.aborted) return;
        throw error instanceof CancelledError ? changed() : error;
      }
    }
  });
}

/** The totals of a text that is read window by window. */
async function totalsOf(
  client: ModelClient,
  model: string,
  text: string,
  told: (share: number) => void,
  signal: AbortSignal,
): Promise<ScoreTotals> {
  const { stride } = readSettings();
  const { layout, modelKey } = await client.layOut(text, stride === 0 ? null : stride, signal);
  if (layout.model.name !== model) throw changed();
  const scores = unreadScores(layout);
  for (let part = nextPart(scores, 0); part !== null; part = nextPart(scores, 0)) {
    addPart(scores, part, await scorePart(client, modelKey, scores, part, signal));
    told(shareRead(scores));
  }
  return fileTotals(scores);
}

function changed(): UserError {
  return new UserError(t('The model was changed while tokens were counted: count again.'));
}

import { bytesText } from '../core/bytesText.ts';
import { NoMemoryError, userSentence, UserError } from '../core/errors.ts';
import { vscode } from './vscode.ts';
import type { Remedies } from './log.ts';
import { fitOf, needOf, type ModelEntry } from './modelEntries.ts';
import type { ModelLibrary } from './modelLibrary.ts';

/** What to say of a failure, and what the user can do about it. */
export interface Advice {
  readonly error: unknown;
  readonly remedies: Remedies;
}

/** For a model that needs too much memory: the largest of the library that fits. Any other error as it is. */
export async function adviceFor(library: ModelLibrary, error: unknown): Promise<Advice> {
  if (!(error instanceof NoMemoryError)) return { error, remedies: {} };
  const { t } = vscode.l10n;
  const smaller = await largestThatFits(library);
  if (!smaller) return { error, remedies: {} };
  const { entry, bytes } = smaller;
  return {
    error: new UserError(`${userSentence(error, t)} ${t('{0} would fit: it needs {1}.', entry.name, bytesText(bytes))}`, { cause: error }),
    remedies: { [t('Use {0}', entry.name)]: () => library.use(entry) },
  };
}

async function largestThatFits(library: ModelLibrary): Promise<{ readonly entry: ModelEntry; readonly bytes: number } | undefined> {
  let best: { readonly entry: ModelEntry; readonly bytes: number } | undefined;
  for (const entry of await library.entries()) {
    const known = await library.describe(entry);
    const bytes = known.kind === 'described' ? needOf(known)?.typical : undefined;
    if (bytes === undefined || library.isCurrent(entry) || fitOf(known, vscode.l10n.t).kind !== 'fits') continue;
    if (!best || bytes > best.bytes) best = { entry, bytes };
  }
  return best;
}

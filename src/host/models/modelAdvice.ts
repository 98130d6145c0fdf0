import { bytesText } from '../../core/bytesText.ts';
import { NoMemoryError, userSentence, UserError } from '../../core/errors.ts';
import type { Remedy } from '../log.ts';
import { fitOf, needOf, type ModelEntry } from './modelEntries.ts';
import type { ModelLibrary } from './modelLibrary.ts';
import { t } from '../say.ts';

/** An error to show to the user, with buttons for remedies. */
export interface Advice {
  readonly error: unknown;
  readonly remedies: readonly Remedy[];
}

/** Advice about an error. If a model needs too much memory, it names the largest model of the library that fits. */
export async function adviceFor(library: ModelLibrary, error: unknown): Promise<Advice> {
  if (!(error instanceof NoMemoryError)) return { error, remedies: [] };
  const smaller = await largestThatFits(library);
  if (!smaller) return { error, remedies: [] };
  const { entry, bytes } = smaller;
  return {
    error: new UserError(`${userSentence(error, t)} ${t('{0} would fit: it needs {1}.', entry.name, bytesText(bytes))}`, { cause: error }),
    remedies: [{ title: t('Use {0}', entry.name), run: () => library.use(entry) }],
  };
}

async function largestThatFits(library: ModelLibrary): Promise<{ readonly entry: ModelEntry; readonly bytes: number } | undefined> {
  let best: { readonly entry: ModelEntry; readonly bytes: number } | undefined;
  for (const entry of await library.entries()) {
    const known = await library.describe(entry);
    const bytes = known.kind === 'described' ? needOf(known)?.typical : undefined;
    if (bytes === undefined || library.isCurrent(entry) || fitOf(known, t).kind !== 'fits') continue;
    if (!best || bytes > best.bytes) best = { entry, bytes };
  }
  return best;
}

import type { FileScores, PartScores, WindowPart } from '../../core/fileScores.ts';
import { runOf, UNCHANGED } from '../../core/run.ts';
import type { ModelClient } from './modelClient.ts';

/** Scores of a part of a text, for which explanations and questions do not wait. Rejects as `askBehind` of the client does. */
export async function scorePart(
  client: ModelClient,
  modelKey: string,
  { tokens }: FileScores,
  { begin, from, end }: WindowPart,
  signal: AbortSignal,
): Promise<PartScores> {
  const run = runOf(tokens.ids.slice(begin, end), UNCHANGED);
  return client.askBehind(modelKey, run, 'scores', { from: from - begin }, signal);
}

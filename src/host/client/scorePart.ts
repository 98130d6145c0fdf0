import { partQuestion, type FileScores, type PartScores, type WindowPart } from '../../core/fileScores.ts';
import type { ModelClient } from './modelClient.ts';

/** Scores of a part of a text, for which explanations and questions do not wait. Rejects as `askBehind` of the client does. */
export async function scorePart(
  client: ModelClient,
  modelKey: string,
  scores: FileScores,
  part: WindowPart,
  signal: AbortSignal,
): Promise<PartScores> {
  const { run, args } = partQuestion(scores, part);
  return client.askBehind(modelKey, run, 'scores', args, signal);
}

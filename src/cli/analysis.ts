import { join } from 'node:path';
import type { AnswerContext } from '../analysis/answering.ts';
import { createTraceCache } from '../analysis/traceCache.ts';
import type { Progress } from '../core/progress.ts';
import { generationOrError } from '../model/generation/generationConfig.ts';
import { openLanguageModel } from '../model/languageModel.ts';
import { openTokenizer } from '../model/tokenizer/textTokenizer.ts';
import { BUNDLED_MODEL } from './bundledModel.ts';
import { modelFilesAt, noteModel, runtimeOf, type Note } from './input.ts';
import type { RunOptions } from './optionValues.ts';
import { roomNow } from './room.ts';

/** Opens a model to be asked as the panel asks. `tell` is told how far a call has come. Throws UserError. */
export async function openAnalysis(
  options: Pick<RunOptions, 'model' | 'runtime' | 'nativeFolder'>,
  distFolder: string,
  note: Note,
  tell: (progress: Progress) => void,
): Promise<AnswerContext> {
  const files = await modelFilesAt(options.model ?? join(distFolder, '..', BUNDLED_MODEL));
  const model = await openLanguageModel(files, runtimeOf(options, distFolder));
  await noteModel(model, note);
  const tokenizer = await openTokenizer(files, model.info.vocab);
  const generation = await generationOrError(files, model.config);
  return {
    open: { model, tokenizer, files, generation },
    cache: createTraceCache(model),
    room: () => roomNow(model),
    progress: async (progress) => tell(progress),
    checkpoint: async () => undefined,
  };
}

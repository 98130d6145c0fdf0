import { join } from 'node:path';
import { scoreParts } from '../analysis/windowScores.ts';
import { UserError } from '../core/errors.ts';
import { UNWATCHED } from '../core/progress.ts';
import type { WindowRule } from '../core/scoringWindows.ts';
import { NO_SCORES, withToken } from '../core/textScores.ts';
import { strideOf } from '../core/textWindows.ts';
import type { Token } from '../core/trace.ts';
import { openLanguageModel, type LanguageModel } from '../model/languageModel.ts';
import { openTokenizer, type TextTokenizer } from '../model/tokenizer/textTokenizer.ts';
import { BUNDLED_MODEL } from './bundledModel.ts';
import { modelFilesAt, noteModel, readFileText, runtimeOf, type Note } from './input.ts';
import { STANDARD, UsageError } from './optionValues.ts';
import { modelJson } from './jsonOutput.ts';
import { roomNow } from './room.ts';
import type { ScoreOptions, ScoreUnit } from './scoreOptions.ts';
import type { FileScores, ScoreRecord, ScoreText } from './scoreOutput.ts';
import { nameOf, recordsBy } from './scoreRecords.ts';
import { scoreAll } from './scoreRun.ts';

/** A model that scores texts. */
interface Scorer {
  readonly model: LanguageModel;
  readonly tokenizer: TextTokenizer;
  readonly rule: WindowRule;
}

/** One text cannot be made into tokens; others can. */
class TextRefused extends UserError {}

/** Scores files by a model on this machine, as `scoreAll` does. The files at fault are told in a sentence each. */
export async function score(options: ScoreOptions, distFolder: string, note: Note): Promise<number> {
  return scoreAll(options, note, async (say) => {
    const scorer = await openScorer(options, distFolder, say);
    const { rule, model } = scorer;
    return {
      head: { model: modelJson(model.info), window: rule.length, stride: rule.stride },
      run: async ({ files, writer, write, tell, judge }) => {
        let incomplete = false;
        for (const [index, file] of files.entries()) {
          const tellOwn = (share: number): void => tell(index, share);
          tellOwn(0);
          const found = await scoreFile(scorer, file, options.by, writer, write, tellOwn, say);
          incomplete ||= found === null;
          await judge(file, found);
        }
        return incomplete;
      },
    };
  });
}

async function openScorer(options: ScoreOptions, distFolder: string, note: Note): Promise<Scorer> {
  const files = await modelFilesAt(options.model ?? join(distFolder, '..', BUNDLED_MODEL));
  const model = await openLanguageModel(files, runtimeOf(options, distFolder));
  await noteModel(model, note);
  const { name, contextLength, vocab } = model.info;
  const { stride } = options;
  if (contextLength < 2) throw new UserError(`${name} reads ${contextLength} token at once, so it predicts none.`);
  if (stride !== null && stride > contextLength)
    throw new UsageError(
      `--stride ${stride} is more than the ${contextLength} tokens that ${name} reads at once: tokens between windows would be in none.`,
    );
  const { tokens: length } = await roomNow(model);
  if (length < Math.max(2, stride ?? 0))
    throw new UserError(`${name}: free memory holds windows of ${length} tokens, fewer than are needed.`);
  if (length < contextLength)
    await note(`Windows have ${length} of the ${contextLength} tokens that ${name} can read at once: free memory holds no more.`);
  return { model, tokenizer: await openTokenizer(files, vocab), rule: { length, stride: stride ?? strideOf(length) } };
}

/** Scores one file and writes its records; null, after a sentence, if it cannot be read. */
async function scoreFile(
  { model, tokenizer, rule }: Scorer,
  file: string,
  by: ScoreUnit,
  writer: ScoreText,
  write: (text: string) => Promise<void>,
  tell: (share: number) => void,
  note: Note,
): Promise<FileScores | null> {
  let text: string;
  try {
    text = await readFileText(file === STANDARD ? { kind: 'standardInput' } : { kind: 'file', path: file }, nameOf(file), note);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    await note(error.message);
    return null;
  }
  const grouped = recordsBy(by, text);
  let [totals, read, tokens] = [NO_SCORES, 0, 0];
  await write(writer.openFile(file));
  try {
    for await (const part of scoreParts(model, text === '' ? [] : refusing(tokenizer.encodeInPieces(text)), rule, UNWATCHED)) {
      const records: ScoreRecord[] = [];
      for (const [i, token] of part.tokens.entries()) {
        const logprob = part.logprob[i] ?? NaN;
        totals = withToken(totals, token, logprob);
        for (const record of grouped.add(token, logprob)) records.push(record);
        read = Math.max(read, token.end);
      }
      tokens += part.tokens.length;
      await write(writer.records(file, text, records));
      tell(read / text.length);
    }
  } catch (error) {
    if (!(error instanceof TextRefused)) throw error;
    await note(`${nameOf(file)}: ${error.message}`);
    await write(writer.closeFile(file, null));
    return null;
  }
  await write(writer.records(file, text, grouped.end(read)));
  const omitted = text.length - read;
  if (omitted > 0)
    await note(`${nameOf(file)}: the last ${omitted} characters were left out, as this text cannot be cut for the tokenizer.`);
  const scores = { ...totals, tokens, omitted };
  await write(writer.closeFile(file, scores));
  return scores;
}

function* refusing(parts: Iterable<readonly Token[]>): Generator<readonly Token[]> {
  try {
    yield* parts;
  } catch (error) {
    throw error instanceof UserError ? new TextRefused(error.message, { cause: error }) : error;
  }
}

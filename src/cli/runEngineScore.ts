import { UserError } from '../core/errors.ts';
import { NO_SCORES, withToken } from '../core/textScores.ts';
import { EngineUnavailableError } from '../engines/engineConnection.ts';
import { readText, windowRule, type EngineText, type LocalTokenizer } from '../engines/engineText.ts';
import type { OpenedEngine } from '../engines/openEngine.ts';
import { commandTokenizer, engineJson, openCommandEngine, requestBudget } from './commandEngine.ts';
import type { EngineOptions } from './engineOptions.ts';
import { readFileText, type Note } from './input.ts';
import { STANDARD } from './optionValues.ts';
import type { ScoreOptions } from './scoreOptions.ts';
import type { FileScores, ScoreRecord } from './scoreOutput.ts';
import { nameOf, recordsBy } from './scoreRecords.ts';
import { scoreAll, type ScoreSink } from './scoreRun.ts';

/** A file as the engine read it, or why it did not. */
type ReadFile =
  { readonly file: string; readonly text: string; readonly read: EngineText } | { readonly file: string; readonly problem: UserError };

/**
 * Scores files by an engine: their windows go out side by side, and what each file gets is written in the files' order. Returns the exit
 * code as `score` does. Where the engine fails midway, what had arrived is written.
 */
export async function scoreByEngine(options: ScoreOptions, engine: EngineOptions, note: Note): Promise<number> {
  return scoreAll(options, note, async (say) => {
    const ending = new AbortController();
    const opened = await openCommandEngine(engine, ending.signal, say);
    const { protocol } = opened;
    const tokenizer = await commandTokenizer(engine);
    const rule = windowRule(protocol, options.stride);
    const onRequests = requestBudget(engine, opened.host);
    return {
      head: { model: engineJson(protocol, engine.address), window: rule?.length ?? null, stride: rule?.stride ?? null },
      run: async (sink) => {
        const { tell } = sink;
        const reading = ([index, file]: readonly [number, string]): Promise<ReadFile> =>
          readFile(file, opened, tokenizer, options, onRequests, ending.signal, (share) => tell(index, share), say);
        try {
          return await writeInOrder(inOrder([...sink.files.entries()], engine.parallel, reading), options, sink);
        } finally {
          ending.abort();
        }
      },
    };
  });
}

/** Writes what each file got. Returns whether one could not be read; where the engine is gone, the rest is left. */
async function writeInOrder(
  read: AsyncIterable<ReadFile>,
  options: ScoreOptions,
  { writer, write, say, judge }: ScoreSink,
): Promise<boolean> {
  let incomplete = false;
  for await (const found of read) {
    const { file } = found;
    await write(writer.openFile(file));
    if ('problem' in found) {
      incomplete = true;
      await write(writer.closeFile(file, null));
      await say(`${nameOf(file)}: ${found.problem.message}`);
      if (found.problem instanceof EngineUnavailableError) break;
      continue;
    }
    const { records, scores } = scored(found.text, found.read, options);
    await write(writer.records(file, found.text, records));
    await write(writer.closeFile(file, scores));
    await judge(file, scores);
  }
  return incomplete;
}

async function readFile(
  file: string,
  { protocol, host }: OpenedEngine,
  tokenizer: LocalTokenizer | null,
  { stride }: ScoreOptions,
  onRequests: (requests: number) => void,
  signal: AbortSignal,
  tell: (share: number) => void,
  note: Note,
): Promise<ReadFile> {
  try {
    const text = await readFileText(file === STANDARD ? { kind: 'standardInput' } : { kind: 'file', path: file }, nameOf(file), note);
    const read = await readText(protocol, text, {
      host,
      signal,
      tokenizer,
      stride,
      alternatives: 0,
      onProgress: tell,
      onRequests,
    });
    return { file, text, read };
  } catch (error) {
    if (error instanceof UserError) return { file, problem: error };
    throw error;
  }
}

/** Results in the order of `items`, of which `ahead` are worked on at once. */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  ahead: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  const begin = (item: Item): void => {
    const result = work(item);
    // It is awaited in its turn, which may come after it failed.
    result.catch(() => undefined);
    running.push(result);
  };
  for (const item of items) {
    begin(item);
    const [first] = running;
    if (running.length < ahead || first === undefined) continue;
    yield await first;
    void running.shift();
  }
  for (const result of running) yield await result;
}

function scored(
  text: string,
  { tokens, logprob }: EngineText,
  { by }: ScoreOptions,
): { readonly records: ScoreRecord[]; readonly scores: FileScores } {
  const grouped = recordsBy(by, text);
  const records: ScoreRecord[] = [];
  let totals = NO_SCORES;
  for (const [index, token] of tokens.entries()) {
    const value = logprob[index] ?? Number.NaN;
    totals = withToken(totals, token, value);
    records.push(...grouped.add(token, value));
  }
  records.push(...grouped.end(text.length));
  return { records, scores: { ...totals, tokens: tokens.length, omitted: 0 } };
}

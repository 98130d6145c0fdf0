import { UserError } from '../core/errors.ts';
import type { ScoreTotals } from '../core/textScores.ts';
import type { Note } from './input.ts';
import { openOutput } from './output.ts';
import { progressLine } from './progressLine.ts';
import { filesOf } from './scoreFiles.ts';
import type { ScoreOptions } from './scoreOptions.ts';
import { pastLimit, scoreText, type ScoreHead, type ScoreText } from './scoreOutput.ts';
import { EXIT_INCOMPLETE, EXIT_PAST_LIMIT, nameOf, tellProgress } from './scoreRecords.ts';

/** Where scores go, and what is told meanwhile. */
export interface ScoreSink {
  readonly files: readonly string[];
  readonly writer: ScoreText;
  readonly write: (text: string) => Promise<void>;
  /** Shows how much of a file is read, 0 to 1. */
  readonly tell: (index: number, share: number) => void;
  /** A sentence for the user. */
  readonly say: Note;
  /** Says so where a file is past the limit. Null: it could not be read. */
  readonly judge: (file: string, scores: ScoreTotals | null) => Promise<void>;
}

/** What reads the files: a model on this machine, or an engine. */
export interface FileReading {
  readonly head: ScoreHead;
  /** Reads all files and writes their scores. Returns whether one could not be read. */
  readonly run: (sink: ScoreSink) => Promise<boolean>;
}

/**
 * Scores the files of the options and writes their surprisal; returns the exit code: 1 if a file could not be read, 3 if one is past the
 * limit. The output appears whole or not at all. Throws UserError or UsageError for what keeps all files from being read.
 */
export async function scoreAll(options: ScoreOptions, note: Note, open: (say: Note) => Promise<FileReading>): Promise<number> {
  const progress = progressLine();
  const say: Note = (sentence) => {
    progress.clear();
    return note(sentence);
  };
  const { files, failed } = await filesOf(options.files, say);
  if (files.length === 0) throw new UserError('There is no text file to score.');
  const { head, run } = await open(say);
  const output = await openOutput(options.output);
  const writer = scoreText(options.format, options.by, head);
  const write = async (text: string): Promise<void> => {
    if (text === '') return;
    if (options.output === null) progress.clear();
    await output.write(text);
  };
  let past = false;
  const judge: ScoreSink['judge'] = async (file, scores) => {
    const excess = pastLimit(nameOf(file), scores, options.maxBitsPerByte);
    if (excess === null) return;
    past = true;
    await say(excess);
  };
  const tell = (index: number, share: number): void => tellProgress(progress, files[index] ?? '', index, files.length, share);
  let incomplete = failed;
  try {
    await write(writer.start);
    incomplete = (await run({ files, writer, write, tell, say, judge })) || incomplete;
    await write(writer.end);
  } catch (error) {
    progress.clear();
    await output.abandon();
    throw error;
  }
  progress.clear();
  await output.finish();
  return incomplete ? EXIT_INCOMPLETE : past ? EXIT_PAST_LIMIT : 0;
}

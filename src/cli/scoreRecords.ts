import { lineParts, wordParts, type Parts, type ScoredLine, type ScoredWord } from '../core/textScores.ts';
import type { Token } from '../core/trace.ts';
import { shortened, visibleControls } from '../core/visibleText.ts';
import { STANDARD } from './optionValues.ts';
import type { ProgressLine } from './progressLine.ts';
import type { ScoreUnit } from './scoreOptions.ts';
import type { ScoreRecord } from './scoreOutput.ts';

/** Exit code where a file could not be read. */
export const EXIT_INCOMPLETE = 1;
/** Exit code where a file is past the limit. */
export const EXIT_PAST_LIMIT = 3;

/** Records of a file that grow with its tokens. */
export interface Records {
  readonly add: (token: Token, logprob: number) => readonly ScoreRecord[];
  /** `read`: end of what was read of the text. */
  readonly end: (read: number) => readonly ScoreRecord[];
}

/** Records of one kind. */
export function recordsBy(by: ScoreUnit, text: string): Records {
  if (by === 'token') return { add: (token, logprob) => [{ kind: 'token', token, logprob }], end: () => [] };
  if (by === 'file') return { add: () => [], end: () => [] };
  return by === 'line'
    ? partRecords(lineParts(text), (part: ScoredLine) => ({ kind: 'line', part }))
    : partRecords(wordParts(text), (part: ScoredWord) => ({ kind: 'word', part }));
}

function partRecords<P extends ScoredLine | ScoredWord>(parts: Parts<P>, record: (part: P) => ScoreRecord): Records {
  return {
    add: (token, logprob) => parts.add(token, logprob).map(record),
    end: (read) =>
      parts
        .end()
        .filter(({ start }) => start < read)
        .map(record),
  };
}

/** Name of a file in sentences. */
export function nameOf(file: string): string {
  return file === STANDARD ? '- (standard input)' : file;
}

const SHOWN_NAME = 60;

/** Shows which file is being scored. */
export function tellProgress(progress: ProgressLine, file: string, index: number, files: number, share: number): void {
  const place = files === 1 ? '' : `file ${index + 1} of ${files}, `;
  progress.tell(`${place}${Math.floor(100 * share)} %: ${shortened(visibleControls(nameOf(file)), SHOWN_NAME)}`);
}

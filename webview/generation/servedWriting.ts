import type { SamplingSettings } from '../../src/core/sampling.ts';
import type { ServedCandidate, ServedGeneration, ServedToken } from '../../src/core/servedGeneration.ts';

/** A step of an engine's generation. */
export interface ServedStep {
  /** What the engine drew, and the alternatives that it returned. */
  readonly drawn: ServedToken;
  /** What stands there: the token drawn, or the alternative that was taken in its place. */
  readonly token: ServedCandidate;
  /** What it was drawn with. */
  readonly sampling: SamplingSettings;
}

/** What an engine wrote after a text, in one or several goes. */
export interface ServedWriting {
  readonly text: string;
  readonly steps: readonly ServedStep[];
  /** Why the last go ended, in the engine's word; null: it does not say, or what it wrote was taken back. */
  readonly end: string | null;
  /** Milliseconds in which the engine answered, of all goes. */
  readonly ms: number;
}

/** Nothing written yet. */
export const NOTHING_WRITTEN: ServedWriting = { text: '', steps: [], end: null, ms: 0 };

/** What was written, with what the engine wrote after it. */
export function writtenOn({ text, steps, ms }: ServedWriting, made: ServedGeneration, sampling: SamplingSettings): ServedWriting {
  const more = made.tokens.map((token): ServedStep => ({ drawn: token, token, sampling }));
  return { text: text + made.text, steps: [...steps, ...more], end: made.end, ms: ms + made.ms };
}

/** Whether another token can be taken at a step: the text before it is known exactly, which that of a part of a character is not. */
export function canTake({ text, steps }: ServedWriting, index: number, candidate: ServedCandidate): boolean {
  const before = textBefore(steps, index);
  return text.startsWith(before) && !before.includes('\ufffd') && candidate.text !== '' && !candidate.text.includes('\ufffd');
}

/** The writing up to a step with another token in its place; what came after is taken back. */
export function takenInstead(writing: ServedWriting, index: number, candidate: ServedCandidate): ServedWriting {
  const step = writing.steps[index];
  if (step === undefined || !canTake(writing, index, candidate)) return writing;
  const text = textBefore(writing.steps, index) + candidate.text;
  return { ...writing, text, steps: [...writing.steps.slice(0, index), { ...step, token: candidate }], end: null };
}

function textBefore(steps: readonly ServedStep[], index: number): string {
  return steps
    .slice(0, index)
    .map(({ token }) => token.text)
    .join('');
}

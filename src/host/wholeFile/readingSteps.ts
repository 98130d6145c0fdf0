import { addPart, beginningOf, carriedScores, nextPart, unreadScores, type FileScores, type TextLayout } from '../../core/fileScores.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { scorePart } from '../client/scorePart.ts';
import { readSettings } from '../configuration.ts';
import type { FileReading, Scored } from './fileReading.ts';
import { documentsOf, isRearranged, nearOffset, nearToken, wholeText, type WholeText } from './wholeText.ts';

/** The steps in which a file is read: its text becomes tokens, a long one's beginning first, and then it is scored part by part. */
export class ReadingSteps {
  readonly #client: ModelClient;
  readonly #pending = new Map<FileReading, WholeText>();

  constructor(client: ModelClient) {
    this.#client = client;
  }

  /** The text of a file that is being made into tokens now. */
  pending(file: FileReading): WholeText | undefined {
    return this.#pending.get(file);
  }

  /** Whether the next step of a file makes a text into tokens. */
  needsTokens({ scored, outdated }: FileReading): boolean {
    return scored === null || outdated || hasBegun(scored);
  }

  /**
   * Does the next step of a file, and returns whether anything changed. What comes once the step is not the newest any more, is dropped.
   * Rejects as `askBehind` of the client does.
   */
  async next(file: FileReading, signal: AbortSignal, isNewest: () => boolean): Promise<boolean> {
    const { scored } = file;
    if (scored === null || this.needsTokens(file)) return this.#layOut(file, signal, isNewest);
    const part = nextPart(scored.scores, nearToken(scored));
    if (part === null) file.state = 'done';
    else {
      const scores = await scorePart(this.#client, scored.modelKey, scored.scores, part, signal);
      if (!isNewest()) return false;
      addPart(scored.scores, part, scores);
    }
    return true;
  }

  async #layOut(file: FileReading, signal: AbortSignal, isNewest: () => boolean): Promise<boolean> {
    const { proseOnly, stride } = readSettings();
    // Edits are followed from here on, as tokens take a while.
    const pending = wholeText(documentsOf(file), proseOnly);
    const { text } = pending;
    // What is sent elsewhere is sent once.
    const isFirst = file.scored === null && !this.#client.isElsewhere;
    const beginning = isFirst ? beginningOf(text, nearOffset(pending.documents)) : null;
    file.outdated = false;
    this.#pending.set(file, pending);
    try {
      const read = beginning === null ? text : text.slice(0, beginning);
      const { layout, modelKey } = await this.#client.layOut(read, stride === 0 ? null : stride, signal);
      if (!isNewest()) return false;
      file.scored = {
        layout,
        scores: scoresOf(file.scored, layout, modelKey),
        text,
        isBeginning: beginning !== null,
        documents: pending.documents,
        rearranged: isRearranged(file, pending.documents),
        left: pending.left,
        omitted: beginning === null ? pending.beyond + text.length - layout.read : 0,
        modelKey,
      };
      return true;
    } catch (error) {
      if (isNewest()) file.outdated = true;
      throw error;
    } finally {
      if (this.#pending.get(file) === pending) this.#pending.delete(file);
    }
  }
}

/** Whether the first part of a text's beginning was read, or there is none: all of the text is to become tokens now. */
function hasBegun({ isBeginning, scores }: Scored): boolean {
  return isBeginning && (scores.latest !== null || nextPart(scores, 0) === null);
}

/** The scores of a text, with those that `before` has of it already where the same model read it in the same windows. */
function scoresOf(before: Scored | null, layout: TextLayout, modelKey: string): FileScores {
  const isCarried =
    before !== null &&
    layout.startsAlike &&
    before.modelKey === modelKey &&
    before.layout.rule.length === layout.rule.length &&
    before.layout.rule.stride === layout.rule.stride;
  if (!isCarried) return unreadScores(layout);
  const scores = carriedScores(before.scores, layout);
  // The reading goes on where it began.
  if (before.isBeginning) scores.latest = before.scores.latest;
  return scores;
}

import { UserError } from '../core/errors.ts';
import type { TextLayout } from '../core/fileScores.ts';
import { joinTokens, type PackedTokens } from '../core/packedTokens.ts';
import type { WindowRule } from '../core/scoringWindows.ts';
import { strideOf } from '../core/textWindows.ts';
import { msg } from '../core/translatable.ts';
import { runOf, UNCHANGED, type Run } from '../core/run.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { AnswerContext } from './answering.ts';
import { infoOf } from './explain.ts';

/**
 * The tokens of a text of any length, and the windows in which it is scored: as long as the model's context, or as memory allows.
 * `stride`: tokens from a window to the next; null: half a window. Stops between two pieces of the text. Throws UserError for a text
 * that the tokenizer refuses, and where no token could be predicted.
 */
export async function layOut(
  { open, room, progress }: Pick<AnswerContext, 'open' | 'room' | 'progress'>,
  text: string,
  stride: number | null,
): Promise<TextLayout> {
  const model = infoOf(open);
  const rule = ruleOf(model, (await room()).tokens, stride);
  const parts: PackedTokens[] = [];
  let read = 0;
  for (const part of text === '' ? [] : open.tokenizer.packInPieces(text)) {
    parts.push(part);
    read = part.end.reduce((end, place) => Math.max(end, place), read);
    await progress({ stage: 'windows', done: 0, total: 0 });
  }
  const startsAlike = startAlike(open.model, 2, rule.length);
  return { model, tokens: joinTokens(parts), rule, startsAlike, read };
}

/** Whether the first tokens of two texts that begin with the same have the same numbers. */
function startAlike(model: LanguageModel, tokens: number, others: number): boolean {
  const runs = [tokens, others].map((count) => runOf(new Int32Array(count), UNCHANGED)) as [Run, Run];
  return model.sharedTokens(...runs) > 0;
}

function ruleOf({ name, contextLength }: TextLayout['model'], length: number, stride: number | null): WindowRule {
  if (contextLength < 2) throw new UserError(msg`${name} reads ${contextLength} token at once, so it predicts none.`);
  if (length < 2) throw new UserError(msg`${name}: free memory holds windows of ${length} tokens, fewer than are needed.`);
  if (stride !== null && stride > length)
    throw new UserError(msg`${name} reads windows of ${length} tokens: ${stride} apart (the setting Stride), they would leave tokens out.`);
  return { length, stride: stride ?? strideOf(length) };
}

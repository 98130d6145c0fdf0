import { join } from 'node:path';
import { estimatePatches, openPatching, patchedShare } from '../analysis/patching.ts';
import { lastResidual, rowsBetween } from '../analysis/traceRows.ts';
import { partnersOf, promisingFirst } from '../core/patchGrid.ts';
import { UNWATCHED } from '../core/progress.ts';
import { runOf, UNCHANGED } from '../core/run.ts';
import { at } from '../core/tensor.ts';
import type { Token } from '../core/trace.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { TextTokenizer } from '../model/tokenizer/textTokenizer.ts';
import { BUNDLED_MODEL } from './bundledModel.ts';
import { openTextModel, readInput, runtimeOf, type Note } from './input.ts';
import { namedToken } from './namedToken.ts';
import { UsageError } from './optionValues.ts';
import type { PatchOptions } from './options.ts';
import { openOutput } from './output.ts';
import { writePatch, type PatchedText } from './patchOutput.ts';
import { progressLine } from './progressLine.ts';
import { omission, roomNow } from './room.ts';

/** Writes what numbers of one text restore of a prediction in another. Throws UserError or UsageError. */
export async function patch(options: PatchOptions, distFolder: string, note: Note): Promise<void> {
  if (options.format === 'safetensors' && options.output === null && process.stdout.isTTY)
    throw new UsageError('safetensors is not for a terminal: name a file with --output.');
  const cleanText = await readInput(options.input, note);
  const corruptedText = await readInput(options.with, note, '--with-file');
  const folder = options.model ?? join(distFolder, '..', BUNDLED_MODEL);
  const { model, tokenizer } = await openTextModel(folder, runtimeOf(options, distFolder), note);
  const clean = await read(model, tokenizer, cleanText, options.chat, note);
  const corrupted = await read(model, tokenizer, corruptedText, options.chat, note);
  const output = await openOutput(options.output);
  const line = progressLine();
  try {
    const question = await questionOf(options, model, tokenizer, clean, corrupted);
    const patching = await openPatching(model, clean.trace, corrupted.trace, question);
    const estimate = await estimatePatches(patching, options.grid, UNWATCHED);
    const shares = new Float32Array(estimate.estimate.length).fill(Number.NaN);
    const cells = promisingFirst(estimate.estimate);
    for (const [done, cell] of cells.entries()) {
      line.tell(`${done} of ${cells.length} cells`);
      shares[cell] = await patchedShare(patching, options.grid, cell, UNWATCHED);
    }
    line.clear();
    await writePatch(output, options.format, { model: model.info, clean, corrupted, piece: tokenizer.piece, estimate, shares });
  } catch (error) {
    line.clear();
    await output.abandon();
    throw error;
  }
  await output.finish();
}

interface ReadText extends PatchedText {
  readonly trace: Trace;
}

async function read(model: LanguageModel, tokenizer: TextTokenizer, text: string, chat: boolean, note: Note): Promise<ReadText> {
  const room = await roomNow(model);
  const { tokenized, length } = (chat ? tokenizer.encodeChatFirst : tokenizer.encodeFirst)(text, room.tokens);
  const omitted = omission(model, room, { tokens: tokenized.tokens.length, read: length, length: text.length });
  if (omitted !== null) await note(omitted.sentence);
  return { tokens: tokenized.tokens, trace: await model.run(runOf(tokenized.ids, UNCHANGED)) };
}

/** The prediction in the corrupted text, and the two tokens whose logits' difference is patched. */
async function questionOf(
  { position: asked, token, rival }: PatchOptions,
  model: LanguageModel,
  tokenizer: TextTokenizer,
  clean: ReadText,
  corrupted: ReadText,
): Promise<Parameters<typeof openPatching>[3]> {
  const idsOf = (tokens: readonly Token[]): readonly number[] => tokens.map(({ id }) => id);
  const own = asked ?? clean.tokens.length - 1;
  if (own >= clean.tokens.length)
    throw new UsageError(`--position: the clean text's tokens are numbered from 0 to ${clean.tokens.length - 1}, there is no ${own}.`);
  const position = partnersOf(idsOf(clean.tokens), idsOf(corrupted.tokens)).indexOf(own);
  if (position === -1)
    throw new UsageError(
      `The texts cannot be aligned: nothing in --with-text corresponds to token ${own} of --text, where the prediction is made.`,
    );
  const likeliest = async ({ trace }: ReadText, place: number): Promise<number> =>
    at((await model.unembed(rowsBetween(lastResidual(trace), place, place + 1), 1, Int32Array.of(0))).topIds, 0);
  const { vocab } = model.info;
  const named = (option: 'token' | 'rival', value: string): number => namedToken(option, value, tokenizer, vocab);
  const explained = token === null ? await likeliest(clean, own) : named('token', token);
  const other = rival === null ? await likeliest(corrupted, position) : named('rival', rival);
  if (explained === other)
    throw new UsageError(
      rival === null
        ? `After both texts the token is ${JSON.stringify(tokenizer.piece(other))} (${other}): name another with --rival.`
        : `--rival is the token itself (${other}): a difference needs two tokens.`,
    );
  return { kind: 'logit', position, token: explained, rival: other };
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError, messageOf } from '../core/errors.ts';
import type { Token } from '../core/trace.ts';
import type { ModelFiles } from '../model/files.ts';
import { openLanguageModel, type LanguageModel } from '../model/languageModel.ts';
import { openTokenizer, type TextTokenizer } from '../model/tokenizer.ts';
import { folderFiles } from '../worker/files.node.ts';
import { findNativeRuntime } from '../worker/native.node.ts';
import { lastResidual, predict } from '../worker/predictions.ts';
import { nodeRuntime } from '../worker/runtime.node.ts';
import { writeJson } from './json.ts';
import { UsageError, type TextInput, type TraceOptions } from './options.ts';
import { fileOutput, standardOutput } from './output.ts';
import { writeSafetensors } from './safetensors.ts';

export const BUNDLED_MODEL = join('media', 'models', 'explain-tokens-9m');

/** Runs the model over the input and writes the result. `note` takes sentences about what was done. Throws UserError or UsageError. */
export async function trace(options: TraceOptions, distFolder: string, note: (sentence: string) => Promise<void>): Promise<void> {
  if (options.format === 'safetensors' && options.output === null && process.stdout.isTTY) throw new UsageError('safetensors is not for a terminal: name a file with --output.');
  const text = options.input.kind === 'ids' ? null : await readInput(options.input);
  const files = await folderFiles(options.model ?? join(distFolder, '..', BUNDLED_MODEL));
  const model = await openLanguageModel(files, nodeRuntime(distFolder, findNativeRuntime(options.runtime, distFolder)));
  const { tokens, piece } = await tokensOf(options, text, files, model, note);
  const ids = Int32Array.from(tokens, (token) => token.id);
  const output = options.output === null ? standardOutput() : await fileOutput(options.output);
  try {
    const pass = await model.run(ids);
    if (options.format === 'safetensors') await writeSafetensors(output, model, pass);
    else await writeJson(output, model.info, tokens, await predict(model, lastResidual(pass), ids, Math.max(1, options.top), () => undefined), options.top, piece);
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
}

/** The text given, or of the file. Throws UserError naming `option` for a file that cannot be read. */
export async function readInput(input: TextInput, option = '--file'): Promise<string> {
  if (input.kind === 'text') return input.text;
  const bytes = await readFile(input.path).catch((error: unknown) => {
    throw new UserError(`${option} ${input.path} cannot be read: ${messageOf(error)}.`, { cause: error });
  });
  if (bytes.length === 0) throw new UserError(`${option} ${input.path} is empty: there is nothing to explain.`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new UserError(`${option} ${input.path} is not UTF-8 text.`, { cause: error });
  }
}

interface ReadTokens {
  readonly tokens: readonly Token[];
  readonly piece: (id: number) => string;
}

async function tokensOf({ input, chat }: TraceOptions, text: string | null, files: ModelFiles, model: LanguageModel, note: (sentence: string) => Promise<void>): Promise<ReadTokens> {
  if (input.kind === 'ids' || text === null) return idTokens(input.kind === 'ids' ? input.ids : new Int32Array(), model, await pieceReader(files, model, note));
  const { contextLength, vocab } = model.info;
  const tokenizer = await openTokenizer(files, vocab);
  const { tokenized, length } = (chat ? tokenizer.encodeChatFirst : tokenizer.encodeFirst)(text, contextLength);
  if (length < text.length) {
    await note(`The model reads ${contextLength} tokens at once: the last ${text.length - length} of ${text.length} characters were left out.`);
  }
  return { tokens: tokenized.tokens, piece: tokenizer.piece };
}

/** Ids have no text: their tokens have a reading where there is a tokenizer, and no place. */
function idTokens(ids: Int32Array, { info }: LanguageModel, piece: (id: number) => string): ReadTokens {
  const outside = ids.find((id) => id >= info.vocab);
  if (outside !== undefined) throw new UsageError(`--ids: ${outside} is outside the model's vocabulary of ${info.vocab}.`);
  if (info.positions === 'learned' && ids.length > info.contextLength) throw new UsageError(`--ids: the model reads ${info.contextLength} tokens at most, not ${ids.length}.`);
  const tokens = Array.from(ids, (id, index) => ({ index, id, text: piece(id), bytes: [], start: 0, end: 0, special: false, partial: false }));
  return { tokens, piece };
}

function nameless(): string {
  return '';
}

/** With ids, a tokenizer only names them: one that is missing or cannot be used is no failure. */
async function pieceReader(files: ModelFiles, model: LanguageModel, note: (sentence: string) => Promise<void>): Promise<TextTokenizer['piece']> {
  if (!(await files.list()).includes('tokenizer.json')) return nameless;
  try {
    return (await openTokenizer(files, model.info.vocab)).piece;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    await note(`Tokens have no text: ${error.message}`);
    return nameless;
  }
}

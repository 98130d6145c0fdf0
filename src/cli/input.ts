import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError, messageOf } from '../core/errors.ts';
import type { Token } from '../core/trace.ts';
import type { ModelFiles } from '../model/files.ts';
import { openLanguageModel, type LanguageModel } from '../model/languageModel.ts';
import { openTokenizer, type TextTokenizer } from '../model/tokenizer.ts';
import { modelAt } from '../worker/files.node.ts';
import { findNativeRuntime } from '../worker/native.node.ts';
import { nodeRuntime } from '../worker/runtime.node.ts';
import { UsageError, type ModelOptions, type TextInput } from './options.ts';

export const BUNDLED_MODEL = join('media', 'models', 'explain-tokens-9m');

/** Takes sentences about what was done. */
export type Note = (sentence: string) => Promise<void>;

/** A model and the tokens it is to read. */
export interface Opened {
  readonly model: LanguageModel;
  readonly files: ModelFiles;
  readonly tokens: readonly Token[];
  readonly reading: Reading;
  /** UTF-16 units of the text, and those at its end that did not fit the model's context. */
  readonly characters: number;
  readonly omitted: number;
}

/** What ids read as; nothing without a tokenizer. */
export type Reading = Pick<TextTokenizer, 'piece' | 'textOf'>;

/** Opens the model and tokenizes the input. Throws UserError or UsageError. */
export async function openInput(options: ModelOptions, distFolder: string, note: Note): Promise<Opened> {
  const text = options.input.kind === 'ids' ? null : await readInput(options.input);
  const files = await modelAt(options.model ?? join(distFolder, '..', BUNDLED_MODEL));
  const model = await openLanguageModel(files, nodeRuntime(distFolder, findNativeRuntime(options.runtime, distFolder)));
  return { model, files, ...(await tokensOf(options, text, files, model, note)) };
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

type ReadTokens = Pick<Opened, 'tokens' | 'reading' | 'characters' | 'omitted'>;

async function tokensOf({ input, chat }: ModelOptions, text: string | null, files: ModelFiles, model: LanguageModel, note: Note): Promise<ReadTokens> {
  if (input.kind === 'ids' || text === null) return idTokens(input.kind === 'ids' ? input.ids : new Int32Array(), model, await readingOf(files, model, note));
  const { contextLength, vocab } = model.info;
  const tokenizer = await openTokenizer(files, vocab);
  const { tokenized, length } = (chat ? tokenizer.encodeChatFirst : tokenizer.encodeFirst)(text, contextLength);
  return { tokens: tokenized.tokens, reading: tokenizer, characters: text.length, omitted: text.length - length };
}

/** Ids have no text: their tokens have a reading where there is a tokenizer, and no place. */
function idTokens(ids: Int32Array, { info }: LanguageModel, reading: Reading): ReadTokens {
  const outside = ids.find((id) => id >= info.vocab);
  if (outside !== undefined) throw new UsageError(`--ids: ${outside} is outside the model's vocabulary of ${info.vocab}.`);
  if (info.positions === 'learned' && ids.length > info.contextLength) throw new UsageError(`--ids: the model reads ${info.contextLength} tokens at most, not ${ids.length}.`);
  const tokens = Array.from(ids, (id, index) => ({ index, id, text: reading.piece(id), bytes: [], start: 0, end: 0, special: false, partial: false }));
  return { tokens, reading, characters: 0, omitted: 0 };
}

const NAMELESS: Reading = { piece: () => '', textOf: () => '' };

/** With ids, a tokenizer only names them: one that is missing or cannot be used is no failure. */
async function readingOf(files: ModelFiles, model: LanguageModel, note: Note): Promise<Reading> {
  if (!(await files.list()).includes('tokenizer.json')) return NAMELESS;
  try {
    return await openTokenizer(files, model.info.vocab);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    await note(`Tokens have no text: ${error.message}`);
    return NAMELESS;
  }
}

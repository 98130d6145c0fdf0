import { constants } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { bytesText } from '../core/bytesText.ts';
import { UserError, messageOf } from '../core/errors.ts';
import { boundOf, windowsOf } from '../core/omission.ts';
import type { ReadWindow, Token } from '../core/trace.ts';
import { english, translated } from '../core/translatable.ts';
import { findModels } from '../library/found/found.ts';
import type { ModelFiles } from '../model/formats/modelFiles.ts';
import { openLanguageModel, type LanguageModel } from '../model/languageModel.ts';
import type { Runtime } from '../model/run/runtime.ts';
import { openTokenizer, type TextTokenizer } from '../model/tokenizer/textTokenizer.ts';
import { modelAt } from '../worker/files.node.ts';
import { nativeState } from '../worker/native.node.ts';
import { checkRoom, type Room } from '../analysis/fitting.ts';
import { windowOfText } from '../analysis/windowOfText.ts';
import { nodeRuntime } from '../worker/runtime.node.ts';
import { BUNDLED_MODEL } from './bundledModel.ts';
import { omission, roomNow, type Omission } from './room.ts';
import type { ModelOptions, TraceOptions } from './options.ts';
import { UsageError, type TextInput } from './optionValues.ts';

/** Keys that end a text typed in a terminal. */
const END_OF_INPUT = process.platform === 'win32' ? 'Ctrl+Z and Enter' : 'Ctrl+D on a line of its own';

/** Most bytes of an input, which is more than any model reads. */
const MAX_BYTES = 100_000_000;

/** Most UTF-16 units of a text that is read by windows: all its tokens are in memory. */
const MAX_WINDOWED = 10_000_000;

/** Shows the user one sentence about the work; resolves when it is written. */
export type Note = (sentence: string) => Promise<void>;

/** A loaded model and the tokens that it will read. */
export interface Opened {
  readonly model: LanguageModel;
  readonly files: ModelFiles;
  readonly tokens: readonly Token[];
  readonly reading: Reading;
  /** Null: the model has none that can be used, and `reading` names no token. */
  readonly tokenizer: TextTokenizer | null;
  /** Why the end of the text was left out; null if all of it is read, or a window. */
  readonly omitted: Omission | null;
  /** The window of the text that was asked for, and where it lies; null: none was, or the text fits. Offsets of tokens are the text's. */
  readonly window: { readonly read: ReadWindow; readonly sentence: string } | null;
}

/** Functions from token ids to text; without a tokenizer they return empty strings. */
export type Reading = Pick<TextTokenizer, 'piece' | 'textOf'>;

/** Opens the model and tokenizes the input. Throws UserError or UsageError. */
export async function openInput(
  options: ModelOptions & Partial<Pick<TraceOptions, 'window'>>,
  distFolder: string,
  note: Note,
): Promise<Opened> {
  const text = options.input.kind === 'ids' ? null : await readInput(options.input, note);
  const files = await modelFilesAt(options.model ?? join(distFolder, '..', BUNDLED_MODEL));
  const model = await openLanguageModel(files, runtimeOf(options, distFolder));
  await noteModel(model, note);
  return { model, files, ...(await tokensOf(options, text, files, model, note)) };
}

/** The files of a model; those of an adapter with the base model that other programs keep on this machine. Throws UserError. */
export function modelFilesAt(path: string): Promise<ModelFiles> {
  return modelAt(path, undefined, async () => {
    const found = await findModels({ env: process.env, home: homedir() });
    return new Map(found.flatMap(({ name, aliases, path: at }) => [name, ...aliases].map((known) => [known, at] as const)));
  });
}

/** A model with its tokenizer. */
export interface TextModel {
  readonly model: LanguageModel;
  readonly tokenizer: TextTokenizer;
}

/** Opens the model of a folder or file, with its tokenizer. Throws UserError. */
export async function openTextModel(folder: string, runtime: Runtime, note: Note): Promise<TextModel> {
  const files = await modelFilesAt(folder);
  const model = await openLanguageModel(files, runtime);
  await noteModel(model, note);
  return { model, tokenizer: await openTokenizer(files, model.info.vocab) };
}

/** The runtime that the options select. Throws UserError if the native runtime was asked for explicitly and is missing or does not load. */
export function runtimeOf({ runtime, nativeFolder }: Pick<ModelOptions, 'runtime' | 'nativeFolder'>, distFolder: string): Runtime {
  return nodeRuntime(distFolder, nativeState(runtime, distFolder, nativeFolder === null ? undefined : resolve(nativeFolder)));
}

/** Tells the user about a runtime that replaces the one asked for, and about files of the model that the results do not include. */
export async function noteModel({ info }: LanguageModel, note: Note): Promise<void> {
  if (info.nativeFailure !== undefined) await note(`The slower WebAssembly computes, with the same results: ${info.nativeFailure}`);
  for (const notice of info.notices ?? []) await note(translated(notice, english));
}

/**
 * Text of an input: given literally, from a file, or from standard input. Throws UserError, naming `option`, if it cannot be read, is
 * empty or is not UTF-8.
 */
export async function readInput(input: TextInput, note: Note, option = '--file'): Promise<string> {
  if (input.kind === 'text') return input.text;
  const named = `${option} ${input.kind === 'file' ? input.path : '- (standard input)'}`;
  const text = await readFileText(input, named, note);
  if (text === '') throw new UserError(`${named} is empty: there is nothing to explain.`);
  return text;
}

/** The whole text of a file or of standard input, `named` so in errors. Throws UserError if it cannot be read or is not UTF-8. */
export async function readFileText(input: Exclude<TextInput, { kind: 'text' }>, named: string, note: Note): Promise<string> {
  const bytes = await (input.kind === 'file' ? readFile(input.path) : readStandardInput(note, named)).catch((error: unknown) => {
    throw error instanceof UserError ? error : new UserError(`${named} cannot be read: ${messageOf(error)}.`, { cause: error });
  });
  if (bytes.length > constants.MAX_STRING_LENGTH) throw new UserError(`${named} is too large to be read: ${bytesText(bytes.length)}.`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new UserError(`${named} is not UTF-8 text.`, { cause: error });
  }
}

/** Bytes of standard input up to its end. A user at a keyboard is told that the command is waiting. */
async function readStandardInput(note: Note, named: string): Promise<Buffer> {
  const { stdin } = process;
  if (stdin.isTTY) await note(`Reading the text from the keyboard: end it with ${END_OF_INPUT}.`);
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stdin as AsyncIterable<Buffer>) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_BYTES) throw new UserError(`${named} does not end after ${bytesText(MAX_BYTES)}: that is more than any model reads.`);
  }
  return Buffer.concat(pieces);
}

type ReadTokens = Pick<Opened, 'tokens' | 'reading' | 'tokenizer' | 'omitted' | 'window'>;

async function tokensOf(
  { input, chat, window = null }: Parameters<typeof openInput>[0],
  text: string | null,
  files: ModelFiles,
  model: LanguageModel,
  note: Note,
): Promise<ReadTokens> {
  if (input.kind === 'ids' || text === null) {
    const ids = input.kind === 'ids' ? input.ids : new Int32Array();
    checkRoom(model, await roomNow(model), ids.length);
    return idTokens(ids, model, await tokenizerOf(files, model, note));
  }
  const { vocab } = model.info;
  const room = await roomNow(model);
  const tokenizer = await openTokenizer(files, vocab);
  if (window !== null) return { reading: tokenizer, tokenizer, omitted: null, ...windowTokens(model, tokenizer, text, room, window) };
  const { tokenized, length } = (chat ? tokenizer.encodeChatFirst : tokenizer.encodeFirst)(text, room.tokens);
  return {
    tokens: tokenized.tokens,
    reading: tokenizer,
    tokenizer,
    omitted: omission(model, room, { tokens: tokenized.tokens.length, read: length, length: text.length }),
    window: null,
  };
}

/** The tokens of a window, counted from 1, with their places in the whole text. */
function windowTokens(
  model: LanguageModel,
  tokenizer: TextTokenizer,
  text: string,
  room: Room,
  number: number,
): Pick<ReadTokens, 'tokens' | 'window'> {
  if (text.length > MAX_WINDOWED)
    throw new UserError(
      `--window is for texts of at most ${MAX_WINDOWED} characters, as they are tokenized as a whole: this one has ${text.length}.`,
    );
  const { tokenized, window, shortage } = windowOfText(model, tokenizer, text, room, { index: number - 1 });
  if (window === null) return { tokens: tokenized.tokens, window };
  const { begin = 0, end = 0, start = 0 } = window.windows[window.index] ?? {};
  const rule = translated(windowsOf(boundOf(model.info, shortage), window), english);
  return {
    tokens: tokenized.tokens.map((token) => ({ ...token, start: token.start + start, end: token.end + start })),
    window: { read: window, sentence: `${rule} Window ${number} of ${window.windows.length}: tokens ${begin} to ${end - 1}.` },
  };
}

/** Tokens of given ids: with text if there is a tokenizer, without bytes or offsets. */
function idTokens(ids: Int32Array, { info }: LanguageModel, tokenizer: TextTokenizer | null): ReadTokens {
  const reading = tokenizer ?? NAMELESS;
  const outside = ids.find((id) => id >= info.vocab);
  if (outside !== undefined) throw new UsageError(`--ids: ${outside} is outside the model's vocabulary of ${info.vocab}.`);
  if (info.positions === 'learned' && ids.length > info.contextLength)
    throw new UsageError(`--ids: the model reads ${info.contextLength} tokens at most, not ${ids.length}.`);
  const tokens = Array.from(ids, (id, index) => ({
    index,
    id,
    text: reading.piece(id),
    bytes: [],
    start: 0,
    end: 0,
    special: false,
    partial: false,
  }));
  return { tokens, reading, tokenizer, omitted: null, window: null };
}

/** Stands in for a missing tokenizer. */
const NAMELESS: Reading = { piece: () => '', textOf: () => '' };

/** Texts of given ids. The tokenizer only names them here, so a missing or unusable one is not an error. */
async function tokenizerOf(files: ModelFiles, model: LanguageModel, note: Note): Promise<TextTokenizer | null> {
  if (!(await files.list()).includes('tokenizer.json')) return null;
  try {
    return await openTokenizer(files, model.info.vocab);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    await note(`Tokens have no text: ${error.message}`);
    return null;
  }
}

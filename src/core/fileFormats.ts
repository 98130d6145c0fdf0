/** A format in which a whole model is one file, or several numbered parts. */
export interface FileFormat {
  /** What the format is called. */
  readonly name: string;
  /** File name extension, without the dot. */
  readonly ending: string;
  /** Magic characters at the start of its files. */
  readonly start: string;
}

/** The formats. A new one needs an entry here and, for how it is opened, one in `model/formats/formats.ts`. */
const FORMATS = {
  gguf: { name: 'GGUF', ending: 'gguf', start: 'GGUF' },
} as const satisfies Readonly<Record<string, FileFormat>>;

/** Name of a format in code. */
export type FormatId = keyof typeof FORMATS;
/** Every format by its id. */
export const FILE_FORMATS: Readonly<Record<FormatId, FileFormat>> = FORMATS;
/** Ids of all formats. */
// The type of a constant's keys is known here and nowhere else.
export const FORMAT_IDS = Object.keys(FORMATS) as readonly FormatId[];

/** Most files of one model; llama.cpp's gguf-split numbers them in five digits, and large models have some dozens. */
export const PARTS_MAX = 1000;
const ENDINGS = FORMAT_IDS.map((id) => FILE_FORMATS[id].ending).join('|');
/** One of several parts, as gguf-split names them: `model-00001-of-00003.gguf`. */
const PART = new RegExp(`^(?<stem>.*)-(?<part>\\d{5})-of-(?<parts>\\d{5})\\.(?<ending>${ENDINGS})$`, 'is');
/** Files of the same format that are no language model: image projectors, importance matrices. */
const NO_LANGUAGE_MODEL = /mmproj|imatrix/i;

/** The format of a file by its name; undefined for a folder or another file. */
export function formatOfName(file: string): FormatId | undefined {
  return FORMAT_IDS.find((id) => file.toLowerCase().endsWith(`.${FILE_FORMATS[id].ending}`));
}

/** Number of bytes at the start of a file that identify its format. */
export const START_BYTES = Math.max(...FORMAT_IDS.map((id) => FILE_FORMATS[id].start.length));

/** The format of a file by its first bytes; `START_BYTES` of them are enough. */
export function formatAtStart(start: Uint8Array): FormatId | undefined {
  const text = new TextDecoder('latin1').decode(start.subarray(0, START_BYTES));
  return FORMAT_IDS.find((id) => text.startsWith(FILE_FORMATS[id].start));
}

/** The name of one part of a split model, taken apart: the model's name, the part's number (from 1), and the number of parts. */
export interface Part {
  readonly stem: string;
  readonly part: number;
  readonly parts: number;
  readonly ending: string;
}

/** The part that a file name denotes; undefined for a file that is not a part of a split model. */
export function partOf(file: string): Part | undefined {
  const { stem = '', part, parts, ending = '' } = PART.exec(file)?.groups ?? {};
  return part === undefined ? undefined : { stem, part: Number(part), parts: Number(parts), ending };
}

/**
 * Names of all files of the model that `file` belongs to: its parts in order, or `file` alone. Empty where the name claims more
 * than `PARTS_MAX` parts.
 */
export function allParts(file: string): readonly string[] {
  const { stem, parts, ending } = partOf(file) ?? { stem: '', parts: 0, ending: '' };
  if (ending === '') return [file];
  if (parts > PARTS_MAX) return [];
  return Array.from({ length: parts }, (_, part) => `${stem}-${digits(part + 1)}-of-${digits(parts)}.${ending}`);
}

function digits(number: number): string {
  return String(number).padStart(5, '0');
}

/** The model's name: the file name without its part number and extension. */
export function modelNameOf(file: string): string {
  const format = formatOfName(file);
  return (partOf(file)?.stem ?? (format === undefined ? file : file.slice(0, -FILE_FORMATS[format].ending.length - 1))) || file;
}

/** Whether the name of a model file is that of a language model. */
export function isLanguageModel(file: string): boolean {
  return !NO_LANGUAGE_MODEL.test(file);
}

/** The language model files among `names`; a split model is represented by its first part. */
export function modelFilesIn(names: readonly string[]): readonly string[] {
  return firstFilesIn(names).filter(isLanguageModel);
}

/** The model files among `names`; a split model is represented by its first part. */
export function firstFilesIn(names: readonly string[]): readonly string[] {
  return names.filter((name) => formatOfName(name) !== undefined && (partOf(name)?.part ?? 1) === 1);
}

import { UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import type { HubChoice, HubFile } from './api.ts';
import { isPlainName, sameIgnoringCase } from './fileNames.ts';

export const INDEX = 'model.safetensors.index.json';
const SINGLE = 'model.safetensors';
/** Without these a folder in Hugging Face layout cannot be read. */
const NEEDED = ['config.json', 'tokenizer.json'];
/** What else says how the model reads and writes, where it is there. */
const OPTIONAL = ['generation_config.json', 'tokenizer_config.json', 'special_tokens_map.json', 'chat_template.jinja'];
/** Parts of a model in several GGUF files: `name-00001-of-00003.gguf`. */
const SPLIT = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;
/** GGUF files beside a model that are none: projectors of pictures, importance matrices. */
const NO_MODEL = /mmproj|imatrix/i;
/** A model has some dozens of shards; more is a mistake or malice. */
const MAX_FILES = 1000;

/** Files at the top of the model's tree by name. */
export type Listing = ReadonlyMap<string, HubFile>;

/**
 * The ways to take a model: its safetensors as the extension opens them, and each of its GGUF files. `shards` are the files its index names, where it has one.
 * Throws UserError saying what is missing, or which file name cannot be written.
 */
export function choicesOf(id: string, listing: Listing, shards: readonly string[] | undefined, t: Translate): readonly HubChoice[] {
  const weights = safetensorsOf(id, listing, shards, t);
  const missing = NEEDED.find((name) => !listing.has(name));
  const whole = weights !== undefined && missing === undefined ? [choice('safetensors', null, [...pick(listing, [...NEEDED, ...OPTIONAL]), ...(shards && !listing.has(SINGLE) ? pick(listing, [INDEX]) : []), ...weights], t)] : [];
  const choices = [...whole, ...ggufChoices(listing, t)];
  if (choices.length > 0) return choices;
  if (weights === undefined) throw new UserError(t('{0} has neither *.safetensors nor *.gguf: weights in other formats are not read.', id));
  throw new UserError(t('{0} has no {1}, without which it cannot be read.', id, missing ?? ''));
}

/** As the extension looks for weights: `model.safetensors`, else what the index names, else the only `*.safetensors`. */
function safetensorsOf(id: string, listing: Listing, shards: readonly string[] | undefined, t: Translate): readonly HubFile[] | undefined {
  const single = listing.get(SINGLE);
  if (single) return [single];
  if (shards) {
    const absent = shards.find((name) => !listing.has(name));
    if (absent !== undefined) throw new UserError(t('The index of {0} names a file that is not there: {1}.', id, JSON.stringify(absent.slice(0, 80))));
    return pick(listing, shards);
  }
  const all = [...listing.values()].filter(({ name }) => name.endsWith('.safetensors'));
  return all.length === 1 ? all : undefined;
}

function ggufChoices(listing: Listing, t: Translate): readonly HubChoice[] {
  const names = [...listing.keys()].filter((name) => /\.gguf$/i.test(name) && !NO_MODEL.test(name));
  const firsts = names.filter((name) => (SPLIT.exec(name)?.[2] ?? '00001') === '00001');
  return firsts.flatMap((first) => {
    const parts = splitParts(first).map((name) => listing.get(name));
    // A set with a part missing cannot be opened.
    return parts.every((part) => part !== undefined) ? [choice('gguf', first, parts, t)] : [];
  });
}

function splitParts(first: string): readonly string[] {
  const [, stem, , of] = SPLIT.exec(first) ?? [];
  const count = Math.min(MAX_FILES, Number(of ?? 1));
  return of === undefined ? [first] : Array.from({ length: count }, (_, part) => `${stem}-${String(part + 1).padStart(5, '0')}-of-${of}.gguf`);
}

function choice(kind: HubChoice['kind'], entry: string | null, files: readonly HubFile[], t: Translate): HubChoice {
  const names = files.map(({ name }) => name);
  const unwritable = names.find((name) => !isPlainName(name));
  if (unwritable !== undefined) throw new UserError(t('The hub lists a file whose name cannot be written: {0}.', JSON.stringify(unwritable.slice(0, 80))));
  const same = sameIgnoringCase(names);
  if (same) throw new UserError(t('The hub lists two files that would be one on many disks: {0} and {1}.', ...same));
  if (files.length > MAX_FILES) throw new UserError(t('The model is spread over {0} files; at most {1} make sense.', files.length, MAX_FILES));
  return { kind, entry, files, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
}

function pick(listing: Listing, names: readonly string[]): readonly HubFile[] {
  return names.flatMap((name) => listing.get(name) ?? []);
}

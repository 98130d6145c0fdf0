import { allParts, formatOfName, modelFilesIn } from '../../core/fileFormats.ts';
import { UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import type { HubChoice, HubFile } from './hubApi.ts';
import { isPlainName, sameIgnoringCase } from './fileNames.ts';

/** Name of the file that maps tensors to shards. */
export const INDEX = 'model.safetensors.index.json';
const SINGLE = 'model.safetensors';
/** Files without which a folder in Hugging Face layout cannot be read. */
const NEEDED = ['config.json', 'tokenizer.json'];
/** Further files about tokenization, chat and generation, downloaded where they exist. */
const OPTIONAL = ['generation_config.json', 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json', 'chat_template.jinja'];
/** Most files of a choice. Models have some dozens of shards; many more are a mistake or malice. */
const MAX_FILES = 1000;

/** The files in the top folder of a model's repository, by name. */
export type Listing = ReadonlyMap<string, HubFile>;

/**
 * The choices for downloading a model: its safetensors, and each of its GGUF models. `shards` are the files that its index names,
 * undefined without an index. Throws UserError where there is no choice, with the missing file, or for a file name that cannot be
 * written.
 */
export function choicesOf(id: string, listing: Listing, shards: readonly string[] | undefined, t: Translate): readonly HubChoice[] {
  const weights = safetensorsOf(id, listing, shards, t);
  const missing = NEEDED.find((name) => !listing.has(name));
  const whole =
    weights !== undefined && missing === undefined
      ? [
          choice(
            'safetensors',
            null,
            [...pick(listing, [...NEEDED, ...OPTIONAL]), ...(shards && !listing.has(SINGLE) ? pick(listing, [INDEX]) : []), ...weights],
            t,
          ),
        ]
      : [];
  const choices = [...whole, ...fileChoices(listing, t)];
  if (choices.length > 0) return choices;
  if (weights === undefined) throw new UserError(t('{0} has neither *.safetensors nor *.gguf: weights in other formats are not read.', id));
  throw new UserError(t('{0} has no {1}, without which it cannot be read.', id, missing ?? ''));
}

/** The weights, found as the extension finds them: `model.safetensors`, else the shards, else the only `*.safetensors`. */
function safetensorsOf(id: string, listing: Listing, shards: readonly string[] | undefined, t: Translate): readonly HubFile[] | undefined {
  const single = listing.get(SINGLE);
  if (single) return [single];
  if (shards) {
    const absent = shards.find((name) => !listing.has(name));
    if (absent !== undefined)
      throw new UserError(t('The index of {0} names a file that is not there: {1}.', id, JSON.stringify(absent.slice(0, 80))));
    return pick(listing, shards);
  }
  const all = [...listing.values()].filter(({ name }) => name.endsWith('.safetensors'));
  return all.length === 1 ? all : undefined;
}

/** A choice for every complete single-file model of `listing`, such as a GGUF file with its parts. */
function fileChoices(listing: Listing, t: Translate): readonly HubChoice[] {
  return modelFilesIn([...listing.keys()]).flatMap((first) => {
    const format = formatOfName(first);
    const parts = allParts(first).map((name) => listing.get(name));
    // A model with a missing part cannot be opened.
    const whole = parts.length > 0 && parts.every((part) => part !== undefined);
    return whole && format !== undefined ? [choice(format, first, parts, t)] : [];
  });
}

function choice(kind: HubChoice['kind'], entry: string | null, files: readonly HubFile[], t: Translate): HubChoice {
  const names = files.map(({ name }) => name);
  const unwritable = names.find((name) => !isPlainName(name));
  if (unwritable !== undefined)
    throw new UserError(t('The hub lists a file whose name cannot be written: {0}.', JSON.stringify(unwritable.slice(0, 80))));
  const same = sameIgnoringCase(names);
  if (same) throw new UserError(t('The hub lists two files that would be one on many disks: {0} and {1}.', ...same));
  if (files.length > MAX_FILES)
    throw new UserError(t('The model is spread over {0} files; at most {1} make sense.', files.length, MAX_FILES));
  return { kind, entry, files, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
}

function pick(listing: Listing, names: readonly string[]): readonly HubFile[] {
  return names.flatMap((name) => listing.get(name) ?? []);
}

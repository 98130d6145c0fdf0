import { msg } from '../../core/translatable.ts';
import { isRecord } from '../../core/records.ts';
import { readJson, type ModelFiles } from '../formats/modelFiles.ts';
import { asArray, asFlag, asObject, refuse, type Json } from './tokenizerJson.ts';

const CONFIG_FILE = 'tokenizer_config.json';
const SPECIAL_FILE = 'special_tokens_map.json';
const ADDED_FILE = 'added_tokens.json';
/** Largest file; tokenizer_config.json of the models with the most added tokens takes 3 MB. */
const MAX_BYTES = 16 * 1024 * 1024;
/** `SPECIAL_TOKENS_ATTRIBUTES` of transformers, in its order. */
const SPECIAL_TOKENS = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const;
/** Most tokens in addition to the vocabulary. */
const MAX_TOKENS = 100_000;

/** An added token without its id. */
interface Named {
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** Tokens that the files beside tokenizer.json define. */
export interface NamedTokens {
  /** tokenizer_config.json, overridden by special_tokens_map.json where that applies. */
  readonly config: Json;
  /** Special tokens by name, such as `bos_token`. */
  readonly special: ReadonlyMap<string, Named>;
  readonly extra: readonly Named[];
  /** Added tokens by ascending id in the files. */
  readonly added: readonly Named[];
}

/**
 * The tokens that tokenizer_config.json names, and in files of before 2023, which have no `added_tokens_decoder`, special_tokens_map.json
 * and added_tokens.json. As `PreTrainedTokenizerBase._from_pretrained` of transformers. Throws UserError naming the file.
 */
export async function readNamedTokens(files: ModelFiles): Promise<NamedTokens> {
  const names = await files.list();
  const read = async (file: string): Promise<Json> => (names.includes(file) ? asObject(await readJson(files, file, MAX_BYTES), file) : {});
  const own = await read(CONFIG_FILE);
  const decoder = own['added_tokens_decoder'];
  const config = decoder === undefined ? { ...own, ...(await read(SPECIAL_FILE)) } : own;
  const extraNames = config['extra_special_tokens'] ?? config['additional_special_tokens'] ?? [];
  const others = {
    ...Object.fromEntries(Object.entries(config).filter(([name]) => name.endsWith('_token'))),
    ...(isRecord(extraNames) ? extraNames : {}),
  };
  const special = new Map<string, Named>();
  for (const name of [...SPECIAL_TOKENS, ...Object.keys(others).filter((other) => !SPECIAL_TOKENS.some((known) => known === other))]) {
    const token = namedToken(others[name], true);
    if (token !== null) special.set(name, token);
  }
  const extra = Array.isArray(extraNames) ? extraNames.map((token) => namedToken(token, true)).filter((token) => token !== null) : [];
  const isSpecial = (content: string): boolean => [...special.values(), ...extra].some((token) => token.content === content);
  const placed =
    decoder === undefined
      ? Object.entries(await read(ADDED_FILE)).map(([content, id]) => [Number(id), plain(content, isSpecial(content))] as const)
      : decoded(decoder);
  if (placed.length + extra.length > MAX_TOKENS)
    refuse(msg`${CONFIG_FILE} names ${placed.length + extra.length} tokens, where at most ${MAX_TOKENS} make sense.`);
  const added = placed.toSorted(([a], [b]) => a - b).map(([, token]) => token);
  const withFlags = (token: Named): Named => added.find(({ content }) => content === token.content) ?? token;
  return { config, special: new Map([...special].map(([name, token]) => [name, withFlags(token)])), extra: extra.map(withFlags), added };
}

function decoded(decoder: unknown): readonly (readonly [id: number, token: Named])[] {
  return Object.entries(asObject(decoder, 'added_tokens_decoder')).map(([id, token]) => [
    Number(id),
    namedToken(token, false) ?? refuse(msg`${CONFIG_FILE} does not say the content of token ${id}.`),
  ]);
}

function plain(content: string, special: boolean): Named {
  return { content, single_word: false, lstrip: false, rstrip: false, normalized: !special, special };
}

/** A token given as its text or with its options; null for anything else. */
function namedToken(value: unknown, special: boolean): Named | null {
  if (typeof value === 'string') return plain(value, special);
  if (!isRecord(value) || typeof value['content'] !== 'string') return null;
  const marked = special || asFlag(value['special'], 'special', false);
  return {
    content: value['content'],
    single_word: asFlag(value['single_word'], 'single_word', false),
    lstrip: asFlag(value['lstrip'], 'lstrip', false),
    rstrip: asFlag(value['rstrip'], 'rstrip', false),
    normalized: asFlag(value['normalized'], 'normalized', !marked),
    special: marked,
  };
}

/**
 * tokenizer.json with the tokens that the files beside it define. An existing added token takes their options, one of the vocabulary
 * becomes an added token, and a new one gets the next id. As in `TokenizersBackend.__init__` of transformers and
 * `AddedVocabulary::add_tokens` of tokenizers.
 */
export function withNamedTokens(json: Json, { special, extra, added }: NamedTokens): Json {
  const entries = new Map(
    asArray(json['added_tokens'] ?? [], 'added_tokens').map((item) => {
      const entry = asObject(item, msg`an added token`);
      return [entry['content'], entry] as const;
    }),
  );
  const named = new Set([...special.values()].map(({ content }) => content));
  const inFile = new Set([...entries.keys(), ...added.map(({ content }) => content)]);
  const fresh = [...special.values(), ...extra].filter(({ content }) => !inFile.has(content));
  const wanted = [...added.map((token) => (named.has(token.content) ? { ...token, special: true } : token)), ...fresh].filter(
    ({ content }) => content !== '',
  );
  if (wanted.length === 0) return json;
  const vocabulary = vocabularyOf(json['model']);
  let last = [...entries.values()].reduce((most, { id }) => (typeof id === 'number' ? Math.max(most, id) : most), -1);
  for (const token of wanted) {
    const known = entries.get(token.content)?.['id'] ?? vocabulary.idOf(token.content);
    const id = known ?? (last >= vocabulary.size ? last + 1 : vocabulary.size);
    if (typeof id === 'number') last = Math.max(last, id);
    entries.set(token.content, { ...token, id });
  }
  return { ...json, added_tokens: [...entries.values()] };
}

function vocabularyOf(model: unknown): { readonly size: number; readonly idOf: (content: string) => unknown } {
  const vocab = isRecord(model) ? model['vocab'] : undefined;
  if (Array.isArray(vocab)) {
    const ids = new Map(
      (vocab as readonly unknown[]).map((item, id) => [Array.isArray(item) ? (item as readonly unknown[])[0] : undefined, id] as const),
    );
    return { size: vocab.length, idOf: (content) => ids.get(content) };
  }
  return isRecord(vocab)
    ? { size: Object.keys(vocab).length, idOf: (content) => (Object.hasOwn(vocab, content) ? vocab[content] : undefined) }
    : { size: 0, idOf: () => undefined };
}

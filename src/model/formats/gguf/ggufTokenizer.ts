import { msg } from '../../../core/translatable.ts';
import type { Json } from '../../tokenizer/tokenizerJson.ts';
import { byteToken } from '../../tokenizer/piece.ts';
import { quoted } from '../modelFiles.ts';
import { endTokens, isEnd } from './endTokens.ts';
import { decimal } from './facts.ts';
import type { GgufMetadata } from './ggufHeader.ts';
import { mergesOfScores, readMerges, type Merge } from './ggufMerges.ts';
import { preTokenizerOf } from './preTokenizers.ts';
import { readFlag, readScores, readString, readToken, readTokens, refuse, type GgufToken, type Vocabulary } from './vocabulary.ts';

const MODEL = 'tokenizer.ggml.model';
/** SentencePiece's ids where a file names none. */
const BOS_OF_SENTENCEPIECE = 1;
const EOS_OF_SENTENCEPIECE = 2;
const UNKNOWN_OF_SENTENCEPIECE = 0;

/** A GGUF file's tokenizer as the parsed files of a Hugging Face folder. */
export interface GgufTokenizer {
  /** tokenizer.json */
  readonly tokenizer: Json;
  /** tokenizer_config.json: special tokens by name, and the chat template. */
  readonly config: Json;
}

/** The differences between kinds of tokenizers. */
interface Kind {
  /** The tokens as tokenizer.json spells them. */
  readonly texts: readonly string[];
  readonly merges: readonly Merge[];
  readonly model: Json;
  readonly normalizer: Json | null;
  readonly preTokenizer: Json | null;
  readonly decoder: Json;
  readonly added: readonly Json[];
  readonly special: SpecialTokens;
}

interface SpecialTokens {
  readonly bos: GgufToken | null;
  readonly eos: GgufToken | null;
  readonly unknown: GgufToken | null;
  readonly padding: GgufToken | null;
  readonly addsBos: boolean;
  readonly addsEos: boolean;
}

/**
 * The tokenizer that a GGUF file's metadata describes: `gpt2` (byte-level BPE with a named pre-tokenizer) or `llama`
 * (SentencePiece BPE, with scores or merges, and byte fallback), of which `gemma4` is one with merges. Its ids are those of the tokenizer
 * the file was made of, as far as the file tells: of an added token it keeps neither `lstrip` nor `single_word`.
 * Keys and types: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, and what llama.cpp's converter writes.
 * Throws UserError naming the kind, pre-tokenizer or key at fault.
 */
export function ggufTokenizer(metadata: GgufMetadata): GgufTokenizer {
  const model = readString(metadata, MODEL);
  if (model !== 'gpt2' && model !== 'llama' && model !== 'gemma4') {
    refuse(
      model === ''
        ? msg`${MODEL} is missing`
        : msg`tokenizers of kind ${quoted(model)} are not supported; "gpt2", "llama" and "gemma4" are`,
    );
  }
  const vocabulary = readTokens(metadata);
  const kind = model === 'gpt2' ? byteLevel(metadata, vocabulary) : sentencePiece(metadata, vocabulary);
  const { bos, eos, unknown, padding } = kind.special;
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: kind.added,
    normalizer: kind.normalizer,
    pre_tokenizer: kind.preTokenizer,
    post_processor: postProcessor(kind.special),
    decoder: kind.decoder,
    model: { type: 'BPE', ...kind.model, vocab: idsOf(kind.texts, vocabulary), merges: kind.merges },
    twins: twinsOf(kind.texts, vocabulary),
  };
  const named = { bos_token: bos, eos_token: eos, unk_token: unknown, pad_token: padding };
  const template = readString(metadata, 'tokenizer.chat_template');
  const config = {
    ...Object.fromEntries(Object.entries(named).flatMap(([name, token]) => (token === null ? [] : [[name, token.text]]))),
    ...(template === '' ? {} : { chat_template: template }),
  };
  return { tokenizer, config };
}

/** Prefix of the keys that llama.cpp's converter makes from generation_config.json. */
const SAMPLING = 'general.sampling.';
/** Settings that both have, by llama.cpp's name; those of llama.cpp alone keep their name. */
const SAMPLING_NAMES: Readonly<Record<string, string>> = { temp: 'temperature', top_k: 'top_k', top_p: 'top_p', min_p: 'min_p' };

/**
 * Contents of generation_config.json: end tokens and sampling settings. Works without a supported tokenizer, as tokens may be given
 * by their ids. Throws UserError.
 */
export function ggufGeneration(metadata: GgufMetadata): Json {
  const sampling = [...metadata].flatMap(([key, value]) =>
    key.startsWith(SAMPLING) && typeof value !== 'object'
      ? [[SAMPLING_NAMES[key.slice(SAMPLING.length)] ?? key, typeof value === 'number' ? decimal(value) : value]]
      : [],
  );
  return { ...Object.fromEntries(sampling), ...ends(metadata) };
}

function ends(metadata: GgufMetadata): Json {
  return hasTokenizer(metadata)
    ? { eos_token_id: endTokens(metadata, readTokens(metadata), readString(metadata, MODEL) === 'llama' ? EOS_OF_SENTENCEPIECE : null) }
    : {};
}

/** Whether a file describes a tokenizer, of whatever kind. */
export function hasTokenizer(metadata: GgufMetadata): boolean {
  const model = metadata.get(MODEL) ?? 'none';
  return model !== 'none' && model !== 'no_vocab';
}

/** The `vocab` entry. Without a prototype, so that "__proto__" is a token like others. */
function idsOf(texts: readonly string[], { tokens }: Vocabulary): Json {
  const ids = Object.create(null) as Record<string, unknown>;
  texts.forEach((text, i) => (ids[text] = tokens[i]?.id));
  return ids;
}

/**
 * Tokens that share their text with a later one: text is never encoded to them, but a model may generate them. As in llama.cpp, which
 * warns about them.
 */
function twinsOf(texts: readonly string[], { tokens }: Vocabulary): readonly (readonly [id: number, text: string])[] {
  const latest = new Map(texts.map((text, i) => [text, i]));
  return texts.flatMap((text, i) => (latest.get(text) === i ? [] : [[tokens[i]?.id ?? 0, text] as const]));
}

function byteLevel(metadata: GgufMetadata, vocabulary: Vocabulary): Kind {
  const name = readString(metadata, 'tokenizer.ggml.pre');
  const architecture = readString(metadata, 'general.architecture');
  const found = preTokenizerOf(name, architecture);
  if (found === null)
    return refuse(
      name === '' || name === 'default'
        ? msg`it does not say which pre-tokenizer cuts the text (tokenizer.ggml.pre); newer files of the same model do`
        : msg`its pre-tokenizer ${quoted(name)} is not supported`,
    );
  const texts = vocabulary.tokens.map(({ text }) => text);
  const merges = readMerges(metadata, texts);
  if (merges === null) return refuse(msg`tokenizer.ggml.merges is missing`);
  return {
    texts,
    merges,
    model: { unk_token: null, byte_fallback: false, fuse_unk: false, ignore_merges: found.wholeWords },
    normalizer: found.normalizer,
    preTokenizer: found.preTokenizer,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    added: addedTokens(vocabulary.tokens, texts),
    special: specialTokens(metadata, vocabulary, { bos: null, eos: null, unknown: null, addsBos: found.addsBos }),
  };
}

/** A SentencePiece tokenizer as LlamaConverter and GemmaConverter of transformers (convert_slow_tokenizer.py) write it. */
function sentencePiece(metadata: GgufMetadata, vocabulary: Vocabulary): Kind {
  if (readFlag(metadata, 'tokenizer.ggml.remove_extra_whitespaces', false))
    refuse(msg`it removes white space from the text, which is not supported`);
  const texts = spelled(vocabulary.tokens, readString(metadata, 'general.architecture'));
  const twin = sameSpelling(vocabulary.tokens, texts);
  if (twin !== null) refuse(msg`two of its tokens are ${quoted(twin)}`);
  const gemma4 = readString(metadata, MODEL) === 'gemma4';
  const stated = specialTokens(metadata, vocabulary, {
    bos: gemma4 ? null : BOS_OF_SENTENCEPIECE,
    eos: gemma4 ? null : EOS_OF_SENTENCEPIECE,
    unknown: gemma4 ? null : UNKNOWN_OF_SENTENCEPIECE,
    addsBos: true,
  });
  // As llama.cpp, whatever the file says.
  const special = gemma4 ? { ...stated, addsBos: stated.bos !== null } : stated;
  const prefixed = !gemma4 && readFlag(metadata, 'tokenizer.ggml.add_space_prefix', true);
  const toMark: Json = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const fromMark: Json = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
  const phi3 = /phi-?3/.test(readString(metadata, 'general.name').toLowerCase());
  return {
    texts,
    merges:
      readMerges(metadata, texts) ?? (gemma4 ? refuse(msg`tokenizer.ggml.merges is missing`) : mergesOfTokens(metadata, vocabulary, texts)),
    model: {
      unk_token: special.unknown?.text ?? null,
      byte_fallback: vocabulary.tokens.some(({ type }) => type === 'byte'),
      fuse_unk: true,
      ignore_merges: false,
    },
    normalizer: prefixed ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, toMark] } : toMark,
    preTokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        fromMark,
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefixed ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    added: addedTokens(vocabulary.tokens, texts, phi3),
    special,
  };
}

/** The texts of tokens in SentencePiece's spelling. */
function spelled(tokens: readonly GgufToken[], architecture: string): string[] {
  // The converter writes ▁ in what the user defined as a space.
  const texts = tokens.map(({ text, type }) => (type === 'user defined' && /^ +$/.test(text) ? text.replaceAll(' ', '▁') : text));
  // Gemma has no tab token except its byte, but has tokens of several tabs.
  const tab = texts.indexOf(byteToken(9));
  if (architecture.startsWith('gemma') && tab >= 0 && !texts.includes('\t')) texts[tab] = '\t';
  // What ends a text in C, the converter of InternLM 2 spells as this sign.
  const sign = texts.indexOf('🐉');
  if (architecture === 'internlm2' && sign >= 0 && sign === texts.lastIndexOf('🐉')) texts[sign] = '\0';
  return texts;
}

/** A text shared by two tokens that the file spells differently, so that it is ambiguous. Null where there is none. */
function sameSpelling(tokens: readonly GgufToken[], texts: readonly string[]): string | null {
  const seen = new Map<string, string>();
  for (const [i, text] of texts.entries()) {
    const own = tokens[i]?.text ?? '';
    if ((seen.get(text) ?? own) !== own) return text;
    seen.set(text, own);
  }
  return null;
}

function mergesOfTokens(metadata: GgufMetadata, { tokens, byId }: Vocabulary, texts: readonly string[]): Merge[] {
  const all = readScores(metadata, byId.length);
  const first = tokens.find(({ type }) => type === 'normal');
  if (first === undefined || tokens.every(({ id, type }) => type !== 'normal' || all[id] === all[first.id]))
    refuse(msg`the scores of its tokens are all alike, so the order of merges is not known`);
  // User-defined tokens come first, as in SentencePiece; their score in the file means nothing.
  return mergesOfScores(
    texts,
    tokens.map(({ id, type }) => (type === 'user defined' ? 0 : (all[id] ?? 0))),
  );
}

/**
 * Tokens that are matched in the text before it is split. `phi3`: some absorb the white space after them, which the file does not
 * state; by llama.cpp's rule.
 */
function addedTokens(tokens: readonly GgufToken[], texts: readonly string[], phi3 = false): Json[] {
  return tokens.flatMap((token, i) => {
    const special = token.type === 'control' || token.type === 'unknown' || isEnd(token);
    if (!special && token.type !== 'user defined' && !(phi3 && token.text === '</s>')) return [];
    const rstrip = phi3 && !['<unk>', '<s>', '<|endoftext|>'].includes(token.text);
    return [{ id: token.id, content: texts[i], single_word: false, lstrip: false, rstrip, normalized: false, special }];
  });
}

function specialTokens(
  metadata: GgufMetadata,
  vocabulary: Vocabulary,
  missing: { readonly bos: number | null; readonly eos: number | null; readonly unknown: number | null; readonly addsBos: boolean },
): SpecialTokens {
  const special = {
    bos: readToken(metadata, 'bos_token_id', vocabulary, missing.bos),
    eos: readToken(metadata, 'eos_token_id', vocabulary, missing.eos),
    unknown: readToken(metadata, 'unknown_token_id', vocabulary, missing.unknown),
    padding: readToken(metadata, 'padding_token_id', vocabulary, null),
    addsBos: readFlag(metadata, 'tokenizer.ggml.add_bos_token', missing.addsBos),
    addsEos: readFlag(metadata, 'tokenizer.ggml.add_eos_token', false),
  };
  if (special.addsBos && special.bos === null) refuse(msg`it puts a token before every text, but tokenizer.ggml.bos_token_id names none`);
  if (special.addsEos && special.eos === null) refuse(msg`it puts a token after every text, but tokenizer.ggml.eos_token_id names none`);
  return special;
}

function postProcessor({ bos, eos, addsBos, addsEos }: SpecialTokens): Json | null {
  const before = addsBos ? [bos].filter((token) => token !== null) : [];
  const after = addsEos ? [eos].filter((token) => token !== null) : [];
  if (before.length + after.length === 0) return null;
  const part = ({ text }: GgufToken): Json => ({ SpecialToken: { id: text, type_id: 0 } });
  const text = (id: string): Json => ({ Sequence: { id, type_id: 0 } });
  return {
    type: 'TemplateProcessing',
    single: [...before.map(part), text('A'), ...after.map(part)],
    pair: [...before.map(part), text('A'), text('B'), ...after.map(part)],
    special_tokens: Object.fromEntries(
      [...before, ...after].map((token) => [token.text, { id: token.text, ids: [token.id], tokens: [token.text] }]),
    ),
  };
}

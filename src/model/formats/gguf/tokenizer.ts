import type { Json } from '../../tokenizer/json.ts';
import { byteToken } from '../../tokenizer/piece.ts';
import { quoted } from '../../files.ts';
import { endTokens, isEnd } from './endTokens.ts';
import type { GgufMetadata } from './header.ts';
import { mergesOfScores, readMerges, type Merge } from './merges.ts';
import { preTokenizerOf } from './preTokenizers.ts';
import { readFlag, readList, readScores, readString, readToken, readTokens, refuse, type GgufToken } from './vocabulary.ts';

/** A GGUF file's tokenizer as the parsed files of a Hugging Face folder. */
export interface GgufTokenizer {
  /** tokenizer.json */
  readonly tokenizer: Json;
  /** tokenizer_config.json: special tokens by name, and the chat template. */
  readonly config: Json;
  /** generation_config.json: where generation ends. */
  readonly generation: Json;
}

/** What the kinds of tokenizers differ in. */
interface Kind {
  readonly vocabulary: ReadonlyMap<string, number>;
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
 * (SentencePiece BPE, with scores or merges, and byte fallback). Its ids are those of the tokenizer the file was made
 * of, as far as the file tells: of an added token it keeps neither `lstrip` nor `single_word`.
 * Keys and types: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, and what llama.cpp's converter writes.
 * Throws UserError naming the kind, pre-tokenizer or key at fault.
 */
export function ggufTokenizer(metadata: GgufMetadata): GgufTokenizer {
  const model = readString(metadata, 'tokenizer.ggml.model');
  if (model !== 'gpt2' && model !== 'llama') {
    refuse(model === '' ? 'tokenizer.ggml.model is missing' : `tokenizers of kind ${quoted(model)} are not supported; "gpt2" and "llama" are`);
  }
  const tokens = readTokens(metadata);
  const byId = new Map(tokens.map((token) => [token.id, token]));
  const kind = model === 'gpt2' ? byteLevel(metadata, tokens, byId) : sentencePiece(metadata, tokens, byId);
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
    model: { type: 'BPE', ...kind.model, vocab: Object.fromEntries(kind.vocabulary), merges: kind.merges },
  };
  const named = { bos_token: bos, eos_token: eos, unk_token: unknown, pad_token: padding };
  const template = readString(metadata, 'tokenizer.chat_template');
  const config = { ...Object.fromEntries(Object.entries(named).flatMap(([name, token]) => (token === null ? [] : [[name, token.text]]))), ...(template === '' ? {} : { chat_template: template }) };
  return { tokenizer, config, generation: { eos_token_id: endTokens(metadata, tokens, byId, eos) } };
}

function byteLevel(metadata: GgufMetadata, tokens: readonly GgufToken[], byId: ReadonlyMap<number, GgufToken>): Kind {
  const name = readString(metadata, 'tokenizer.ggml.pre');
  const architecture = readString(metadata, 'general.architecture');
  const found = preTokenizerOf(name, architecture);
  if (found === null) return refuse(name === '' || name === 'default' ? 'it does not say which pre-tokenizer cuts the text (tokenizer.ggml.pre); newer files of the same model do' : `its pre-tokenizer ${quoted(name)} is not supported`);
  const vocabulary = new Map(tokens.map(({ text, id }) => [text, id]));
  const merges = readMerges(metadata, vocabulary);
  if (merges === null) return refuse('tokenizer.ggml.merges is missing');
  return {
    vocabulary,
    merges,
    model: { unk_token: null, byte_fallback: false, fuse_unk: false, ignore_merges: found.wholeWords },
    normalizer: found.normalizer,
    preTokenizer: found.preTokenizer,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    added: addedTokens(tokens, ({ text }) => text),
    special: specialTokens(metadata, byId, { bos: null, eos: null, unknown: null, addsBos: found.addsBos }),
  };
}

/** As LlamaConverter and GemmaConverter of transformers (convert_slow_tokenizer.py) write it. */
function sentencePiece(metadata: GgufMetadata, tokens: readonly GgufToken[], byId: ReadonlyMap<number, GgufToken>): Kind {
  if (readFlag(metadata, 'tokenizer.ggml.remove_extra_whitespaces', false)) refuse('it removes white space from the text, which is not supported');
  // ▁ in what the user defined was written as a space.
  const spelled = ({ text, type }: GgufToken): string => (type === 'user defined' && /^ +$/.test(text) ? text.replaceAll(' ', '▁') : text);
  const vocabulary = new Map(tokens.map((token) => [spelled(token), token.id]));
  if (vocabulary.size !== tokens.length) refuse('two of its tokens are the same number of spaces');
  // Gemma has no tab but its byte, and yet tokens of several tabs.
  const tab = vocabulary.get(byteToken(9));
  if (readString(metadata, 'general.architecture').startsWith('gemma') && tab !== undefined && !vocabulary.has('\t')) {
    vocabulary.delete(byteToken(9));
    vocabulary.set('\t', tab);
  }
  const special = specialTokens(metadata, byId, { bos: 1, eos: 2, unknown: 0, addsBos: true });
  const prefixed = readFlag(metadata, 'tokenizer.ggml.add_space_prefix', true);
  const toMark: Json = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const fromMark: Json = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
  const phi3 = /phi-?3/.test(readString(metadata, 'general.name').toLowerCase());
  return {
    vocabulary,
    merges: readMerges(metadata, vocabulary) ?? mergesOfTokens(metadata, tokens, vocabulary, spelled),
    model: { unk_token: special.unknown?.text ?? null, byte_fallback: tokens.some(({ type }) => type === 'byte'), fuse_unk: true, ignore_merges: false },
    normalizer: prefixed ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, toMark] } : toMark,
    preTokenizer: null,
    decoder: { type: 'Sequence', decoders: [fromMark, { type: 'ByteFallback' }, { type: 'Fuse' }, ...(prefixed ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : [])] },
    added: addedTokens(tokens, spelled, phi3),
    special,
  };
}

function mergesOfTokens(metadata: GgufMetadata, tokens: readonly GgufToken[], vocabulary: ReadonlyMap<string, number>, spelled: (token: GgufToken) => string): Merge[] {
  const scores = readScores(metadata, readList(metadata, 'tokenizer.ggml.tokens').length);
  const normal = tokens.filter(({ type }) => type === 'normal');
  const [first] = normal;
  if (first === undefined || normal.every(({ id }) => scores[id] === scores[first.id])) refuse('the scores of its tokens are all alike, so the order of merges is not known');
  // What the user defined comes before everything else, as in SentencePiece; the score it is given in the file says nothing.
  return mergesOfScores(vocabulary, new Map(tokens.map((token) => [spelled(token), token.type === 'user defined' ? 0 : (scores[token.id] ?? 0)])));
}

/** Tokens that are matched in the text before it is cut. `phi3`: some take in the white space after them, which the file does not tell; by llama.cpp's rule. */
function addedTokens(tokens: readonly GgufToken[], spelled: (token: GgufToken) => string, phi3 = false): Json[] {
  return tokens.flatMap((token) => {
    const special = token.type === 'control' || token.type === 'unknown' || isEnd(token);
    if (!special && token.type !== 'user defined' && !(phi3 && token.text === '</s>')) return [];
    const rstrip = phi3 && !['<unk>', '<s>', '<|endoftext|>'].includes(token.text);
    return [{ id: token.id, content: spelled(token), single_word: false, lstrip: false, rstrip, normalized: false, special }];
  });
}

function specialTokens(metadata: GgufMetadata, byId: ReadonlyMap<number, GgufToken>, missing: { readonly bos: number | null; readonly eos: number | null; readonly unknown: number | null; readonly addsBos: boolean }): SpecialTokens {
  const special = {
    bos: readToken(metadata, 'bos_token_id', byId, missing.bos),
    eos: readToken(metadata, 'eos_token_id', byId, missing.eos),
    unknown: readToken(metadata, 'unknown_token_id', byId, missing.unknown),
    padding: readToken(metadata, 'padding_token_id', byId, null),
    addsBos: readFlag(metadata, 'tokenizer.ggml.add_bos_token', missing.addsBos),
    addsEos: readFlag(metadata, 'tokenizer.ggml.add_eos_token', false),
  };
  if (special.addsBos && special.bos === null) refuse('it puts a token before every text, but tokenizer.ggml.bos_token_id names none');
  if (special.addsEos && special.eos === null) refuse('it puts a token after every text, but tokenizer.ggml.eos_token_id names none');
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
    special_tokens: Object.fromEntries([...before, ...after].map((token) => [token.text, { id: token.text, ids: [token.id], tokens: [token.text] }])),
  };
}

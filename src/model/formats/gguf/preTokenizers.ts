import type { Json } from '../../tokenizer/tokenizerJson.ts';

/** Properties of a byte-level BPE tokenizer that the name of its pre-tokenizer implies. */
export interface PreTokenizer {
  /** The `normalizer` and `pre_tokenizer` entries of tokenizer.json. */
  readonly normalizer: Json | null;
  readonly preTokenizer: Json;
  /** Whether a piece that is a token as a whole is not merged (`ignore_merges`). */
  readonly wholeWords: boolean;
  /** Whether a beginning-of-sequence token is added where the file does not say. */
  readonly addsBos: boolean;
}

// The patterns are those of the models' own tokenizer.json, which llama.cpp quotes beside what it makes of them
// (llama-vocab.cpp, llm_tokenizer_bpe): its regular expressions know no letter case beyond ASCII, no (?i:…), no
// normal forms. The normalizers are those of the tokenizers' classes in transformers, or of the models' own code.
const CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const ENDS = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const words = (numbers: string): string => `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${ENDS}`;
const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const cased = (suffix: string, numbers: string): string =>
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+${suffix}|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*${suffix}|` +
  `${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${ENDS}`;
/** A character class of Oniguruma from ranges of code points in hexadecimal. */
const characters = (ranges: string): string =>
  `[${ranges.replace(/[0-9a-f]+/g, (code) => String.fromCodePoint(parseInt(code, 16))).replaceAll(' ', '')}]`;
/** DeepSeek's letters with upper and lower case. */
const DEEPSEEK_LETTERS = `\\s?${characters(
  '41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 388-38a 38c 38e-3a1 3a3-3f5 3f7-481 48a-52f ' +
    '531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d ' +
    '1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 ' +
    '1ff6-1ffc 2102 2107 210a-2113 2115 2119-211d 2124 2126 2128 212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b ' +
    '2c7e-2ce4 2ceb-2cee 2cf2 2cf3 a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a ' +
    '10400-1044f 104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943',
)}+`;
const DEEPSEEK_HAN = `${characters('4e00-9fa5 800-4e00 ac00-d7ff')}+`;
const DEEPSEEK_V3_WORDS =
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ' +
  '?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const BLOOM = ' ?[^(\\s|[.,!?…。，、।۔،])]+';
const QWEN35 = `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${ENDS}`;
const SEED_CODER = `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${ENDS}`;

/** The only pattern here that takes JavaScript's engine quadratic time, on runs of spaces. */
const SPACE_AT_END = '\\s+$';

const NFC: Json = { type: 'NFC' };
const split = (pattern: string): Json => ({ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false });
const digits = (alone: boolean): Json => ({ type: 'Digits', individual_digits: alone });
/** The byte-level alphabet; `ownPattern`: after splitting by GPT-2's pattern. */
const bytes = (ownPattern: boolean): Json => ({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: ownPattern });

type Options = Partial<Pick<PreTokenizer, 'normalizer' | 'wholeWords' | 'addsBos'>>;
const kind = (steps: readonly Json[], options: Options = {}): PreTokenizer => ({
  normalizer: null,
  wholeWords: false,
  addsBos: false,
  ...options,
  preTokenizer: { type: 'Sequence', pretokenizers: steps },
});
const splits = (patterns: readonly string[], options?: Options): PreTokenizer => kind([...patterns.map(split), bytes(false)], options);

const WHOLE_WORDS: Options = { wholeWords: true, addsBos: true };
const GPT2 = kind([bytes(true)]);
const GPT_NEOX = kind([bytes(true)], { normalizer: NFC });
const STARCODER = kind([digits(true), bytes(true)]);
const LLAMA3 = splits([words('\\p{N}{1,3}')], WHOLE_WORDS);
const GPT4 = splits([words('\\p{N}{1,3}')]);
const QWEN2 = splits([words('\\p{N}')], { normalizer: NFC });
const GPT4O = splits([cased(`${CONTRACTION}?`, '\\p{N}{1,3}')]);
const DEEPSEEK_V3 = splits(['\\p{N}{1,3}', `${characters('4e00-9fa5 3040-309f 30a0-30ff')}+`, DEEPSEEK_V3_WORDS]);
const BLOOM_WORDS = splits([BLOOM]);

/** Pre-tokenizers by `tokenizer.ggml.pre`. */
const KINDS: ReadonlyMap<string, PreTokenizer> = new Map(
  Object.entries({
    'gpt-2': GPT2,
    'phi-2': GPT2,
    exaone4: GPT2,
    gigachat: GPT2,
    mellum: GPT2,
    jais: GPT2,
    trillion: GPT2,
    'granite-docling': GPT2,
    olmo: GPT_NEOX,
    mpt: GPT_NEOX,
    starcoder: STARCODER,
    refact: STARCODER,
    smollm: STARCODER,
    codeshell: STARCODER,
    exaone: STARCODER,
    'minerva-7b': STARCODER,
    'command-r': kind([digits(true), bytes(true)], { normalizer: NFC }),
    falcon: kind([{ type: 'Punctuation', behavior: 'Contiguous' }, bytes(true), digits(false), split('[0-9][0-9][0-9]')]),
    'llama-bpe': LLAMA3,
    llama3: LLAMA3,
    'llama-v3': LLAMA3,
    falcon3: LLAMA3,
    'falcon-h1': LLAMA3,
    pixtral: LLAMA3,
    'midm-2.0': LLAMA3,
    lfm2: LLAMA3,
    dbrx: GPT4,
    'smaug-bpe': GPT4,
    glm4: GPT4,
    'chatglm-bpe': GPT4,
    qwen2: QWEN2,
    'deepseek-r1-qwen': QWEN2,
    megrez: QWEN2,
    stablelm2: QWEN2,
    qwen35: splits([QWEN35], { normalizer: NFC }),
    hunyuan: splits([words('\\p{N}')]),
    'seed-coder': splits([SEED_CODER]),
    'gpt-4o': GPT4O,
    llama4: GPT4O,
    kanana2: GPT4O,
    'minimax-m2': GPT4O,
    tekken: splits([cased('', '\\p{N}')], WHOLE_WORDS),
    'deepseek-llm': kind([
      split('[\\r\\n]'),
      split(DEEPSEEK_LETTERS),
      split(`\\s?${characters('21-2f 3a-7e ff01-ff0f ff1a-ff5e 2018-201f 3000-3002')}+`),
      split(SPACE_AT_END),
      split(DEEPSEEK_HAN),
      digits(true),
      bytes(false),
    ]),
    'deepseek-coder': kind([
      split('[\\r\\n]'),
      split('\\s?\\p{L}+'),
      split('\\s?\\p{P}+'),
      split(DEEPSEEK_HAN),
      digits(true),
      bytes(false),
    ]),
    'deepseek-v3': DEEPSEEK_V3,
    'hunyuan-dense': DEEPSEEK_V3,
    'joyai-llm': DEEPSEEK_V3,
    bloom: BLOOM_WORDS,
    'gpt3-finnish': BLOOM_WORDS,
    'poro-chat': BLOOM_WORDS,
    viking: kind([split(BLOOM), digits(true), bytes(false)]),
  } satisfies Record<string, PreTokenizer>),
);

/** Patterns known to take JavaScript's engine linear time on any text. */
export const LINEAR_PATTERNS: ReadonlySet<string> = new Set(
  [...KINDS.values()].flatMap(({ preTokenizer }) => patternsOf(preTokenizer)).filter((pattern) => pattern !== SPACE_AT_END),
);

function patternsOf(json: Json): string[] {
  const { pattern, pretokenizers } = json as { readonly pattern?: { readonly Regex: string }; readonly pretokenizers?: readonly Json[] };
  return [...(pattern === undefined ? [] : [pattern.Regex]), ...(pretokenizers ?? []).flatMap(patternsOf)];
}

/** Pre-tokenizers of files from before April 2024, which name none, for architectures whose models all have the same one. */
const OF_ARCHITECTURE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    gpt2: 'gpt-2',
    phi2: 'phi-2',
    gptneox: 'olmo',
    starcoder2: 'starcoder',
    qwen2: 'qwen2',
    qwen2moe: 'qwen2',
    falcon: 'falcon',
    bloom: 'bloom',
    mpt: 'mpt',
  }),
);

/** The pre-tokenizer of a name, or of an architecture where the file names none ("default"); null for one that is not known. */
export function preTokenizerOf(name: string, architecture: string): PreTokenizer | null {
  const unnamed = name === '' || name === 'default';
  const found = KINDS.get(unnamed ? (OF_ARCHITECTURE.get(architecture) ?? '') : name) ?? null;
  // gpt-oss's own file takes whole words, as its tokenizer does; other models with the same pattern do not.
  return found === GPT4O && architecture === 'gpt-oss' ? { ...GPT4O, wholeWords: true } : found;
}

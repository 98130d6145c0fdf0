import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readChatTemplate } from '../../../src/model/chat/chatTemplate.ts';
import type { GgufMetadata, GgufValue } from '../../../src/model/formats/gguf/ggufHeader.ts';
import { ggufGeneration, ggufTokenizer } from '../../../src/model/formats/gguf/ggufTokenizer.ts';
import { readStopTokens } from '../../../src/model/generation/stopTokens.ts';
import { openTokenizer, type TextTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { filesOf } from './folder.ts';
import { cpuMs } from '../../cpuTime.ts';

type Metadata = Readonly<Record<string, GgufValue | undefined>>;
const reference = JSON.parse(
  gunzipSync(readFileSync(new URL('../../fixtures/tokenizer/gguf.json.gz', import.meta.url))).toString('utf8'),
) as {
  readonly folders: Readonly<Record<string, { readonly metadata: Metadata }>>;
  readonly pieces: Readonly<Record<string, { readonly metadata: Metadata }>>;
};
const gpt2 = reference.folders['gpt2']?.metadata ?? {};
const llama = reference.pieces['llama']?.metadata ?? {};
const listOf = (metadata: Metadata, key: string): GgufValue[] => [...((metadata[`tokenizer.ggml.${key}`] ?? []) as readonly GgufValue[])];
const size = listOf(gpt2, 'tokens').length;

/** The metadata with changes; undefined takes a key away. */
function changed(metadata: Metadata, changes: Metadata): GgufMetadata {
  return new Map(
    Object.entries({ ...metadata, ...changes }).flatMap(([key, value]): [string, GgufValue][] =>
      value === undefined ? [] : [[key, value]],
    ),
  );
}
const ggml = (changes: Metadata): Metadata =>
  Object.fromEntries(Object.entries(changes).map(([key, value]) => [`tokenizer.ggml.${key}`, value]));
const withItem = (metadata: Metadata, key: string, index: number, value: GgufValue): Metadata =>
  ggml({ [key]: listOf(metadata, key).with(index, value) });
/** A chain of tokens of which each begins and ends all longer ones. */
const alike = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, i) => 'a'.repeat(1 + (i % length)) + 'b'.repeat(Math.floor(i / length)));

const REFUSED: readonly (readonly [what: string, metadata: Metadata, changes: Metadata, reason: RegExp])[] = [
  ['no kind', gpt2, ggml({ model: undefined }), /tokenizer\.ggml\.model is missing/],
  ['WordPiece', gpt2, ggml({ model: 'bert' }), /kind "bert" are not supported; "gpt2", "llama" and "gemma4" are/],
  ['Unigram', gpt2, ggml({ model: 't5' }), /kind "t5"/],
  ['RWKV', gpt2, ggml({ model: 'rwkv' }), /kind "rwkv"/],
  ['PLaMo', gpt2, ggml({ model: 'plamo2' }), /kind "plamo2"/],
  ['a kind that is a number', gpt2, ggml({ model: 4 }), /tokenizer\.ggml\.model is not a text/],
  ['an unknown pre-tokenizer', gpt2, ggml({ pre: 'kimi-k2' }), /pre-tokenizer "kimi-k2" is not supported/],
  ['a pre-tokenizer of the prototype', gpt2, ggml({ pre: 'constructor' }), /pre-tokenizer "constructor" is not supported/],
  ['no pre-tokenizer', gpt2, { ...ggml({ pre: undefined }), 'general.architecture': 'llama' }, /does not say which pre-tokenizer/],
  [
    'the default pre-tokenizer',
    gpt2,
    { ...ggml({ pre: 'default' }), 'general.architecture': 'granite' },
    /does not say which pre-tokenizer/,
  ],
  ['no tokens', gpt2, ggml({ tokens: undefined }), /tokenizer\.ggml\.tokens is missing/],
  ['an empty list of tokens', gpt2, ggml({ tokens: [], token_type: [] }), /has 0 tokens/],
  ['tokens that are a text', gpt2, ggml({ tokens: 'abc' }), /tokenizer\.ggml\.tokens is not a list/],
  ['a token that is a number', gpt2, withItem(gpt2, 'tokens', 5, 5), /token 5 is not a text/],
  ['a long token', gpt2, withItem(gpt2, 'tokens', 5, 'x'.repeat(2000)), /token 5 is 2000 letters long/],
  [
    'a million tokens',
    gpt2,
    ggml({ tokens: Array.from({ length: 1_000_000 }, () => 'x') }),
    /has 1000000 tokens, where 1 to 524288 make sense/,
  ],
  ['fewer types', gpt2, ggml({ token_type: [1, 1] }), new RegExp(`has ${size} tokens, but the types of 2`)],
  ['a type that is a text', gpt2, withItem(gpt2, 'token_type', 3, '1'), /token 3 has the type "1"/],
  ['no merges', gpt2, ggml({ merges: undefined }), /tokenizer\.ggml\.merges is missing/],
  ['a merge of one token', gpt2, withItem(gpt2, 'merges', 2, 'the'), /merge 2 is not a pair of tokens/],
  ['a merge that is a list', gpt2, withItem(gpt2, 'merges', 2, ['a', 'b']), /merge 2 is not a pair of tokens/],
  ['a merge of an unknown token', gpt2, withItem(gpt2, 'merges', 2, 'qqqqq a'), /merge 2, "qqqqq a", does not make a token of two tokens/],
  ['a merge that makes no token', gpt2, withItem(gpt2, 'merges', 2, 'q q'), /merge 2, "q q", does not make a token/],
  ['a merge with nothing after the space', gpt2, withItem(gpt2, 'merges', 2, 'q '), /merge 2, "q ", does not/],
  ['a merge of a megabyte', gpt2, withItem(gpt2, 'merges', 2, `${'q'.repeat(1e6)} a`), /merge 2, "q{80}…", does not/],
  ['an id that is no whole number', gpt2, ggml({ bos_token_id: 1.5 }), /bos_token_id is 1\.5/],
  ['an id that is a text', gpt2, ggml({ bos_token_id: '1' }), /bos_token_id is "1"/],
  ['the id of no token', gpt2, ggml({ padding_token_id: size - 1 }), /padding_token_id is \d+, which is no token's id/],
  [
    'a token before every text that is not named',
    gpt2,
    ggml({ add_bos_token: true, bos_token_id: undefined }),
    /puts a token before every text/,
  ],
  [
    'a token after every text that is not named',
    gpt2,
    ggml({ add_eos_token: true, eos_token_id: undefined }),
    /puts a token after every text/,
  ],
  ['a flag that is a number', gpt2, ggml({ add_bos_token: 1 }), /add_bos_token is neither true nor false/],
  ['a chat template that is a list', gpt2, { 'tokenizer.chat_template': ['x'] }, /tokenizer\.chat_template is not a text/],
  ['no scores', llama, ggml({ scores: undefined }), /tokenizer\.ggml\.scores is missing/],
  ['fewer scores', llama, ggml({ scores: [1, 2] }), /but the scores of 2/],
  ['scores all alike', llama, ggml({ scores: listOf(llama, 'scores').map(() => -1000) }), /scores of its tokens are all alike/],
  ['a score that is no number', llama, withItem(llama, 'scores', 9, NaN), /the score of token 9 is not a number/],
  ['white space taken away', llama, ggml({ remove_extra_whitespaces: true }), /removes white space from the text/],
  [
    'runs of spaces that mean the same',
    llama,
    ggml({ tokens: listOf(llama, 'tokens').with(8, '  ').with(9, '▁▁'), token_type: listOf(llama, 'token_type').with(8, 4) }),
    /two of its tokens are "▁▁"/,
  ],
];

it.each(REFUSED)('%s is refused in one sentence', (_, metadata, changes, reason) => {
  expect(() => ggufTokenizer(changed(metadata, changes))).toThrow(reason);
  expect(() => ggufTokenizer(changed(metadata, changes))).toThrow(/^The tokenizer of this GGUF file cannot be used: [^\n]{1,240}\.$/);
});

describe('tokens made to take long', () => {
  it.each([
    ['that are cut in too many ways', alike(60_000, 300)],
    ['of which each begins the next', alike(1000, 1000)],
  ])('%s are refused, or read, within a second or two', (_, texts) => {
    const list = { tokens: texts, token_type: texts.map(() => 1), scores: texts.map((_, i) => -i) };
    const begun = cpuMs();
    try {
      ggufTokenizer(changed({}, ggml({ model: 'llama', add_bos_token: false, ...list })));
    } catch (error) {
      expect(String(error)).toMatch(/make sense|too long to compare/);
    }
    expect(cpuMs() - begun).toBeLessThan(60_000);
  });
});

it('a vocabulary as large as the largest known is read in seconds, its merges found by the scores', () => {
  const tokens = Array.from({ length: 262_144 }, (_, i) => i.toString(8));
  const scores = tokens.map((_, i) => -i);
  const begun = cpuMs();
  const { tokenizer } = ggufTokenizer(
    changed({}, ggml({ model: 'llama', add_bos_token: false, tokens, scores, token_type: tokens.map(() => 1) })),
  );
  expect(cpuMs() - begun).toBeLessThan(60_000);
  // Every cut of two to six digits whose right part does not begin with 0, or is 0.
  expect((tokenizer['model'] as { readonly merges: readonly unknown[] }).merges.length).toBe(1_146_880);
});

describe('what llama.cpp opens with a warning at most is opened', () => {
  const tokenizerOf = async (metadata: Metadata, changes: Metadata, rows = size): Promise<TextTokenizer> => {
    const { tokenizer } = ggufTokenizer(changed(metadata, changes));
    return openTokenizer(filesOf({ 'tokenizer.json': JSON.stringify(tokenizer) }), rows);
  };
  const text = 'the end of it';

  it.each<[what: string, metadata: Metadata, changes: Metadata]>([
    ['no types', gpt2, ggml({ token_type: undefined })],
    ['an unknown type', gpt2, withItem(gpt2, 'token_type', 3, 9)],
    ['the type 0, undefined', gpt2, withItem(gpt2, 'token_type', 3, 0)],
    ['a padding id out of range', gpt2, ggml({ padding_token_id: 1e6 })],
    ['an end out of range', gpt2, ggml({ eos_token_id: 1e6 })],
    ['no types in SentencePiece', llama, ggml({ token_type: undefined })],
    ['an end out of range in SentencePiece', llama, ggml({ eos_token_id: 1e6 })],
  ])('%s: the text’s tokens stay the same', async (_, metadata, changes) => {
    const count = listOf(metadata, 'tokens').length;
    expect((await tokenizerOf(metadata, changes, count)).encode(text).ids).toEqual(
      (await tokenizerOf(metadata, {}, count)).encode(text).ids,
    );
  });

  it('an end out of range is SentencePiece’s own', () => {
    expect(ggufTokenizer(changed(llama, ggml({ eos_token_id: 1e6 }))).config).toMatchObject({ eos_token: '</s>' });
  });

  it('a text of two tokens becomes the later one; the earlier one still reads as it', async () => {
    const tokenizer = await tokenizerOf(gpt2, withItem(gpt2, 'tokens', size - 1, 'z'));
    const early = listOf(gpt2, 'tokens').indexOf('z');
    expect([...tokenizer.encode('z').ids]).toEqual([size - 1]);
    expect([early, size - 1].map(tokenizer.piece)).toEqual(['z', 'z']);
  });

  it('a token more than the model has rows, which is told where a text holds it', async () => {
    const extra = ggml({ tokens: [...listOf(gpt2, 'tokens'), '<image_soft_token>'], token_type: [...listOf(gpt2, 'token_type'), 3] });
    const tokenizer = await tokenizerOf(gpt2, extra);
    expect([...tokenizer.encode(text).ids]).toEqual([...(await tokenizerOf(gpt2, {})).encode(text).ids]);
    expect(() => tokenizer.encode('the <image_soft_token>')).toThrow(
      `The text holds the token "<image_soft_token>" (id ${size}), for which this model has no row: its vocabulary ends ` +
        `at ${size - 1}. Leave it out of the text.`,
    );
    expect(tokenizer.count('the<image_soft_token>')).toBe(tokenizer.count('the') + 1);
  });
});

describe('special tokens', () => {
  it('an id of -1, or of none, names no token', () => {
    expect(ggufTokenizer(changed(gpt2, ggml({ padding_token_id: 0xffffffff }))).config).not.toHaveProperty('pad_token');
  });

  it('SentencePiece files that name none have those of SentencePiece', () => {
    const { config, tokenizer } = ggufTokenizer(
      changed(llama, ggml({ bos_token_id: undefined, eos_token_id: undefined, unknown_token_id: undefined, add_bos_token: undefined })),
    );
    expect(config).toMatchObject({ bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' });
    expect(tokenizer['post_processor']).toMatchObject({ special_tokens: { '<s>': { ids: [1] } } });
  });

  it('an old file of an architecture with one pre-tokenizer is read by it', () => {
    const named = ggufTokenizer(changed(gpt2, {}));
    expect(ggufTokenizer(changed(gpt2, ggml({ pre: undefined }))).tokenizer).toEqual(named.tokenizer);
  });

  it('adds what the file says, on both sides', async () => {
    const text = 'the end';
    const open = async (changes: Metadata): Promise<readonly number[]> => {
      const { tokenizer } = ggufTokenizer(changed(gpt2, ggml({ bos_token_id: 7, eos_token_id: 8, ...changes })));
      return [...(await openTokenizer(filesOf({ 'tokenizer.json': JSON.stringify(tokenizer) }), size)).encode(text).ids];
    };
    const plain = await open({});
    expect(await open({ add_bos_token: true })).toEqual([7, ...plain]);
    expect(await open({ add_bos_token: true, add_eos_token: true })).toEqual([7, ...plain, 8]);
  });
});

describe('where generation ends', () => {
  const ends = async (texts: readonly (readonly [string, number])[], changes: Metadata = {}): Promise<readonly string[]> => {
    const tokens = [...listOf(gpt2, 'tokens').slice(0, -2), ...texts.map(([text]) => text)];
    const types = [...listOf(gpt2, 'token_type').slice(0, -2), ...texts.map(([, type]) => type)];
    const generation = ggufGeneration(changed(gpt2, ggml({ tokens, token_type: types, eos_token_id: undefined, ...changes })));
    const ids = await readStopTokens(filesOf({ 'generation_config.json': JSON.stringify(generation) }), {});
    return ids.map((id) => String(tokens[id])).filter((text) => text !== '<|endoftext|>');
  };

  it('at the tokens the file names, and those whose text says so', async () => {
    expect(
      await ends(
        [
          ['<|im_start|>', 3],
          ['<|im_end|>', 3],
          ['[stop]', 3],
        ],
        { eot_token_id: size },
      ),
    ).toEqual(['[stop]', '<|im_end|>']);
  });

  it("not at a tag of HTML, nor within gpt-oss's answer", async () => {
    expect(
      await ends([
        ['</s>', 1],
        ['<|end|>', 3],
        ['<|return|>', 3],
        ['<|call|>', 3],
      ]),
    ).toEqual(['<|return|>', '<|call|>']);
    expect(
      await ends([
        ['</s>', 3],
        ['<|end|>', 3],
      ]),
    ).toEqual(['</s>', '<|end|>']);
  });
});

it('a generation ends where it should where text cannot be read, and goes on where there is no tokenizer', () => {
  expect(ggufGeneration(changed(gpt2, ggml({ pre: 'kimi-k2', merges: undefined })))).toEqual(ggufGeneration(changed(gpt2, {})));
  expect(ggufGeneration(changed(llama, ggml({ eos_token_id: undefined })))).toEqual({ eos_token_id: [2] });
  expect(ggufGeneration(changed({}, ggml({ model: 'no_vocab' })))).toEqual({});
  expect(ggufGeneration(changed({}, {}))).toEqual({});
});

describe('the chat template', () => {
  it('is that of the file, with its special tokens', async () => {
    const { config } = ggufTokenizer(
      changed(gpt2, { 'tokenizer.chat_template': '{{ bos_token }}<{{ messages[0].content }}>{{ eos_token }}' }),
    );
    const chat = await readChatTemplate(filesOf({ 'tokenizer_config.json': JSON.stringify(config) }));
    expect(chat?.('hi').text).toBe('<|endoftext|><hi><|endoftext|>');
  });

  it('is missing where the file has none', async () => {
    expect(
      await readChatTemplate(filesOf({ 'tokenizer_config.json': JSON.stringify(ggufTokenizer(changed(gpt2, {})).config) })),
    ).toBeNull();
  });
});

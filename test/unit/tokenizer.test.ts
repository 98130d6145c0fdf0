import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { wellFormed } from '../../src/core/textSpans.ts';
import { createTokenizer, openTokenizer, type TextTokenizer } from '../../src/model/tokenizer/textTokenizer.ts';
import { memoryFiles } from '../../src/worker/files.memory.ts';
import { cpuMs } from '../cpuTime.ts';

interface Reference {
  readonly lines: readonly string[];
  readonly tokenizers: Readonly<Record<string, { readonly ids: readonly number[][]; readonly offsets: readonly number[][] }>>;
}

const fixtures = new URL('../fixtures/tokenizer/', import.meta.url);
const bundled = new URL('../../media/models/explain-tokens-9m/', import.meta.url);
const reference = JSON.parse(gunzipSync(readFileSync(new URL('lines.json.gz', fixtures))).toString('utf8')) as Reference;

type Json = Record<string, unknown>;
const readJson = (url: URL): Json => JSON.parse(readFileSync(url, 'utf8')) as Json;
const tokenizerJson = (name: string): Json =>
  readJson(name === 'bundled' ? new URL('tokenizer.json', bundled) : new URL(`${name}.json`, fixtures));
const open = (name: string): TextTokenizer => createTokenizer(tokenizerJson(name), 16384);

/** Opens a fixture that was changed. */
const changed =
  (name: string, change: (json: Json) => void, vocab = 16384): (() => TextTokenizer) =>
  () => {
    const json = structuredClone(tokenizerJson(name));
    change(json);
    return createTokenizer(json, vocab);
  };
const model = (json: Json): Json => json['model'] as Json;

/** UTF-16 offset of every code point of the text, and of its end. */
function unitOffsets(text: string): number[] {
  const offsets = [0];
  for (const character of text) offsets.push((offsets.at(-1) ?? 0) + character.length);
  return offsets;
}

/** UTF-8 bytes before every UTF-16 unit at which a character begins, and before the end. */
function byteOffsets(text: string): number[] {
  const offsets: number[] = [];
  let unit = 0;
  let byte = 0;
  for (const character of text) {
    offsets[unit] = byte;
    unit += character.length;
    byte += Buffer.byteLength(character, 'utf8');
  }
  offsets[unit] = byte;
  return offsets;
}

describe.each(Object.keys(reference.tokenizers))('%s against the Python tokenizers library', (name) => {
  const expected = reference.tokenizers[name] ?? { ids: [], offsets: [] };
  const tokenizer = open(name);
  const encoded = reference.lines.map((line) => tokenizer.encode(line));

  it('gives the same ids on every line', () => {
    expect(reference.lines.length).toBeGreaterThanOrEqual(1000);
    const different = reference.lines.filter((_, i) => JSON.stringify([...(encoded[i]?.ids ?? [])]) !== JSON.stringify(expected.ids[i]));
    expect(different).toEqual([]);
  });

  it('places every token where the library does', () => {
    const wrong: unknown[] = [];
    reference.lines.forEach((line, i) => {
      const units = unitOffsets(line);
      const offsets = expected.offsets[i] ?? [];
      encoded[i]?.tokens.forEach((token, t) => {
        const place = [token.start, token.end];
        // What stands for nothing in the text has an empty place; the library gives a prefix space the character after it.
        const right =
          token.bytes.length === 0 ? [token.start, token.start] : [units[offsets[2 * t] ?? -1], units[offsets[2 * t + 1] ?? -1]];
        if (place[0] !== right[0] || place[1] !== right[1] || (token.special && token.bytes.length > 0))
          wrong.push({ line: line.slice(0, 80), t, token, right });
      });
    });
    expect(wrong).toEqual([]);
  });

  it('spells the text: bytes in order are its UTF-8, spans are the smallest runs of whole characters', () => {
    const wrong: unknown[] = [];
    reference.lines.forEach((line, i) => {
      const tokens = encoded[i]?.tokens.filter((token) => !token.special) ?? [];
      if (Buffer.compare(Buffer.from(tokens.flatMap((token) => [...token.bytes])), Buffer.from(line, 'utf8')) !== 0)
        wrong.push(line.slice(0, 80));
      const bytesBefore = byteOffsets(line);
      let byte = 0;
      for (const token of tokens) {
        const before = bytesBefore[token.start] ?? -1;
        const after = bytesBefore[token.end] ?? -1;
        const end = byte + token.bytes.length;
        const covers = before <= byte && after >= end && before > byte - 4 && after < end + 4;
        if (token.bytes.length > 0 && (!covers || token.partial !== (before !== byte || after !== end))) wrong.push(token);
        byte = end;
      }
    });
    expect(wrong).toEqual([]);
  });
});

describe('special tokens', () => {
  it('marks what the tokenizer added, and reads a literal control token as text', () => {
    const { tokens } = open('bundled').encode('a<|endoftext|>');
    expect(tokens.map(({ id, special, start, end, text }) => ({ id, special, start, end, text }))).toEqual([
      { id: 0, special: true, start: 0, end: 0, text: '<|endoftext|>' },
      { id: tokens[1]?.id, special: false, start: 0, end: 1, text: 'a' },
      { id: 0, special: false, start: 1, end: 14, text: '<|endoftext|>' },
    ]);
    expect(Buffer.from([...(tokens[2]?.bytes ?? [])]).toString()).toBe('<|endoftext|>');
  });

  it('counts the text’s own tokens only', () => {
    const tokenizer = open('bundled');
    expect([tokenizer.count(''), tokenizer.count('a'), tokenizer.addedTokens]).toEqual([0, 1, 1]);
  });

  it('adds what the post-processor says, before and after', () => {
    const { tokens } = open('unknown').encode('a');
    expect([tokens[0], tokens.at(-1)]).toMatchObject([
      { text: '<s>', special: true, start: 0, end: 0 },
      { text: '</s>', special: true, start: 1, end: 1 },
    ]);
  });

  it('adds nothing where no post-processor asks for it', () => {
    expect(
      open('gpt2')
        .encode('a')
        .tokens.some((token) => token.special),
    ).toBe(false);
  });
});

describe('hard text', () => {
  it('reads lone surrogates as U+FFFD at unchanged offsets', () => {
    const text = 'a\ud83d b\udc00😀';
    const { tokens } = open('bundled').encode(text);
    expect(Buffer.from(tokens.flatMap((token) => [...token.bytes])).toString()).toBe('a\ufffd b\ufffd😀');
    expect(tokens.at(-1)?.end).toBe(text.length);
    expect(wellFormed(text)).toBe('a\ufffd b\ufffd😀');
  });

  it('shows part of a character as U+FFFD and says so', () => {
    const { tokens } = open('llama2-normalizer').encode('😀');
    const parts = tokens.filter((token) => token.bytes.length === 1);
    expect(parts.map((token) => [token.start, token.end, token.partial, token.text])).toEqual(
      Array.from({ length: 4 }, () => [0, 2, true, '\ufffd']),
    );
  });

  it.each(['bundled', 'gpt2', 'llama3', 'llama2-normalizer', 'llama2-metaspace'])(
    '%s stays near linear on 100,000 letters, spaces and mixed text',
    (name) => {
      const tokenizer = open(name);
      for (const unit of ['a', ' ', '中', 'The fox said: 你好! '] as const) {
        const time = (length: number): number => {
          const text = unit.repeat(length / unit.length);
          const start = cpuMs();
          tokenizer.count(text);
          return cpuMs() - start;
        };
        time(1000);
        // 8 times the text takes 8 times as long where time is linear, 64 times where it is quadratic.
        const small = Math.max(time(12_500), 400);
        expect(time(100_000), `100,000 of ${unit}`).toBeLessThan(small * 32);
      }
    },
    60_000,
  );
});

describe('encodeFirst', () => {
  it.each(Object.keys(reference.tokenizers))('%s keeps the first tokens of the whole text, ending at a whole character', (name) => {
    const tokenizer = open(name);
    for (const text of ['One sentence, 大型语言模型 😀👩‍👩‍👧 and more. ', ' ', '😀', 'a']) {
      const long = text.repeat(Math.ceil(6000 / text.length));
      const whole = tokenizer.encode(long);
      const { tokenized, length } = tokenizer.encodeFirst(long, 100);
      expect(tokenized.tokens.length).toBeLessThanOrEqual(100);
      // A run of unknown characters is one token: such a text may fit whole.
      expect(tokenized.tokens.length).toBeGreaterThan(Math.min(100, whole.tokens.length) - 4);
      const own = tokenized.tokens.filter((token) => !token.special);
      expect(own.map((token) => token.id)).toEqual(
        whole.tokens
          .filter((token) => !token.special)
          .slice(0, own.length)
          .map((token) => token.id),
      );
      expect(Buffer.from(own.flatMap((token) => [...token.bytes])).toString()).toBe(long.slice(0, length));
      expect(own.at(-1)?.end).toBe(length);
    }
  });

  it('takes a text that fits whole, and refuses a character that does not fit', () => {
    const tokenizer = open('bundled');
    expect(tokenizer.encodeFirst('a b c', 512)).toEqual({ tokenized: tokenizer.encode('a b c'), length: 5 });
    expect(() => open('llama2-normalizer').encodeFirst('😀', 3)).toThrow(UserError);
  });
});

describe('pieces', () => {
  it('reads ids as text', () => {
    const llama = open('llama2-normalizer');
    expect([llama.piece(1), llama.piece(3 + 0x41), llama.piece(3 + 0xff), llama.piece(999)]).toEqual(['<s>', 'A', '\ufffd', '']);
    const byteLevel = open('gpt2');
    const { ids } = byteLevel.encode(' the');
    expect([...ids].map((id) => byteLevel.piece(id)).join('')).toBe(' the');
  });

  it('spells ids together: shared characters whole, white space as it goes on, special tokens left out', () => {
    const llama = open('llama2-normalizer');
    const byteTokens = [...new TextEncoder().encode('龘')].map((byte) => 3 + byte);
    expect(llama.textOf(Int32Array.of(1, ...byteTokens, 2, ...byteTokens.slice(0, 2)))).toBe('龘\ufffd');
    for (const [name, text] of [
      ['bundled', ' 👩‍👩‍👧‍👦 龘\r\n\tnext'],
      ['gpt2', ' the\u0000 龘'],
      ['llama2-normalizer', 'the 龘 😀'],
    ] as const) {
      const tokenizer = open(name);
      expect(tokenizer.textOf(tokenizer.encode(text).ids).trimStart()).toBe(text.trimStart());
    }
    expect(llama.textOf(Int32Array.of(999))).toBe('');
  });
});

describe('refused tokenizers', () => {
  it.each<[string, () => TextTokenizer, RegExp]>([
    [
      'a Unigram without tokens',
      changed('gpt2', (json) => void (json['model'] = { type: 'Unigram', vocab: [] })),
      /tokenizer\.json.*vocabulary is empty/,
    ],
    [
      'a Unigram without scores',
      changed('gpt2', (json) => void (json['model'] = { type: 'Unigram', vocab: [['a', null]] })),
      /score of the token "a"/,
    ],
    [
      'a Unigram whose unknown token is none',
      changed('gpt2', (json) => void (json['model'] = { type: 'Unigram', vocab: [['a', 0]], unk_id: 7 })),
      /unknown token has id 7/,
    ],
    ['WordPiece', changed('gpt2', (json) => void (json['model'] = { type: 'WordPiece', vocab: {} })), /tokenizer\.json.*WordPiece/],
    [
      'a normalizer',
      changed('llama2-normalizer', (json) => void (json['normalizer'] = { type: 'BertNormalizer' })),
      /tokenizer\.json.*normalizer "BertNormalizer"/,
    ],
    ['a normalizer that is no text', changed('gpt2', (json) => void (json['normalizer'] = { type: 3 })), /normalizer without a name/],
    [
      'a charsmap that is no base64',
      changed('gpt2', (json) => void (json['normalizer'] = { type: 'Precompiled', precompiled_charsmap: '!!!' })),
      /charsmap.*base64/,
    ],
    [
      'a charsmap that is cut off',
      changed('gpt2', (json) => void (json['normalizer'] = { type: 'Precompiled', precompiled_charsmap: btoa('\xff\xff\0\0abcd') })),
      /charsmap.*cut off/,
    ],
    [
      'a pre-tokenizer',
      changed('gpt2', (json) => void (json['pre_tokenizer'] = { type: 'BertPreTokenizer' })),
      /tokenizer\.json.*BertPreTokenizer/,
    ],
    [
      'a behavior',
      changed(
        'llama3',
        (json) => void (json['pre_tokenizer'] = { type: 'Split', pattern: { String: ' ' }, behavior: 'Doubled', invert: false }),
      ),
      /behavior.*"Doubled"/,
    ],
    [
      'a list that is none',
      changed('llama3', (json) => void (json['pre_tokenizer'] = { type: 'Sequence', pretokenizers: {} })),
      /not a list/,
    ],
    [
      'a replacement pattern that is none',
      changed('llama3', (json) => void (json['normalizer'] = { type: 'Replace', pattern: 'x', content: '' })),
      /Replace is not an object/,
    ],
    [
      'a broken pattern',
      changed(
        'llama3',
        (json) => void (json['pre_tokenizer'] = { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated', invert: false }),
      ),
      /pattern/,
    ],
    [
      'a possessive group',
      changed(
        'llama3',
        (json) => void (json['pre_tokenizer'] = { type: 'Split', pattern: { Regex: '(ab)++a' }, behavior: 'Isolated', invert: false }),
      ),
      /possessive group/,
    ],
    [
      'an id beyond every vocabulary',
      changed('gpt2', (json) => void (json['added_tokens'] = [{ id: 2 ** 24, content: '<x>' }])),
      /"<x>" has id 16777216, where ids below 16777216 make sense/,
    ],
    ['an id that is no number', changed('gpt2', (json) => void (model(json)['vocab'] = { a: 'one' })), /"a" is not a whole number/],
    ['a merge of nothing', changed('gpt2', (json) => void (model(json)['merges'] = [['q', 'qqqqqq']])), /merge/],
    ['a template', changed('llama3', (json) => void (json['post_processor'] = { type: 'Unheard' })), /tokenizer\.json.*Unheard/],
    ['a suffix', changed('gpt2', (json) => void (model(json)['end_of_word_suffix'] = '</w>')), /end_of_word_suffix/],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(UserError);
    expect(make).toThrow(message);
  });

  it('a text whose bytes the vocabulary cannot hold, rather than a shifted one', () => {
    const make = changed('gpt2', (json) => {
      const vocab = model(json)['vocab'] as Json;
      delete vocab['Ã'];
      model(json)['merges'] = (model(json)['merges'] as readonly string[][]).filter((merge) => !merge.join('').includes('Ã'));
      for (const token of Object.keys(vocab)) if (token.includes('Ã')) delete vocab[token];
    });
    expect(() => make().encode('café')).toThrow(UserError);
    expect(make().encode('cafe').tokens.length).toBeGreaterThan(0);
  });

  it('a file nested without end', async () => {
    const json = JSON.stringify({ ...tokenizerJson('gpt2'), normalizer: 'DEEP' }).replace(
      '"DEEP"',
      '{"type":"Sequence","normalizers":['.repeat(50_000) + ']}'.repeat(50_000),
    );
    await expect(openTokenizer(memoryFiles('deep', { 'tokenizer.json': new TextEncoder().encode(json) }), 16384)).rejects.toThrow(
      UserError,
    );
  });

  it('a folder without tokenizer.json, and one whose tokenizer.json is not JSON', async () => {
    await expect(openTokenizer(memoryFiles('some-model', { 'config.json': new Uint8Array() }), 10)).rejects.toThrow(
      'The folder some-model has no tokenizer.json.',
    );
    await expect(openTokenizer(memoryFiles('some-model', { 'tokenizer.json': new TextEncoder().encode('{') }), 10)).rejects.toThrow(
      /tokenizer\.json/,
    );
    await expect(openTokenizer(memoryFiles('some-model', { 'tokenizer.json': new TextEncoder().encode('[]') }), 10)).rejects.toThrow(
      /tokenizer\.json/,
    );
  });
});

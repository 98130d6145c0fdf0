import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import { openTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { memoryFiles } from '../../../src/worker/files.memory.ts';
import { cpuMs } from '../../cpuTime.ts';

type Json = Record<string, unknown>;
const { tokenizers } = JSON.parse(
  gunzipSync(readFileSync(new URL('../../fixtures/tokenizer/kinds.json.gz', import.meta.url))).toString('utf8'),
) as { readonly tokenizers: Readonly<Record<string, Json>> };

const open = async (json: unknown, vocab = 2000): Promise<Awaited<ReturnType<typeof openTokenizer>>> =>
  openTokenizer(memoryFiles('m', { 'tokenizer.json': new TextEncoder().encode(JSON.stringify(json)) }), vocab);

/** A repeatable sequence of numbers below 1 (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const HOSTILE: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e300,
  '',
  'x',
  '__proto__',
  '[',
  '(?<=',
  '\\p{Nope}',
  '▁',
  '\ud800',
  [],
  [[]],
  [null],
  {},
  { type: 'Sequence' },
  { String: '' },
  { Regex: '(a+)+$x' },
  { Regex: '' },
];

/** The tree with one node replaced, the deeper parts of long lists left alone so that structure is hit more often than single tokens. */
function changed(json: unknown, next: () => number): unknown {
  const copy = structuredClone(json);
  let node = copy;
  for (let depth = 0; depth < 6; depth++) {
    if (typeof node !== 'object' || node === null) break;
    const keys = Object.keys(node).slice(0, 12);
    const key = keys[Math.floor(next() * keys.length)];
    if (key === undefined) break;
    const parent = node as Json;
    const child = parent[key];
    if (next() < 0.4 || typeof child !== 'object' || child === null) {
      parent[key] = HOSTILE[Math.floor(next() * HOSTILE.length)];
      break;
    }
    node = child;
  }
  return copy;
}

describe('a changed tokenizer.json', () => {
  it.each(Object.keys(tokenizers))('%s opens and spells texts, or is refused in one sentence', async (name) => {
    const next = sequence(name.length * 7919);
    const seen = { opened: 0, refused: 0 };
    for (let round = 0; round < 25; round++) {
      const json = changed(tokenizers[name], next);
      const begun = cpuMs();
      try {
        const tokenizer = await open(json);
        seen.opened++;
        for (const text of ['The fox: 12 e\u0301 ½ 你好😀 <s> x', ' ', '']) {
          const own = tokenizer.encode(text).tokens.filter((token) => !token.special);
          expect(Buffer.from(own.flatMap((token) => [...token.bytes])).toString()).toBe(text);
        }
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        expect(error.message).toMatch(/^[^\n]{10,300}\.$/);
        seen.refused++;
      }
      expect(cpuMs() - begun).toBeLessThan(30_000);
    }
    expect(Math.min(seen.opened, seen.refused)).toBeGreaterThan(0);
  });
});

describe('sizes', () => {
  const bpe = (vocab: Json, rest: Json = {}): Json => ({ model: { type: 'BPE', vocab, merges: [] }, ...rest });
  const few: Json = { a: 0, b: 1, ' ': 2, é: 3 };
  const many = <Item>(count: number, item: (i: number) => Item): Item[] => Array.from({ length: count }, (_, i) => item(i));

  it.each([
    [
      'thousands of tokens too many',
      () => bpe(Object.fromEntries(many(3100, (i) => [`t${i}`, i]))),
      /it lists 30\d\d tokens or more, but the model's vocabulary ends at 999/,
    ],
    [
      'two million Unigram tokens',
      () => ({ model: { type: 'Unigram', vocab: many(2_000_000, () => ['a', 0]) } }),
      /it holds 2000001 lists/,
    ],
    [
      'some Unigram tokens',
      () => ({ model: { type: 'Unigram', vocab: many(3100, (i) => [`t${i}`, 0]) } }),
      /the vocabulary has 3100 tokens/,
    ],
    [
      'two million merges',
      () => ({ model: { type: 'BPE', vocab: few, merges: many(2_000_000, () => 'a b') } }),
      /the list of merges has 2000000 entries, where at most 9000/,
    ],
    [
      'two million merges as pairs',
      () => ({ model: { type: 'BPE', vocab: few, merges: many(2_000_000, () => ['a', 'b']) } }),
      /it holds 200000\d lists/,
    ],
    [
      'a million added tokens',
      () => bpe(few, { added_tokens: many(1_000_000, (i) => ({ id: 5, content: `a${i}` })) }),
      /it lists 100000\d tokens or more/,
    ],
    ['some added tokens', () => bpe(few, { added_tokens: many(1500, (i) => ({ id: 5, content: `a${i}` })) }), /it has 1500 added tokens/],
    ['a long added token', () => bpe(few, { added_tokens: [{ id: 5, content: 'a'.repeat(5000) }] }), /an added token is 5000 letters long/],
    [
      'a million ids around a text',
      () =>
        bpe(few, {
          post_processor: {
            type: 'TemplateProcessing',
            single: [{ SpecialToken: { id: 'a' } }, { Sequence: { id: 'A' } }],
            special_tokens: { a: { ids: many(1_000_000, () => 0) } },
          },
        }),
      /adds 1000000 tokens to every text, where at most 64/,
    ],
    [
      'a million post-processors',
      () => bpe(few, { post_processor: { type: 'Sequence', processors: many(100_000, () => null) } }),
      /the list of post-processors has 100000 entries/,
    ],
    [
      'a million normalizers',
      () => bpe(few, { normalizer: { type: 'Sequence', normalizers: many(1_000_000, () => 0) } }),
      /the list of normalizers has 1000000 entries/,
    ],
    [
      'normalizers in sequences',
      () =>
        bpe(few, {
          normalizer: {
            type: 'Sequence',
            normalizers: many(60, () => ({ type: 'Sequence', normalizers: many(60, () => ({ type: 'Lowercase' })) })),
          },
        }),
      /it lists|the list of normalizers has 3600 entries/,
    ],
    [
      'pre-tokenizers',
      () => bpe(few, { pre_tokenizer: { type: 'Sequence', pretokenizers: many(1_000_000, () => 0) } }),
      /the list of pre-tokenizers has 1000000 entries/,
    ],
  ])('%s: refused by their number', async (_, json, sentence) => {
    await expect(open(json(), 1000)).rejects.toThrow(sentence);
  });

  it('two million tokens too many: refused before they are made', async () => {
    const text = `{"model":{"type":"BPE","vocab":{${many(2_000_000, (i) => `"t${i}":${i % 1000}`).join(',')}},"merges":[]}}`;
    const files = memoryFiles('m', { 'tokenizer.json': new TextEncoder().encode(text) });
    await expect(openTokenizer(files, 1000)).rejects.toThrow(/it lists 19\d{5} tokens or more, but the model's vocabulary ends at 999/);
  });

  it.each(['normalizer', 'pre_tokenizer', 'post_processor', 'decoder', 'x'])(
    '%s nested 10,000 deep is refused by its depth',
    async (name) => {
      const list = { normalizer: 'normalizers', pre_tokenizer: 'pretokenizers', post_processor: 'processors' }[name] ?? 'decoders';
      const nested = `${`{"type":"Sequence","${list}":[`.repeat(10_000)}${']}'.repeat(10_000)}`;
      const text = `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"${name}":${nested}}`;
      await expect(openTokenizer(memoryFiles('m', { 'tokenizer.json': new TextEncoder().encode(text) }), 100_000)).rejects.toThrow(
        /tokenizer\.json holds lists and objects within each other 20001 deep, where at most 64/,
      );
    },
  );

  it.each<[string, unknown, string]>([
    [
      'Replace that doubles',
      { type: 'Sequence', normalizers: many(40, () => ({ type: 'Replace', pattern: { String: 'a' }, content: 'aa' })) },
      'a',
    ],
    ['Replace by a long text', { type: 'Replace', pattern: { Regex: '' }, content: 'a'.repeat(1_000_000) }, 'ab'.repeat(10_000)],
    [
      'Replace of one letter by a long text',
      { type: 'Replace', pattern: { String: 'a' }, content: 'a'.repeat(1_000_000) },
      'ab'.repeat(10_000),
    ],
    ['Prepend of a long text', { type: 'Prepend', prepend: 'a'.repeat(1_000_000) }, 'a'],
    ['bytes of bytes', { type: 'Sequence', normalizers: many(40, () => ({ type: 'ByteLevel' })) }, 'é'.repeat(1000)],
    [
      'Replace, decomposed and lowered in turn',
      {
        type: 'Sequence',
        normalizers: many(16, (i) =>
          i % 2 === 0 ? { type: 'NFKD' } : { type: 'Replace', pattern: { Regex: '\\p{L}' }, content: '\ufdfa' },
        ),
      },
      'ab'.repeat(1000),
    ],
  ])('a text that grows is refused before it is made: %s', async (_, normalizer, text) => {
    const tokenizer = await open(bpe(few, { normalizer }), 1000);
    expect(() => tokenizer.encode(text)).toThrow(/tokenizer\.json: its rules make a text of \d+ bytes longer than \d+ letters\./);
  });

  it('the longest a normal form makes of a character is no bomb', async () => {
    const vocab = Object.fromEntries(many(0x800, (i) => [String.fromCodePoint(i), i]));
    const tokenizer = await open(
      bpe(vocab, { normalizer: { type: 'NFKC' }, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false } }),
      5000,
    );
    expect(tokenizer.count('\ufdfa'.repeat(1000))).toBe(33_000);
  });

  it('900 added tokens that begin alike are sought in a long text', async () => {
    const tokenizer = await open(bpe(few, { added_tokens: many(900, (i) => ({ id: 5, content: `${'a'.repeat(1000)}${i}b` })) }), 1000);
    expect(tokenizer.count('a'.repeat(100_000))).toBe(100_000);
  });

  it('a hundred thousand tokens beyond a model of as many are told where the text holds one', async () => {
    const vocab = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [i === 100_001 ? 'x' : `t${i}`, i]));
    const tokenizer = await open({ model: { type: 'BPE', vocab, merges: [] } }, 100_000);
    expect(() => tokenizer.encode('x')).toThrow(
      /The text holds the token "x" \(id 100001\), for which this model has no row: its vocabulary ends at 99999/,
    );
  });

  it('opens 256,000 Unigram tokens in seconds and finds the likeliest path among them', async () => {
    const vocab: [string, number][] = [
      ['<unk>', 0],
      ...Array.from({ length: 255_999 }, (_, i): [string, number] => [i.toString(36), -10 - (i % 97) / 100]),
    ];
    const begun = cpuMs();
    const tokenizer = await open({ model: { type: 'Unigram', vocab, unk_id: 0 } }, 256_000);
    expect(cpuMs() - begun).toBeLessThan(60_000);
    expect(tokenizer.encode('5hha').tokens.map((token) => token.text)).toEqual(['5hha']);
  });
});

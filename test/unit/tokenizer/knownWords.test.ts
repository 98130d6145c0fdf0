import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { packedTokens } from '../../packedTokens.ts';
import { knownWords } from '../../../src/model/tokenizer/knownWords.ts';
import type { Placed } from '../../../src/model/tokenizer/piece.ts';
import { sliceRun, sourceRun, type SourcedText } from '../../../src/model/tokenizer/sourcedText.ts';
import { createTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';

type Json = Record<string, unknown>;
const at = (path: string): URL => new URL(`../../../${path}`, import.meta.url);
const kinds = JSON.parse(gunzipSync(readFileSync(at('test/fixtures/tokenizer/kinds.json.gz'))).toString()) as {
  readonly lines: readonly string[];
  readonly tokenizers: Readonly<Record<string, Json>>;
};
const VOCAB = 2 ** 20;
/** Words that a text repeats, at its start and in its middle, some of them in two forms of the same letters. */
const TEXTS = [
  ' the',
  'the the the',
  'é e\u0301 é e\u0301, the ﬁ fi ﬁ',
  '½ 1⁄2 ½ 😀 the 😀😀',
  'the\tthe  the\r\nthe\n\nthe 12 12 1212',
  'the ﷺ the ﷺ',
  'a\u0000b a\u0000b the a\ufeffb',
];

function tokensOr(encode: () => unknown): unknown {
  try {
    return encode();
  } catch (error) {
    // The tokenizer drops the whole text, or has no token for a character.
    return String(error);
  }
}

it.each(Object.entries(kinds.tokenizers))('%s: a text has the same tokens whatever was read before', (_, json) => {
  const used = createTokenizer(json, VOCAB);
  for (const text of [...TEXTS, ...TEXTS, ...kinds.lines.slice(0, 8)]) {
    const fresh = createTokenizer(json, VOCAB);
    const tokens = tokensOr(() => fresh.encode(text).tokens);
    expect([text, tokensOr(() => used.encode(text).tokens)]).toEqual([text, tokens]);
    expect([text, tokensOr(() => [...used.packInPieces(text)])]).toEqual([
      text,
      tokensOr(() => [...fresh.encodeInPieces(text)].map(packedTokens)),
    ]);
  }
});

it('encodes a short word once, and no word whose letters are not the text’s', () => {
  const seen: string[] = [];
  const encode = knownWords((word, placed) => {
    seen.push(word.text);
    placed.push({ id: word.text.length, start: word.starts[0] ?? 0, end: word.ends.at(-1) ?? 0, marked: false });
  });
  const run = sourceRun('né né né');
  const tokens = (word: SourcedText): Placed[] => {
    const placed: Placed[] = [];
    encode(word, placed);
    return placed;
  };
  expect(tokens(sliceRun(run, 3, 5))).toEqual([{ id: 2, start: 4, end: 7, marked: false }]);
  expect(tokens(sliceRun(run, 6, 8))).toEqual([{ id: 2, start: 8, end: 11, marked: false }]);
  expect(seen).toEqual(['né']);
  // The first word of a text may be told apart from others.
  tokens(sliceRun(run, 0, 2));
  // One unit that stands for two bytes fewer than it has.
  tokens({ text: 'né', source: run.source, starts: Uint32Array.of(4, 5), ends: Uint32Array.of(5, 6) });
  const long = sourceRun(` ${'a'.repeat(13)}`);
  tokens(sliceRun(long, 1, 14));
  tokens(sliceRun(long, 1, 14));
  expect(seen).toEqual(['né', 'né', 'né', 'a'.repeat(13), 'a'.repeat(13)]);
});

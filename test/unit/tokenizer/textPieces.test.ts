import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Token } from '../../../src/core/trace.ts';
import { readAddedTokens } from '../../../src/model/tokenizer/addedTokens.ts';
import { safeCuts } from '../../../src/model/tokenizer/safeCuts.ts';
import { createTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { inPieces } from '../../../src/model/tokenizer/textPieces.ts';

type Json = Record<string, unknown>;
const at = (path: string): URL => new URL(`../../../${path}`, import.meta.url);
const kinds = JSON.parse(gunzipSync(readFileSync(at('test/fixtures/tokenizer/kinds.json.gz'))).toString()) as {
  readonly lines: readonly string[];
  readonly tokenizers: Readonly<Record<string, Json>>;
};
const bundled = JSON.parse(readFileSync(at('media/models/explain-tokens-9m/tokenizer.json'), 'utf8')) as Json;
const VOCAB = 2 ** 20;
const tokenizers: readonly (readonly [string, Json])[] = [['bundled', bundled], ...Object.entries(kinds.tokenizers)];

/** The same draws each time. */
function drawing(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const MEETING = [
  '\n',
  '\r\n',
  '\n\n',
  ' ',
  '  ',
  '\t',
  'a',
  'B',
  '7',
  '42',
  "'s",
  "'",
  '.',
  ');',
  '。',
  '，',
  '好',
  '天气',
  'é',
  'e\u0301',
  '😀',
  '_',
  '<|endoftext|>',
  '</s>',
];

/** A text in which what patterns look at meets in all ways. */
function mixed(draw: (below: number) => number, parts: number): string {
  return Array.from({ length: parts }, () => (draw(12) === 0 ? kinds.lines[draw(kinds.lines.length)] : MEETING[draw(MEETING.length)])).join(
    '',
  );
}

const plain = (tokens: readonly Token[]): readonly (readonly (number | string)[])[] =>
  tokens.map(({ index, id, start, end, text, bytes }) => [index, id, start, end, text, bytes.join()]);

function encodeOr(encode: () => readonly Token[]): readonly Token[] | null {
  try {
    return encode();
  } catch {
    // The tokenizer drops the whole text, or has no token for a character.
    return null;
  }
}

const cuttable = tokenizers.filter(([, json]) => safeCuts(json, readAddedTokens(json['added_tokens'], VOCAB)) !== null);

it('tokenizers that split by a pattern can be cut, those that change the start of a text cannot', () => {
  const names = cuttable.map(([name]) => name);
  expect(names).toContain('bundled');
  expect(names.length).toBeGreaterThan(3);
  expect(names.length).toBeLessThan(tokenizers.length);
  for (const [name, json] of tokenizers)
    if (JSON.stringify(json['pre_tokenizer'] ?? null).includes('Metaspace')) expect(names).not.toContain(name);
});

describe.each(cuttable)('%s', (_, json) => {
  it('has the tokens of the whole when it is cut at any safe place', () => {
    const tokenizer = createTokenizer(json, VOCAB);
    const isSafe = safeCuts(json, readAddedTokens(json['added_tokens'], VOCAB));
    const draw = drawing(17);
    let cuts = 0;
    for (let round = 0; round < 12; round++) {
      const text = mixed(draw, 40);
      const whole = encodeOr(() => tokenizer.encode(text).tokens);
      if (whole === null) continue;
      for (let place = 1; place < text.length; place++) {
        if (isSafe?.(text, place) !== true) continue;
        cuts++;
        const own = (part: string, end: number): readonly number[] =>
          tokenizer
            .encode(part)
            .tokens.filter(({ special, start }) => !special && start < end)
            .map(({ id }) => id);
        const parts = [...own(text.slice(0, place + 1), place), ...own(text.slice(place), Infinity)];
        const around = JSON.stringify([text.slice(Math.max(0, place - 12), place), text.slice(place, place + 12)]);
        expect([around, ...parts]).toEqual([around, ...whole.filter(({ special }) => !special).map(({ id }) => id)]);
      }
    }
    expect(cuts).toBeGreaterThan(20);
  });
});

describe('a long text in pieces', () => {
  it('has the tokens of the whole, places and all', () => {
    const tokenizer = createTokenizer(bundled, VOCAB);
    const text = mixed(drawing(5), 50_000);
    expect(text.length).toBeGreaterThan(150_000);
    const parts = [...tokenizer.encodeInPieces(text)];
    expect(parts.length).toBeGreaterThan(2);
    expect(plain(parts.flat())).toEqual(plain(tokenizer.encode(text).tokens));
  });

  it.each(['gemma', 'xglm', 'metaspace_never'])('is whole with %s, which cannot be cut', (name) => {
    const tokenizer = createTokenizer(kinds.tokenizers[name] ?? {}, VOCAB);
    const text = `${'word after word. '.repeat(4200)}end`;
    const parts = [...tokenizer.encodeInPieces(text)];
    expect(parts).toHaveLength(1);
    expect(parts.flat()).toEqual(tokenizer.encode(text).tokens);
  });

  it('of nothing is what is put around a text', () => {
    const tokenizer = createTokenizer(bundled, VOCAB);
    expect([...tokenizer.encodeInPieces('')].flat()).toEqual(tokenizer.encode('').tokens);
  });

  it('that cannot be cut is read to a whole character before the most that is encoded at once', () => {
    /** One token a character; a pair of halves is one. */
    const characters = (text: string) => {
      let start = 0;
      return Array.from(text, (character) => {
        const end = start + Buffer.byteLength(character);
        const placed = { id: 1, start, end, marked: false };
        start = end;
        return placed;
      });
    };
    const text = `a${'😀'.repeat(10)}`;
    const pieces = [...inPieces(text, null, characters, { before: [], after: [] }, { piece: 4, most: 16, margin: 2 })];
    // Of 16 units the last is half a pair; of the 8 characters in the others two may change.
    expect(pieces.map(({ piece }) => piece.length)).toEqual([11]);
  });
});

import { describe, expect, it } from 'vitest';
import { promptedTokens } from '../../../src/core/promptedTokens.ts';
import type { Token, TokenizedText } from '../../../src/core/trace.ts';
import type { Alternative } from '../../../src/engines/engineApi.ts';
import { foundAmong } from '../../../src/engines/promptScores.ts';

/** Cuts a text into "ab"s and single letters, after a token that stands before every text. */
function encode(text: string): TokenizedText {
  const pieces = text.match(/ab|[^]/g) ?? [];
  let end = 0;
  const tokens = pieces.map((piece, index): Token => {
    const start = end;
    end += piece.length;
    return { index: index + 1, id: piece.length, text: piece, bytes: [...Buffer.from(piece)], start, end, special: false, partial: false };
  });
  const bos: Token = { index: 0, id: 9, text: '<s>', bytes: [], start: 0, end: 0, special: true, partial: false };
  const all = [bos, ...tokens];
  return { ids: Int32Array.from(all, ({ id }) => id), tokens: all };
}

describe('tokens that can be asked for by the text before them', () => {
  it('are those whose prompt is cut as the whole is; the first has no prompt', () => {
    expect([...promptedTokens(encode, 'abcab').prompted]).toEqual([0, 0, 1, 1]);
    // A tokenizer that looks ahead: before "b" alone is "a", which is another token than the whole has there.
    const ahead = (text: string): TokenizedText => encode(text.endsWith('a') ? `${text.slice(0, -1)}xx` : text);
    expect([...promptedTokens(ahead, 'cac').prompted]).toEqual([0, 0, 1, 0]);
    expect([...promptedTokens(encode, '').prompted]).toEqual([0]);
  });
});

const alternative = (
  text: string | null,
  prob: number,
  bytes = text === null ? null : Uint8Array.from(Buffer.from(text)),
): Alternative => ({
  token: { id: null, bytes, text, entry: null },
  logprob: Math.log(prob),
});
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

describe('a token among the likeliest', () => {
  const top = [alternative(' the', 0.5), alternative('\ufffd', 0.2, null), alternative(' a', 0.1)];

  it('has its own number where it is there', () => {
    expect(foundAmong(top, bytes(' a'))).toEqual({ logprob: Math.log(0.1), rank: 3 });
  });

  it('is at most as likely as the last of them, or as all that is left', () => {
    expect(foundAmong(top, bytes(' cat'))).toEqual({ logprob: Math.log(0.1), rank: 0 });
    expect(foundAmong([alternative(' the', 0.9), alternative(' a', 0.08)], bytes(' cat')).logprob).toBeCloseTo(Math.log(0.02), 6);
    expect(foundAmong([alternative(' the', 1)], bytes(' cat')).logprob).toBeCloseTo(Math.log(1e-5), 6);
  });

  it('is not guessed where the bytes of one that may be it are not told, or two spell the same', () => {
    const part = Uint8Array.of(0xf0, 0x9f);
    expect(foundAmong(top, part)).toEqual({ logprob: Math.log(0.2), rank: 0 });
    expect(foundAmong([alternative('a', 0.4), alternative('a', 0.3)], bytes('a'))).toEqual({ logprob: Math.log(0.4), rank: 0 });
    expect(foundAmong([], bytes('a'))).toEqual({ logprob: 0, rank: 0 });
  });
});

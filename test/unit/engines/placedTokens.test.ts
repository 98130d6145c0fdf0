import { describe, expect, it } from 'vitest';
import type { ServerToken } from '../../../src/engines/engineApi.ts';
import { NO_ID, placeTokens } from '../../../src/engines/placedTokens.ts';

const NOTHING: ServerToken = { id: null, bytes: null, text: null, entry: null };
const entries = (...names: readonly string[]): readonly ServerToken[] => names.map((entry, id) => ({ ...NOTHING, id, entry }));
const texts = (...names: readonly string[]): readonly ServerToken[] => names.map((text) => ({ ...NOTHING, text }));
const shown = (text: string, tokens: readonly ServerToken[]): readonly unknown[] =>
  placeTokens(text, tokens, 'host').map(({ start, end, special, bytes }) => [special ? 'special' : text.slice(start, end), bytes.length]);

describe('tokens are placed by their bytes', () => {
  it('of a byte-level vocabulary, in which characters are split', () => {
    const tokens = placeTokens('é 🦜', entries('<s>', 'Ã', '©', 'Ġ', 'ðŁ', '¦', 'ľ'), 'host');
    expect(tokens.map(({ start, end, partial, special }) => [start, end, partial, special])).toEqual([
      [0, 0, false, true],
      [0, 1, true, false],
      [0, 1, true, false],
      [1, 2, false, false],
      [2, 4, true, false],
      [2, 4, true, false],
      [2, 4, true, false],
    ]);
    expect(tokens.flatMap(({ bytes }) => bytes)).toEqual([...Buffer.from('é 🦜')]);
  });

  it('of a SentencePiece vocabulary, with byte tokens and the space that it puts before a text', () => {
    expect(shown('Hi é', entries('<s>', '▁Hi', '▁', '<0xC3>', '<0xA9>'))).toEqual([
      ['special', 0],
      ['Hi', 2],
      [' ', 1],
      ['é', 1],
      ['é', 1],
    ]);
    expect(shown('Hi', entries('▁', 'Hi', '</s>'))).toEqual([
      ['', 0],
      ['Hi', 2],
      ['special', 0],
    ]);
  });

  it('by texts, where all hold whole characters', () => {
    expect(placeTokens('a 中', texts('a', ' ', '中'), 'host').map(({ id }) => id)).toEqual([NO_ID, NO_ID, NO_ID]);
    expect(shown('<s>a', texts('<s>', 'a'))).toEqual([
      ['<s>', 3],
      ['a', 1],
    ]);
    expect(shown('a', texts('<s>', 'a'))).toEqual([
      ['special', 0],
      ['a', 1],
    ]);
  });

  it('by bytes of some and texts of the others', () => {
    expect(
      shown('a中', [...texts('a'), { ...NOTHING, bytes: Uint8Array.of(0xe4, 0xb8) }, { ...NOTHING, bytes: Uint8Array.of(0xad) }]),
    ).toEqual([
      ['a', 1],
      ['中', 2],
      ['中', 1],
    ]);
  });

  it('lone surrogates of the text are what encoders make of them', () => {
    expect(
      shown('a\ud800', [
        { ...NOTHING, bytes: Uint8Array.of(0x61) },
        { ...NOTHING, bytes: Uint8Array.of(0xef, 0xbf, 0xbd) },
      ]),
    ).toEqual([
      ['a', 1],
      ['\ud800', 3],
    ]);
  });
});

describe('what is not known exactly is refused with the reason', () => {
  const long = texts('one', ' two', ' three', '\ufffd', '\ufffd', ' four', ' five', ' six');
  it.each([
    [
      'parts of a character without their bytes',
      'one two three🦜 four five six',
      long,
      /does not tell the bytes of its token 3, which holds a part/,
    ],
    ['other words', 'one two three', texts('one', ' two', ' five'), /token 2, “·five”, is not at “·three”/],
    ['a text that goes on', 'one two three four', texts('one', ' two', ' three'), /do not spell the text/],
    ['no tokens', 'one', [], /do not spell the text/],
    ['spaces that decoding lost', 'one two three four', texts('one', 'two', 'three', 'four'), /do not spell the text/],
  ])('%s', (_, text, tokens, sentence) => {
    expect(() => placeTokens(text, tokens, 'host')).toThrow(sentence);
  });
});

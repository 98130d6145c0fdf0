import { describe, expect, it } from 'vitest';
import { hexBytes, shortened, visibleText, visibleToken } from '../../../src/core/visibleText.ts';
import { plotlyText } from '../../../webview/figures/plotlyText.ts';

const token = (bytes: readonly number[], special = false): string =>
  visibleToken({ text: new TextDecoder().decode(Uint8Array.from(bytes)), bytes, special });

describe('visible text', () => {
  it('shows white space and line ends', () => {
    expect(visibleText(' a b\n')).toBe('·a·b⏎');
    expect(visibleText('\r\n\t')).toBe('←⏎→');
    expect(visibleText('\u00a0')).toBe('⍽');
  });

  it('shows control characters, marks of direction and lone surrogates by name', () => {
    expect(visibleText('\u0000\u001b\u007f')).toBe('␀␛␡');
    expect(visibleText('\u202eabc\u200f')).toBe('⟨U+202E⟩abc⟨U+200F⟩');
    expect(visibleText('\ud83d')).toBe('⟨U+D83D⟩');
    expect(visibleText('\ufeff')).toBe('⟨U+FEFF⟩');
    expect(visibleText('\u0301')).toBe('◌\u0301');
    expect(visibleText('e\u0301')).toBe('e\u0301');
    expect(visibleText('हिन्दी')).toBe('हिन्दी');
  });

  it('keeps an emoji with joiners whole, and shows a joiner that joins nothing', () => {
    expect(visibleText('👩‍👩‍👧')).toBe('👩‍👩‍👧');
    expect(visibleText('a\u200db')).toBe('a⟨U+200D⟩b');
  });

  it('shows the bytes of a part of a character, beside whole characters', () => {
    expect(token([0xe4, 0xbd])).toBe('⟨E4 BD⟩');
    expect(token([0x20, 0xe4, 0xbd, 0xa0, 0xf0, 0x9f])).toBe('·你⟨F0 9F⟩');
    expect(token([0x99])).toBe('⟨99⟩');
  });

  it('tells a replacement character of the text from broken bytes', () => {
    expect(token([0xef, 0xbf, 0xbd])).toBe('\ufffd');
    expect(token([0xff])).toBe('⟨FF⟩');
  });

  it('refuses overlong and surrogate encodings as UTF-8 does', () => {
    expect(token([0xc0, 0x80])).toBe('⟨C0 80⟩');
    expect(token([0xed, 0xa0, 0x80])).toBe('⟨ED A0 80⟩');
  });

  it('shows added tokens by their name', () => {
    expect(visibleToken({ text: '<|endoftext|>', bytes: [], special: true })).toBe('<|endoftext|>');
  });
});

it('cuts by characters, not by halves of them', () => {
  expect(shortened('🙂🙂🙂', 2)).toBe('🙂…');
  expect(shortened('abc', 3)).toBe('abc');
});

it('writes bytes in hexadecimal', () => {
  expect(hexBytes([0, 10, 255])).toBe('00 0A FF');
});

it('leaves Plotly no markup to read', () => {
  expect(plotlyText('<b>&lt;$x$')).toBe('&lt;b&gt;&amp;lt;&#36;x&#36;');
});

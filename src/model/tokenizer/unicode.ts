// The Unicode tables of the `tokenizers` library are older than JavaScript's. The characters listed here were added, or changed
// category, since; the library leaves them unchanged, and so must we to get the same tokens.

/** Ranges of code points (hexadecimal, as in "41-5a 61") as the inside of a character class with the flag u. */
export function characterClass(ranges: string): string {
  return ranges.replace(/[0-9a-f]+/g, '\\u{$&}').replaceAll(' ', '');
}

/** Characters the library's normalization does not know: their decompositions, compositions and combining classes. */
export const UNNORMALIZED = new RegExp(
  `[${characterClass(
    '7fd 897-89f 8ca-8d3 9fe afa-aff b55 c04 c3c cf3 d00 d3b d3c d81 eba ece 1715 180f 1abf-1aeb 1cf2 1cf3 1cf7 1df6-1dfa 32ff ' +
      'a7f1-a7f4 a82c a8ff ab69 105c9 105e4 10781-107ba 10d24-10d27 10d69-10d6d 10eab-10eac 10efa-10eff 10f46-10f50 10f82-10f85 11070 ' +
      '11073-11074 110c2 11145-11146 111c9 111ce-111cf 11241 1133b 11383 11385 1138e 11391 113b8-113e2 1145e 1182c-1183a 11930-11943 ' +
      '119d1-119e4 11a01-11a0a 11a33-11a47 11a51-11a5b 11a8a-11a99 11b60-11b67 11d31-11d47 11d8a-11d97 11ef3-11ef6 11f00-11f03 ' +
      '11f34-11f42 11f5a 13440 13447-13455 1611e-1612f 16d68-16d6a 16f4f 16f7f-16f87 16fe4 16ff0-16ff1 1ccd6-1ccf9 1cf00-1cf46 ' +
      '1e030-1e06d 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1e6e3-1e6f5 1f16c 1fbf0-1fbf9',
  )}]`,
  'u',
);

/** Punctuation as the library's pre-tokenizer Punctuation has it: ASCII's, and Unicode's of an older version. */
export const PUNCTUATION = new RegExp(
  `(?![${characterClass(
    '61d 9fd a76 c77 c84 1b4e 1b4f 1b7d-1b7f 2e43-2e4f 2e52-2e5d 10d6e 10ead 10ed0 10f55-10f59 10f86-10f89 113d4-113d8 ' +
      '1144b-1145d 11660-1166c 116b9 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11aa2 11b00-11b09 11be1 11c41-11c45 11c70-11c71 ' +
      '11ef7-11ef8 11f43-11f4f 11fff 12ff1-12ff2 16d6d-16d6f 16e97-16e9a 16fe2 1e5ff 1e95e-1e95f',
  )}])[\\p{P}!-/:-@[-\`{-~${characterClass('166d 111c9')}]`,
  'gu',
);

/** Marks as the library's normalizer StripAccents has them. */
export const ACCENT = new RegExp(`(?!${UNNORMALIZED.source})\\p{M}|[${characterClass('1cf2 1cf3')}]`, 'u');

/** \w of Rust's regex crate. */
export const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
/** Rust's `char::is_whitespace`: without U+FEFF, which JavaScript counts, and with U+0085, which it does not. */
export const SPACE = '\\p{White_Space}';

// The Unicode tables of the `tokenizers` library are older than JavaScript's. What is named here was added, or changed
// its category, since; the library leaves these characters as they are, so tokens equal to its need the same.

/** Characters the library's normalization does not know: their decompositions, compositions and combining classes. */
export const UNNORMALIZED =
  /[\u07fd\u0897-\u089f\u08ca-\u08d3\u09fe\u0afa-\u0aff\u0b55\u0c04\u0c3c\u0cf3\u0d00\u0d3b\u0d3c\u0d81\u0eba\u0ece\u1715\u180f\u1abf-\u1aeb\u1cf2\u1cf3\u1cf7\u1df6-\u1dfa\u32ff\ua7f1-\ua7f4\ua82c\ua8ff\uab69\u{105c9}\u{105e4}\u{10781}-\u{107ba}\u{10d24}-\u{10d27}\u{10d69}-\u{10d6d}\u{10eab}-\u{10eac}\u{10efa}-\u{10eff}\u{10f46}-\u{10f50}\u{10f82}-\u{10f85}\u{11070}\u{11073}-\u{11074}\u{110c2}\u{11145}-\u{11146}\u{111c9}\u{111ce}-\u{111cf}\u{11241}\u{1133b}\u{11383}\u{11385}\u{1138e}\u{11391}\u{113b8}-\u{113e2}\u{1145e}\u{1182c}-\u{1183a}\u{11930}-\u{11943}\u{119d1}-\u{119e4}\u{11a01}-\u{11a0a}\u{11a33}-\u{11a47}\u{11a51}-\u{11a5b}\u{11a8a}-\u{11a99}\u{11b60}-\u{11b67}\u{11d31}-\u{11d47}\u{11d8a}-\u{11d97}\u{11ef3}-\u{11ef6}\u{11f00}-\u{11f03}\u{11f34}-\u{11f42}\u{11f5a}\u{13440}\u{13447}-\u{13455}\u{1611e}-\u{1612f}\u{16d68}-\u{16d6a}\u{16f4f}\u{16f7f}-\u{16f87}\u{16fe4}\u{16ff0}-\u{16ff1}\u{1ccd6}-\u{1ccf9}\u{1cf00}-\u{1cf46}\u{1e030}-\u{1e06d}\u{1e08f}\u{1e130}-\u{1e136}\u{1e2ae}\u{1e2ec}-\u{1e2ef}\u{1e4ec}-\u{1e4ef}\u{1e5ee}-\u{1e5ef}\u{1e6e3}-\u{1e6f5}\u{1f16c}\u{1fbf0}-\u{1fbf9}]/u;

/** Punctuation as the library's pre-tokenizer Punctuation has it: ASCII's, and Unicode's of an older version. */
export const PUNCTUATION =
  /(?![\u061d\u09fd\u0a76\u0c77\u0c84\u166d\u1b4e\u1b4f\u1b7d-\u1b7f\u2e43-\u2e4f\u2e52-\u2e5d\u{10d6e}\u{10ead}\u{10ed0}\u{10f55}-\u{10f59}\u{10f86}-\u{10f89}\u{111c9}\u{113d4}-\u{113d8}\u{1144b}-\u{1145d}\u{11660}-\u{1166c}\u{116b9}\u{1183b}\u{11944}-\u{11946}\u{119e2}\u{11a3f}-\u{11a46}\u{11a9a}-\u{11aa2}\u{11b00}-\u{11b09}\u{11be1}\u{11c41}-\u{11c45}\u{11c70}-\u{11c71}\u{11ef7}-\u{11ef8}\u{11f43}-\u{11f4f}\u{11fff}\u{12ff1}-\u{12ff2}\u{16d6d}-\u{16d6f}\u{16e97}-\u{16e9a}\u{16fe2}\u{1e5ff}\u{1e95e}-\u{1e95f}])[\p{P}!-/:-@[-`{-~]/gu;

/** \w of Rust's regex crate. */
export const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
/** Rust's `char::is_whitespace`: neither U+FEFF, which JavaScript counts, nor without U+0085, which it does not. */
export const SPACE = '\\p{White_Space}';

import { fromBase64 } from '../../core/base64.ts';
import { utf8Bytes } from '../../core/textSpans.ts';
import { msg } from '../../core/translatable.ts';
import { asString, refuse } from './tokenizerJson.ts';
import { checkGrowth, rewrite, type Change, type SourcedText } from './sourcedText.ts';

/** Longest charsmap; nmt_nfkc_cf, the largest of SentencePiece, has 0.4 million base64 characters. */
const MAX_CHARSMAP_CHARACTERS = 4_000_000;
const SEGMENTED_UNITS = 256;
/** Longest grapheme that is read as a whole; longer ones are read character by character. */
const MAX_GRAPHEME_BYTES = 5;
/** Printable ASCII without combining marks, where every character is a grapheme; or the rest, with the letter it may combine with. */
const STRETCH = /[\x20-\x7e]+(?=[\x20-\x7e]|$)|[\x20-\x7e]?[^\x20-\x7e]+/g;
const PLAIN = /^[\x20-\x7e]*$/;

const encoder = new TextEncoder();

/**
 * The normalizer Precompiled: SentencePiece's compiled rules, a double-array trie of UTF-8 keys and a table of texts.
 * A grapheme of at most 5 bytes is replaced by the rule of its shortest prefix, as the `tokenizers` library does it.
 */
export function readPrecompiled(json: unknown): (run: SourcedText) => SourcedText {
  const encoded = asString(json ?? '', msg`the charsmap of the normalizer Precompiled`);
  if (encoded === '') return (run) => run;
  const lookup = readCharsmap(encoded);
  const known = new Map<string, string | null>();
  const rule = (key: string): string | null => {
    let found = known.get(key);
    if (found === undefined) {
      found = lookup(encoder.encode(key));
      known.set(key, found);
    }
    return found;
  };
  return (run) => {
    const changes: Change[] = [];
    let dropped = 0;
    let modified = false;
    const replace = (old: string, written: string): void => {
      modified = true;
      const removed = Array.from(old).length;
      checkGrowth(run, changes.length + written.length);
      const characters = Array.from(written);
      characters.forEach((character, i) => changes.push({ character, change: i < removed ? 0 : 1 }));
      if (characters.length >= removed) return;
      const last = changes.pop();
      // The library ignores characters dropped at the start, which shifts all later offsets; here they are counted.
      if (last === undefined) dropped += removed;
      else changes.push({ character: last.character, change: last.change - (removed - characters.length) });
    };
    const readCharacters = (text: string): void => {
      for (const character of text) {
        const written = rule(character);
        if (written === null) changes.push({ character, change: 0 });
        else replace(character, written);
      }
    };
    for (const [stretch] of run.text.matchAll(STRETCH)) {
      if (PLAIN.test(stretch)) {
        readCharacters(stretch);
        continue;
      }
      for (const segment of graphemesOf(stretch)) {
        const written = utf8Bytes(segment) <= MAX_GRAPHEME_BYTES ? rule(segment) : null;
        if (written === null) readCharacters(segment);
        else replace(segment, written);
      }
    }
    return modified ? rewrite(run, changes, dropped) : run;
  };
}

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Graphemes, found a part at a time, as the segmenter takes quadratic time. */
function* graphemesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    const part = text.slice(at, at + SEGMENTED_UNITS);
    const found = Array.from(segmenter.segment(part), ({ segment }) => segment);
    // The last one may continue beyond the part.
    const whole = at + part.length === text.length || found.length === 1 ? found : found.slice(0, -1);
    for (const segment of whole) {
      yield segment;
      at += segment.length;
    }
  }
}

/** The text that the shortest key at the start of `bytes` is replaced by, or null. Units as in Darts-clone. */
function readCharsmap(encoded: string): (bytes: Uint8Array) => string | null {
  if (encoded.length > MAX_CHARSMAP_CHARACTERS) refuse(msg`the charsmap of the normalizer Precompiled is too large.`);
  const data = charsmapOf(encoded);
  const view = new DataView(data.buffer);
  const trieBytes = data.length < 4 ? 0 : view.getUint32(0, true);
  if (trieBytes % 4 !== 0 || trieBytes < 4 || 4 + trieBytes > data.length)
    refuse(msg`the charsmap of the normalizer Precompiled is cut off.`);
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const texts = data.subarray(4 + trieBytes);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return (bytes) => {
    let position = offset(units[0] ?? 0);
    for (const byte of bytes) {
      if (byte === 0) return null;
      position ^= byte;
      const unit = units[position] ?? 0;
      if ((unit & 0x800000ff) !== byte) return null;
      position ^= offset(unit);
      if ((unit & 0x100) === 0) continue;
      const start = (units[position] ?? 0) & 0x7fffffff;
      const end = texts.indexOf(0, start);
      try {
        return decoder.decode(texts.subarray(start, end < 0 ? texts.length : end));
      } catch {
        return refuse(msg`the charsmap of the normalizer Precompiled holds text that is not UTF-8.`);
      }
    }
    return null;
  };
}

/** Offset from a unit's position to its children's. */
function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

function charsmapOf(encoded: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64(encoded);
  } catch {
    return refuse(msg`the charsmap of the normalizer Precompiled is not base64.`);
  }
}

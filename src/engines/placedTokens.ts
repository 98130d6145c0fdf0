import { fromByteCharacters } from '../core/byteAlphabet.ts';
import { UserError } from '../core/errors.ts';
import { textSpans, wellFormed, type ByteRange } from '../core/textSpans.ts';
import type { Token } from '../core/trace.ts';
import { msg } from '../core/translatable.ts';
import { shortened, visibleText } from '../core/visibleText.ts';
import type { ServerToken } from './engineApi.ts';

/** Id of a token whose engine tells none. */
export const NO_ID = -1;
/** Most tokens that an engine puts before and after a text. */
const MOST_AROUND = 2;
const SPACE = 0x20;
const SHOWN = 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A way to tell a token's bytes; null where it does not. */
type Reading = (token: ServerToken) => Uint8Array | null;

/** The bytes that are told, else those of a text that holds whole characters alone. */
const told: Reading = ({ bytes, text }) => bytes ?? (text === null || text.includes('\ufffd') ? null : encoder.encode(text));

/** By what an engine tells; whichever it is, the bytes are compared with the text's. */
const READINGS: readonly Reading[] = [
  told,
  ({ entry }) => (entry === null ? null : fromByteCharacters(entry)),
  ({ entry }) => (entry === null ? null : fromSentencePiece(entry)),
];

/** Bytes of an entry of a SentencePiece vocabulary, where ▁ is a space and <0xE4> a byte. */
function fromSentencePiece(entry: string): Uint8Array {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(entry)?.[1];
  return byte === undefined ? encoder.encode(entry.replaceAll('▁', ' ')) : Uint8Array.of(Number.parseInt(byte, 16));
}

/** Tokens `first` to `end` - 1 are the text's, the others stand around it; of the first, `spaces` bytes are not the text's. */
interface Cover {
  readonly first: number;
  readonly end: number;
  readonly spaces: number;
}

/**
 * An engine's tokens of a text with their exact places in it: their bytes are the text's, byte by byte, but for tokens that stand around it
 * (such as BOS) and a space that the tokenizer put before it. Throws UserError, with the reason, where the bytes are not told, or others.
 */
export function placeTokens(text: string, tokens: readonly ServerToken[], host: string): readonly Token[] {
  const whole = wellFormed(text);
  const bytes = encoder.encode(whole);
  const readings = READINGS.map((reading) => tokens.map(reading));
  for (let around = 0; around <= 2 * MOST_AROUND; around++)
    for (const read of readings) {
      const cover = coverOf(bytes, read, around);
      if (cover !== null) return placed(whole, bytes.length, tokens, read, cover);
    }
  throw unplaced(bytes, tokens, host);
}

/** The tokens that spell the text, with `around` of them before and after it; null: none do. */
function coverOf(bytes: Uint8Array, read: readonly (Uint8Array | null)[], around: number): Cover | null {
  for (let first = Math.min(around, MOST_AROUND); first >= 0 && around - first <= MOST_AROUND; first--)
    for (const spaces of [0, 1]) {
      const end = read.length - (around - first);
      if (end >= first && spells(bytes, read, { first, end, spaces })) return { first, end, spaces };
    }
  return null;
}

function spells(bytes: Uint8Array, read: readonly (Uint8Array | null)[], { first, end, spaces }: Cover): boolean {
  let at = -spaces;
  for (let index = first; index < end; index++) {
    const own = read[index];
    if (own === null || own === undefined) return false;
    for (const byte of own) {
      if (byte !== (at < 0 ? SPACE : bytes[at])) return false;
      at++;
    }
  }
  return at === bytes.length;
}

function placed(
  text: string,
  total: number,
  tokens: readonly ServerToken[],
  read: readonly (Uint8Array | null)[],
  { first, end, spaces }: Cover,
): readonly Token[] {
  const ranges: ByteRange[] = [];
  let at = -spaces;
  for (const [index, own] of read.entries()) {
    const isOwn = index >= first && index < end;
    const start = isOwn ? at : index < first ? 0 : total;
    if (isOwn) at += own?.length ?? 0;
    ranges.push({ start: Math.max(0, start), end: Math.max(0, isOwn ? at : start) });
  }
  const bytes = encoder.encode(text);
  return textSpans(text, ranges).map((span, index) => {
    const range = ranges[index] ?? { start: 0, end: 0 };
    const token = tokens[index];
    const special = index < first || index >= end;
    const own = bytes.subarray(range.start, range.end);
    const name = token?.text ?? token?.entry ?? decoder.decode(read[index] ?? new Uint8Array());
    return {
      index,
      id: token?.id ?? NO_ID,
      text: special || own.length === 0 ? name : decoder.decode(own),
      bytes: special ? [] : [...own],
      ...span,
      special,
    };
  });
}

/** Why tokens cannot be placed: the first whose bytes are not told, else the first that is not in the text. */
function unplaced(bytes: Uint8Array, tokens: readonly ServerToken[], host: string): UserError {
  const read = tokens.map((token) => READINGS.map((reading) => reading(token)).find((own) => own !== null) ?? null);
  const untold = read.findIndex((own, index) => own === null && index >= MOST_AROUND && index < tokens.length - MOST_AROUND);
  if (untold !== -1)
    return new UserError(
      msg`${host} does not tell the bytes of its token ${untold}, which holds a part of a character, so its place in the text is not known \
exactly: a tokenizer of the same model on this machine would tell it.`,
    );
  let [at, furthest] = [0, 0];
  for (const [index, own] of read.entries()) {
    const fits = own !== null && own.every((byte, i) => byte === bytes[at + i]);
    if (fits) at += own.length;
    else if (index >= MOST_AROUND) {
      furthest = index;
      break;
    }
  }
  const name = tokens[furthest]?.text ?? tokens[furthest]?.entry ?? '';
  const rest = decoder.decode(bytes.subarray(at, at + 4 * SHOWN));
  return new UserError(
    msg`The tokens of ${host} do not spell the text: token ${furthest}, “${visibleText(shortened(name, SHOWN))}”, is not at \
“${visibleText(shortened(rest, SHOWN))}”. Their places are not known exactly.`,
  );
}

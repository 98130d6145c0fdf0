import { UserError } from '../../../core/errors.ts';
import { msg, type Translatable } from '../../../core/translatable.ts';
import { bytesText, quoted } from '../modelFiles.ts';

/** Longest string; the longest in known files, a whole tokenizer.json, is under 40 MB, a chat template under 100 kB. */
export const STRING_MAX_BYTES = 64 * 1024 * 1024;
/** Longest list; the longest in known files are merges, about 600,000. */
export const LIST_MAX_ITEMS = 4_000_000;
/** Deepest nesting of lists; ggml reads no nested lists, but the format allows them. */
export const LIST_MAX_DEPTH = 3;

/** For descriptions and paths, whose encoding depends on the machine that wrote them; never for tokens. */
const LENIENT = new TextDecoder('utf-8', { ignoreBOM: true });

/** The bytes read so far end before the header does. */
export class NeedsMore extends Error {
  override readonly name = 'NeedsMore';
}

/**
 * Reads the little-endian values of a GGUF header in sequence. Throws NeedsMore at the end of the bytes, UserError for invalid
 * values.
 */
export class Cursor {
  position = 0;
  readonly file: string;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
  }

  fail(reason: Translatable): never {
    throw new UserError(msg`${this.file} ${reason}.`);
  }

  /** Advances by `length` bytes and returns the offset of the first. */
  take(length: number): number {
    const start = this.position;
    if (start + length > this.bytes.length) throw new NeedsMore();
    this.position += length;
    return start;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** A 64-bit count or offset. From 2^53 on the nearest float64, which exceeds every limit. */
  u64(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }

  /**
   * A text of at most `maxBytes`; `what` names it in the sentence that refuses a longer one. `strict`: bytes that are not UTF-8
   * are refused too, not shown as U+FFFD.
   */
  text(maxBytes: number, what: () => Translatable, strict = true): string {
    const length = this.u64();
    if (length > maxBytes) this.fail(msg`holds ${what()} of ${bytesText(length)}, where at most ${bytesText(maxBytes)} are allowed`);
    const start = this.take(length);
    try {
      return (strict ? this.decoder : LENIENT).decode(this.bytes.subarray(start, start + length));
    } catch {
      return this.fail(msg`holds ${what()} that is not UTF-8 text`);
    }
  }

  /** A metadata value of the type numbered `type`. */
  value(type: number, key: string, depth = 0): GgufValue {
    switch (type) {
      case 0:
        return this.u8();
      case 1:
        return this.view.getInt8(this.take(1));
      case 2:
        return this.view.getUint16(this.take(2), true);
      case 3:
        return this.view.getInt16(this.take(2), true);
      case 4:
        return this.u32();
      case 5:
        return this.view.getInt32(this.take(4), true);
      case 6:
        return this.view.getFloat32(this.take(4), true);
      case 7:
        return this.flag(key);
      case 8:
        return this.text(STRING_MAX_BYTES, () => msg`a value of ${quoted(key)}`, key.startsWith('tokenizer.'));
      case 9:
        return this.list(key, depth + 1);
      case 10:
        return this.u64();
      case 11:
        return Number(this.view.getBigInt64(this.take(8), true));
      case 12:
        return this.view.getFloat64(this.take(8), true);
      default:
        return this.fail(msg`says ${quoted(key)} as a value of type ${type}, which the format does not have`);
    }
  }

  private flag(key: string): boolean {
    const byte = this.u8();
    if (byte > 1) this.fail(msg`says ${quoted(key)} as ${byte}, which is neither true nor false`);
    return byte === 1;
  }

  private list(key: string, depth: number): readonly GgufValue[] {
    if (depth > LIST_MAX_DEPTH) this.fail(msg`holds lists within lists under ${quoted(key)}, deeper than ${LIST_MAX_DEPTH}`);
    const type = this.u32();
    const length = this.u64();
    if (length > LIST_MAX_ITEMS)
      this.fail(msg`holds a list of ${length} under ${quoted(key)}, where at most ${LIST_MAX_ITEMS} are allowed`);
    const smallest = SMALLEST_BYTES[type];
    if (smallest === undefined) return this.fail(msg`says ${quoted(key)} as a list of type ${type}, which the format does not have`);
    // Checked before anything is allocated: that many items must be there.
    if (length * smallest > this.bytes.length - this.position) throw new NeedsMore();
    return Array.from({ length }, () => this.value(type, key, depth));
  }
}

/** Smallest size in bytes of a value, by type. */
const SMALLEST_BYTES: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

/** A value of metadata. 64-bit numbers from 2^53 on are the nearest float64. */
export type GgufValue = number | boolean | string | readonly GgufValue[];

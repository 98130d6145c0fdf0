/** By what a file of weights is known again, without reading all of it. */
export interface FileMark {
  readonly name: string;
  /** Its length. */
  readonly bytes: number;
  /** SHA-256, in hexadecimal, of its first `MARKED_BYTES`: the header, and weights behind it; of all of it where it is shorter. */
  readonly sha256: string;
}

/** Bytes of a file that its mark is of. */
export const MARKED_BYTES = 1 << 20;

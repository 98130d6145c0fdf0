const encoder = new TextEncoder();

/** Writes the fields of one protobuf message (https://protobuf.dev/programming-guides/encoding). */
export class MessageWriter {
  private buffer = new Uint8Array(256);
  private length = 0;

  /** Field of a non-negative or negative whole number (int32, int64, enum). */
  int(field: number, value: number): void {
    this.tag(field, 0);
    if (value >= 0) this.varint(value);
    else this.negative(value);
  }

  /** Field of a 32-bit float. */
  float(field: number, value: number): void {
    this.tag(field, 5);
    this.reserve(4);
    new DataView(this.buffer.buffer).setFloat32(this.length, value, true);
    this.length += 4;
  }

  bytes(field: number, value: Uint8Array): void {
    this.tag(field, 2);
    this.varint(value.length);
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  text(field: number, value: string): void {
    this.bytes(field, encoder.encode(value));
  }

  /** Field of a message that `write` fills. */
  message(field: number, write: (inner: MessageWriter) => void): void {
    const inner = new MessageWriter();
    write(inner);
    this.bytes(field, inner.finish());
  }

  /** The bytes written so far, as a view. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  private tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** Seven bits a byte, lowest first; divisions, as values over 2^31 occur. */
  private varint(value: number): void {
    this.reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.buffer[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
  }

  /** Two's complement of 64 bits, always ten bytes. */
  private negative(value: number): void {
    this.reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 128n) {
      this.buffer[this.length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.buffer[this.length++] = Number(rest);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + bytes));
    larger.set(this.finish());
    this.buffer = larger;
  }
}

// Bytes as text that is inert in a page: gzip, whose checksum tells damage, in base64.

/** Bytes turned into base64 at once: a multiple of 3, so that the pieces join. */
const PIECE = 0x6000;

/** `bytes` compressed, as text of letters, digits, "+", "/" and "=". */
export async function zipText(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const zipped = await gathered(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip')), Infinity);
  const pieces: string[] = [];
  for (let at = 0; at < zipped.length; at += PIECE) pieces.push(btoa(String.fromCharCode(...zipped.subarray(at, at + PIECE))));
  return pieces.join('');
}

/** The bytes that `zipText` compressed. Throws an Error for text that is damaged, and RangeError past `most` bytes. */
export async function unzipText(text: string, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const binary = atob(text);
  const zipped = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) zipped[at] = binary.charCodeAt(at);
  return gathered(new Blob([zipped]).stream().pipeThrough(new DecompressionStream('gzip')), most);
}

async function gathered(stream: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError(`More than ${most} bytes.`);
    }
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

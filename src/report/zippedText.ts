// Bytes as text that is inert in a page: gzip, whose checksum tells damage, in signs of ASCII.
import { fromBase64 } from '../core/base64.ts';
import { fromSigns, toSigns } from './signs.ts';

/** `bytes` compressed, as text without "<", "&" and white space. */
export async function zipText(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toSigns(await gathered(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip')), Infinity));
}

/** The bytes that `zipText` compressed. Throws an Error for text that is damaged, and RangeError past `most` bytes. */
export async function unzipText(text: string, most: number): Promise<Uint8Array<ArrayBuffer>> {
  return unzip(fromSigns(text), most);
}

/** The bytes compressed in reports of the first version, which are in base64. Throws as `unzipText` does. */
export async function unzipFirstText(text: string, most: number): Promise<Uint8Array<ArrayBuffer>> {
  return unzip(fromBase64(text), most);
}

function unzip(zipped: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array<ArrayBuffer>> {
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

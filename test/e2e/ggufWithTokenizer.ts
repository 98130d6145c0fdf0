import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ROOT } from '../../scripts/lib/paths.mjs';

const TYPE = { int32: 5, float32: 6, string: 8, array: 9 } as const;
const KIND = { normal: 1, unknown: 2, control: 3 } as const;
/** Alignment of a GGUF header, which is kept when the header grows by a multiple of it. */
const ALIGNMENT = 32;
/** Length in bytes of the magic characters, the version and the two counts. */
const START = 24;
const COUNT_AT = 16;

/**
 * A tiny quantised Llama of the golden tests, given a tokenizer: a SentencePiece vocabulary of `vocab` pieces, with one token for each
 * distinct character of `text`.
 */
export function ggufWithTokenizer(text: string, vocab: number): Uint8Array {
  const model = gunzipSync(readFileSync(join(ROOT, 'test/fixtures/gguf/llama.q4_k.gguf.gz')));
  // The model's key that says "no tokenizer" is renamed, at equal length, to one without a meaning.
  model.write('tokenizer.ggml.none_', model.indexOf('tokenizer.ggml.model'), 'latin1');
  const letters = [...new Set(text.replaceAll(' ', '▁'))];
  const pieces = ['<unk>', '<s>', '</s>', ...letters];
  while (pieces.length < vocab) pieces.push(`unused${pieces.length}`);
  const kinds = pieces.map((_, id) => (id === 0 ? KIND.unknown : id < 3 ? KIND.control : KIND.normal));
  const entries = [
    entry('tokenizer.ggml.model', TYPE.string, string('llama')),
    entry('tokenizer.ggml.tokens', TYPE.array, array(TYPE.string, pieces.map(string))),
    entry(
      'tokenizer.ggml.scores',
      TYPE.array,
      array(
        TYPE.float32,
        pieces.map((_, id) => Buffer.from(Float32Array.of(-id).buffer)),
      ),
    ),
    entry(
      'tokenizer.ggml.token_type',
      TYPE.array,
      array(
        TYPE.int32,
        kinds.map((kind) => Buffer.from(Int32Array.of(kind).buffer)),
      ),
    ),
  ];
  const length = entries.reduce((sum, { length: bytes }) => sum + bytes, 0) + entry('test.padding', TYPE.string, string('')).length;
  const padding = entry('test.padding', TYPE.string, string(' '.repeat((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT)));
  const start = Buffer.from(model.subarray(0, START));
  start.writeBigUInt64LE(start.readBigUInt64LE(COUNT_AT) + BigInt(entries.length + 1), COUNT_AT);
  return Buffer.concat([start, ...entries, padding, model.subarray(START)]);
}

function entry(key: string, type: number, value: Buffer): Buffer {
  return Buffer.concat([string(key), Buffer.from(Uint32Array.of(type).buffer), value]);
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(bytes.length)).buffer), bytes]);
}

function array(type: number, items: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(Uint32Array.of(type).buffer), Buffer.from(BigUint64Array.of(BigInt(items.length)).buffer), ...items]);
}

import { describe, expect, test } from 'vitest';
import { UserError } from '../../../../src/core/errors.ts';
import { LIST_MAX_DEPTH, LIST_MAX_ITEMS, STRING_MAX_BYTES } from '../../../../src/model/formats/gguf/cursor.ts';
import {
  ALIGNMENT_MAX,
  HEADER_MAX_BYTES,
  METADATA_MAX_KEYS,
  NAME_MAX_BYTES,
  TENSORS_MAX,
  readGgufHeader,
} from '../../../../src/model/formats/gguf/ggufHeader.ts';
import type { ModelFiles } from '../../../../src/model/formats/modelFiles.ts';
import { filesOf } from '../folder.ts';
import { ggufBytes, type GgufInput, type GgufTensorInput, type Typed } from './write.ts';

const ARCHITECTURE: Readonly<Record<string, Typed>> = { 'general.architecture': ['text', 'llama'] };
const F32 = (name: string, changed: Partial<GgufTensorInput> = {}): GgufTensorInput => ({
  name,
  type: 0,
  shape: [2, 4],
  bytes: new Uint8Array(32),
  ...changed,
});
const read = (bytes: Uint8Array): ReturnType<typeof readGgufHeader> => readGgufHeader(filesOf({ 'm.gguf': bytes }), 'm.gguf');
const file = (changed: Partial<GgufInput>): Uint8Array => ggufBytes({ metadata: ARCHITECTURE, tensors: [F32('a')], ...changed });

async function expectRefusal(bytes: Uint8Array, message: RegExp): Promise<void> {
  await expect(read(bytes)).rejects.toThrow(UserError);
  await expect(read(bytes)).rejects.toThrow(message);
  await expect(read(bytes)).rejects.toThrow(/^[^\n]{10,500}\.$/);
}

test('a header is read with every type of value, and shapes have the last axis last', async () => {
  const { metadata, tensors } = await read(
    file({
      metadata: {
        ...ARCHITECTURE,
        u8: ['u8', 200],
        i8: ['i8', -3],
        u16: ['u16', 60_000],
        i16: ['i16', -300],
        u32: ['u32', 4_000_000_000],
        i32: ['i32', -5],
        f32: ['f32', 0.5],
        f64: ['f64', 0.1],
        bool: ['bool', true],
        u64: ['u64', 2 ** 40],
        i64: ['i64', -7],
        texts: ['list', 'text', ['a', 'é']],
        lists: ['list', 'list', [['list', 'u8', [1, 2]]]],
      },
    }),
  );
  expect(Object.fromEntries(metadata)).toEqual({
    'general.architecture': 'llama',
    u8: 200,
    i8: -3,
    u16: 60_000,
    i16: -300,
    u32: 4_000_000_000,
    i32: -5,
    f32: 0.5,
    f64: 0.1,
    bool: true,
    u64: 2 ** 40,
    i64: -7,
    texts: ['a', 'é'],
    lists: [[1, 2]],
  });
  expect(tensors.get('a')).toMatchObject({ dtype: 'F32', shape: [2, 4], length: 32, file: 'm.gguf' });
});

describe('refused by one sentence:', () => {
  test.each<[what: string, bytes: Uint8Array, message: RegExp]>([
    ['another file', new TextEncoder().encode('{"not": "a model"}'), /^m\.gguf is not a GGUF file: it does not begin with "GGUF"\.$/],
    ['an empty file', new Uint8Array(0), /^m\.gguf is cut off: it ends at byte 0, inside its header\.$/],
    [
      'a Git LFS pointer',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'),
      /^m\.gguf is a Git LFS pointer, not the file itself/,
    ],
    ['version 1', file({ version: 1 }), /is a GGUF file of version 1: versions 2 and 3 are read; newer files/],
    ['version 4', file({ version: 4 }), /is a GGUF file of version 4: versions 2 and 3 are read\./],
    ['a file for big-endian machines', file({ version: 0x03000000 }), /is a GGUF file for big-endian machines, which is not read/],
    ['a file that ends in its metadata', file({}).slice(0, 40), /is cut off: it ends at byte 40, inside its header/],
    ['more keys than there are', file({ keyCount: 9 }), /is cut off|holds a key|is a value of type/],
    ['a claim of keys', file({ keyCount: METADATA_MAX_KEYS + 1 }), /claims 10001 keys of metadata, where at most 10000 are allowed/],
    ['a claim of 2^64 keys', file({ keyCount: 2n ** 64n - 1n }), /claims 18446744073709552000 keys of metadata/],
    ['a claim of tensors', file({ tensorCount: TENSORS_MAX + 1 }), /claims 100001 tensors, where at most 100000 are allowed/],
    [
      'a key twice',
      file({
        metadata: [
          ['a', ['u8', 1]],
          ['a', ['u8', 2]],
        ],
      }),
      /says "a" twice/,
    ],
    ['a flag of 2', file({ metadata: { a: ['bool', 2] } }), /says "a" as 2, which is neither true nor false/],
    ['lists too deep', file({ metadata: { a: nested(LIST_MAX_DEPTH + 1) } }), /holds lists within lists under "a", deeper than 3/],
    ['a tensor twice', file({ tensors: [F32('a'), F32('a')] }), /holds tensor "a" twice/],
    [
      'a tensor of no numbers',
      file({ tensors: [F32('a', { shape: [2, 0], bytes: new Uint8Array(0) })] }),
      /holds tensor "a", which has no numbers/,
    ],
    ['a tensor of five axes', file({ tensors: [F32('a', { shape: [1, 1, 1, 1, 8] })] }), /which has 5 axes, where at most 4 are allowed/],
    ['a tensor larger than any file', file({ tensors: [F32('a', { shape: [2 ** 40, 2 ** 40] })] }), /which is larger than any file/],
    [
      'a long name',
      file({ tensors: [F32('n'.repeat(NAME_MAX_BYTES + 1))] }),
      /holds a tensor's name of 65 bytes, where at most 64 bytes are allowed/,
    ],
    ['a type that is not read', file({ tensors: [F32('a', { type: 40 })] }), /which is of type NVFP4: F32, F16, BF16, Q4_0, .* are read/],
    ['a type that is not known', file({ tensors: [F32('a', { type: 999 })] }), /which is of type number 999/],
    [
      'rows that blocks do not fill',
      file({ tensors: [F32('a', { type: 2, shape: [1, 40] })] }),
      /has rows of 40 numbers, which blocks of 32 of type Q4_0 do not fill/,
    ],
    ['a tensor behind the end', file({ tensors: [F32('a', { offset: 64 })] }), /is cut off: tensor "a" ends at byte \d+, the file at \d+/],
    [
      'a tensor between multiples',
      file({ tensors: [F32('a', { offset: 8 })] }),
      /places tensor "a" at byte 8 of its data, which is not a multiple of 32/,
    ],
    ['tensors that overlap', file({ tensors: [F32('a'), F32('b', { offset: 0 })] }), /holds tensors "a" and "b" that overlap/],
    [
      'an alignment of 0',
      file({ metadata: { 'general.alignment': ['u32', 0] } }),
      /says "general\.alignment" as 0, which is not a power of two up to 65536/,
    ],
    ['an alignment of 48', file({ metadata: { 'general.alignment': ['u32', 48] } }), /as 48, which is not a power of two/],
    ['a huge alignment', file({ metadata: { 'general.alignment': ['u32', 2 * ALIGNMENT_MAX] } }), /as 131072, which is not a power of two/],
    [
      'a text for tokens that is not UTF-8',
      withBytes(file({ metadata: { 'tokenizer.ggml.pre': ['text', 'llama'] } }), 'llama', 0xff),
      /holds a value of "tokenizer\.ggml\.pre" that is not UTF-8 text/,
    ],
  ])('%s', (_, bytes, message) => expectRefusal(bytes, message));

  test.each<[what: string, count: bigint, message: RegExp]>([
    ['a long list', BigInt(LIST_MAX_ITEMS + 1), /holds a list of 4000001 under "a", where at most 4000000 are allowed/],
    ['a list longer than the file', 4_000_000n, /is cut off: it ends at byte \d+, inside its header/],
    ['a list of 2^63 items', 2n ** 63n, /holds a list of 9223372036854776000 under "a"/],
  ])('%s', (_, count, message) => {
    const bytes = file({ metadata: { a: ['list', 'u8', [1, 2, 3]] } });
    // The number of items stands before the three items; behind them the tensor's description begins.
    const at = bytes.findIndex((byte, i) => byte === 1 && bytes[i + 1] === 2 && bytes[i + 2] === 3 && bytes[i - 8] === 3);
    new DataView(bytes.buffer).setBigUint64(at - 8, count, true);
    return expectRefusal(bytes, message);
  });

  test('a text longer than any', async () => {
    const bytes = file({ metadata: { a: ['text', 'x'] } });
    new DataView(bytes.buffer).setBigUint64(bytes.indexOf(120) - 8, BigInt(STRING_MAX_BYTES + 1), true);
    await expectRefusal(bytes, /holds a value of "a" of 67\.1 MB, where at most 67\.1 MB are allowed/);
  });

  test('a header longer than any, of which no more than the limit is read', async () => {
    let most = 0;
    // Two texts that are each allowed, of nothing but zeros.
    const start = ggufBytes({ metadata: { a: ['text', ''], b: ['text', ''] } });
    const long = BigInt(STRING_MAX_BYTES);
    const first = start.indexOf(97) + 5;
    new DataView(start.buffer).setBigUint64(first, long, true);
    const second = start.slice(first + 8, first + 8 + 21);
    new DataView(second.buffer).setBigUint64(13, long, true);
    const endless: ModelFiles = {
      ...filesOf({}),
      size: async () => 2 ** 40,
      read: async (_, offset, length) => {
        most = Math.max(most, offset + length);
        const bytes = new Uint8Array(length);
        bytes.set(start.subarray(0, Math.min(first + 8, length)));
        if (length > STRING_MAX_BYTES + first + 100) bytes.set(second, STRING_MAX_BYTES + first + 8);
        return bytes;
      },
    };
    await expect(readGgufHeader(endless, 'm.gguf')).rejects.toThrow(
      /^m\.gguf has a header of more than 100\.0 MB, which is not allowed\.$/,
    );
    expect(most).toBe(HEADER_MAX_BYTES);
  });
});

function nested(depth: number): Typed {
  return depth === 1 ? ['list', 'u8', [1]] : ['list', 'list', [nested(depth - 1)]];
}

/** The bytes with the first byte of `text` in them replaced. */
function withBytes(bytes: Uint8Array, text: string, byte: number): Uint8Array {
  bytes[Buffer.from(bytes).lastIndexOf(text)] = byte;
  return bytes;
}

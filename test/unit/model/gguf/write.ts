/** Value types of GGUF metadata, by name. */
const TYPES = { u8: 0, i8: 1, u16: 2, i16: 3, u32: 4, i32: 5, f32: 6, bool: 7, text: 8, list: 9, u64: 10, i64: 11, f64: 12 } as const;
type TypeName = keyof typeof TYPES;

/** A value with its type; of a list, the type of its items and these. */
export type Typed =
  | readonly [type: Exclude<TypeName, 'list'>, value: number | boolean | string]
  | readonly [type: 'list', items: Exclude<TypeName, 'list'> | 'list', values: readonly (number | boolean | string | Typed)[]];

export interface GgufTensorInput {
  readonly name: string;
  /** Number of a ggml type. */
  readonly type: number;
  /** Last axis last; written the other way round. */
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  /** From the start of the data, instead of behind the tensor before. */
  readonly offset?: number;
}

export interface GgufInput {
  readonly version?: number;
  readonly metadata: Readonly<Record<string, Typed>> | readonly (readonly [key: string, value: Typed])[];
  readonly tensors?: readonly GgufTensorInput[];
  readonly alignment?: number;
  /** Instead of how many there are. */
  readonly keyCount?: number | bigint;
  readonly tensorCount?: number | bigint;
}

/** The bytes of a GGUF file, faults included. */
export function ggufBytes({ version = 3, metadata, tensors = [], alignment = 32, keyCount, tensorCount }: GgufInput): Uint8Array {
  const pairs = Array.isArray(metadata)
    ? (metadata as readonly (readonly [string, Typed])[])
    : Object.entries(metadata as Readonly<Record<string, Typed>>);
  const parts: Uint8Array[] = [text('GGUF'), u32(version), u64(tensorCount ?? tensors.length), u64(keyCount ?? pairs.length)];
  for (const [key, value] of pairs) parts.push(string(key), u32(TYPES[value[0]]), typed(value));
  let offset = 0;
  const data: Uint8Array[] = [];
  for (const { name, type, shape, bytes, offset: own } of tensors) {
    parts.push(string(name), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(own ?? offset));
    const padded = new Uint8Array(Math.ceil(bytes.length / alignment) * alignment);
    padded.set(bytes);
    data.push(padded);
    offset += padded.length;
  }
  const header = Buffer.concat(parts);
  return new Uint8Array(Buffer.concat([header, new Uint8Array((alignment - (header.length % alignment)) % alignment), ...data]));
}

function typed(value: Typed): Uint8Array {
  if (value[0] === 'list') {
    const [, items, values] = value;
    return Buffer.concat([
      u32(TYPES[items]),
      u64(values.length),
      ...values.map((item) => typed(Array.isArray(item) ? (item as Typed) : ([items, item] as Typed))),
    ]);
  }
  const [type, plain] = value;
  if (type === 'text') return string(String(plain));
  const view = new DataView(new ArrayBuffer(8));
  const number = Number(plain);
  switch (type) {
    case 'u8':
      view.setUint8(0, number);
      return bytesOf(view, 1);
    case 'i8':
      view.setInt8(0, number);
      return bytesOf(view, 1);
    case 'bool':
      view.setUint8(0, number);
      return bytesOf(view, 1);
    case 'u16':
      view.setUint16(0, number, true);
      return bytesOf(view, 2);
    case 'i16':
      view.setInt16(0, number, true);
      return bytesOf(view, 2);
    case 'u32':
      return u32(number);
    case 'i32':
      view.setInt32(0, number, true);
      return bytesOf(view, 4);
    case 'f32':
      view.setFloat32(0, number, true);
      return bytesOf(view, 4);
    case 'f64':
      view.setFloat64(0, number, true);
      return bytesOf(view, 8);
    case 'i64':
      view.setBigInt64(0, BigInt(number), true);
      return bytesOf(view, 8);
    default:
      return u64(number);
  }
}

function bytesOf(view: DataView, length: number): Uint8Array {
  return new Uint8Array(view.buffer, 0, length);
}

function string(value: string): Uint8Array {
  const bytes = text(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function u64(value: number | bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

/** How every such file begins. */
const MAGIC = [0x93, ...new TextEncoder().encode('NUMPY')];
/** Bytes before the data are a multiple of this, so that it can be mapped into memory. */
const ALIGNMENT = 64;

/**
 * A file of NumPy's: an array of float32 in C order, as `numpy.save` writes it, to the byte. `dims`: its shape. Format: NEP 1, version 1.0.
 * Throws RangeError where the shape has another number of elements.
 */
export function npyBytes(values: Float32Array, dims: readonly number[]): Uint8Array<ArrayBuffer> {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count !== values.length) throw new RangeError(`${values.length} numbers are no array of ${dims.join(' x ')}.`);
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(', ');
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  const before = 10 + header.length + 1;
  const padded = `${header}${' '.repeat((ALIGNMENT - (before % ALIGNMENT)) % ALIGNMENT)}\n`;
  const bytes = new Uint8Array(10 + padded.length + 4 * values.length);
  bytes.set([...MAGIC, 1, 0, padded.length & 0xff, padded.length >> 8]);
  bytes.set(new TextEncoder().encode(padded), 10);
  const view = new DataView(bytes.buffer, 10 + padded.length);
  for (const [index, value] of values.entries()) view.setFloat32(4 * index, value, true);
  return bytes;
}

/** Whole numbers in a file of NumPy's. */
export interface NpyIntegers {
  readonly dims: readonly number[];
  readonly values: Int32Array;
}

type ReadInteger = readonly [size: number, read: (view: DataView, at: number) => number];

/** Types of whole numbers by NumPy's names: bytes of each, and how one is read. Little-endian, as computers that serve models are. */
const INTEGERS = {
  uint8: [1, (view, at) => view.getUint8(at)],
  int8: [1, (view, at) => view.getInt8(at)],
  uint16: [2, (view, at) => view.getUint16(at, true)],
  int16: [2, (view, at) => view.getInt16(at, true)],
  int32: [4, (view, at) => view.getInt32(at, true)],
} as const satisfies Record<string, ReadInteger>;

/** A type of whole numbers. */
export type IntegerType = keyof typeof INTEGERS;

/** The same types as the header of a file names them. */
const IN_FILES: Readonly<Record<string, IntegerType>> = { '|u1': 'uint8', '|i1': 'int8', '<u2': 'uint16', '<i2': 'int16', '<i4': 'int32' };

/** The whole numbers that bytes are; null: the last of them is cut off. */
export function integersOf(bytes: Uint8Array, type: IntegerType): Int32Array | null {
  const [size, read]: ReadInteger = INTEGERS[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.length % size === 0 ? Int32Array.from({ length: bytes.length / size }, (_, index) => read(view, index * size)) : null;
}

/** Reads an array of whole numbers in C order, as `numpy.save` writes it. Null: the bytes are something else, or not all there. */
export function npyIntegers(bytes: Uint8Array): NpyIntegers | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 10 || !MAGIC.every((byte, index) => bytes[index] === byte) || bytes[6] !== 1) return null;
  const start = 10 + view.getUint16(8, true);
  const header = new TextDecoder('latin1').decode(bytes.subarray(10, start));
  const descr = /'descr': '([^']+)'/.exec(header)?.[1] ?? '';
  const type = Object.hasOwn(IN_FILES, descr) ? IN_FILES[descr] : undefined;
  const shape = /'shape': \(([\d, ]*)\)/.exec(header)?.[1];
  if (start > bytes.length || shape === undefined || type === undefined || !header.includes("'fortran_order': False")) return null;
  const dims = (shape.match(/\d+/g) ?? []).map(Number);
  const count = dims.reduce((product, dim) => product * dim, 1);
  const values = integersOf(bytes.subarray(start), type);
  return values?.length === count ? { dims, values } : null;
}

// Plain data as bytes: a tree of JSON, and the numbers of the arrays in it, so that every number is the same to its last bit when it is
// read again. The arrays of a kind follow one another as one: of it come first the first bytes of all numbers, then the second ones, and so
// on: signs and exponents are alike, and take little room once they are compressed. Layout, all little-endian: the tree's length in bytes,
// how many numbers there are of each kind, in the order of KINDS (uint32 each), the tree as UTF-8, the bytes of each kind's numbers. In the
// tree, {"$f32": [at, length]} stands for an array, `at` numbers from the first of its kind, and {"$number": "NaN"} for a number that JSON
// has none of. A key that begins with $ has another $ before it.

const KINDS = { $f32: Float32Array, $f64: Float64Array, $i32: Int32Array, $u8: Uint8Array } as const;
type Kind = keyof typeof KINDS;
type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Numbers that JSON has none of, by their names in the tree. */
const NUMBERS: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity, '-0': -0 };

/** Arrays of a kind that are in the file already, each once: what a model's heads share is kept once, whoever asked for it. */
interface Stored {
  /** Bytes of each array as they are in memory. */
  readonly pieces: Uint8Array[];
  readonly byHash: Map<string, { readonly at: number; readonly bytes: Uint8Array }[]>;
  /** Numbers in all of them. */
  length: number;
}

/** Packs plain data: null, booleans, numbers, strings, lists, objects, and arrays of numbers. Throws TypeError for anything else. */
export function packData(value: unknown): Uint8Array<ArrayBuffer> {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new Error('Reports cannot be written on a big-endian machine.');
  const stored = kinds.map((): Stored => ({ pieces: [], byHash: new Map(), length: 0 }));
  const tree = new TextEncoder().encode(JSON.stringify(treeOf(value, stored)));
  const arrays = stored.map(({ pieces, length }, kind) => inPlanes(joined(pieces), length, bytesEach(kind)));
  const header = new Uint8Array(HEADER);
  const view = new DataView(header.buffer);
  for (const [index, count] of [tree.length, ...stored.map(({ length }) => length)].entries()) view.setUint32(4 * index, count, true);
  return joined([header, tree, ...arrays]);
}

/** The data that `packData` packed; its arrays own their buffers. Throws RangeError or SyntaxError for other bytes. */
export function unpackData(packed: Uint8Array): unknown {
  const view = viewOf(packed);
  const counts = kinds.map((_, kind) => view.getUint32(4 * (kind + 1), true));
  let at = HEADER + view.getUint32(0, true);
  const tree = packed.subarray(HEADER, at);
  const arrays = counts.map((count, kind) => {
    const size = count * bytesEach(kind);
    if (at + size > packed.length) throw new RangeError('An array is cut off.');
    const bytes = outOfPlanes(packed.subarray(at, at + size), count, bytesEach(kind));
    at += size;
    return bytes;
  });
  return valueOf(parsed(tree), (kind, from, length) => {
    const each = bytesEach(kind);
    return arrays[kind]?.slice(from * each, (from + length) * each) ?? new Uint8Array();
  });
}

/**
 * The data of reports of the first version, in which each array has its own planes and begins at a multiple of 8 behind the tree's length
 * and the tree; `at` counts bytes. Throws as `unpackData` does.
 */
export function unpackFirstData(packed: Uint8Array): unknown {
  const length = viewOf(packed).getUint32(0, true);
  const arrays = packed.subarray(Math.ceil((4 + length) / 8) * 8);
  return valueOf(parsed(packed.subarray(4, 4 + length)), (kind, at, count) => {
    const size = count * bytesEach(kind);
    if (at + size > arrays.length) throw new RangeError('An array is cut off.');
    return outOfPlanes(arrays.subarray(at, at + size), count, bytesEach(kind));
  });
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function parsed(tree: Uint8Array): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(tree));
}

function treeOf(value: unknown, stored: readonly Stored[]): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: nameOf(value) };
  if (Array.isArray(value)) return value.map((item: unknown) => treeOf(item, stored));
  if (typeof value !== 'object') throw new TypeError(`A ${typeof value} cannot be kept.`);
  for (const [index, kind] of kinds.entries()) {
    const own = stored[index];
    if (own !== undefined && value instanceof KINDS[kind]) return { [kind]: [store(value, own), value.length] };
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('Only plain data can be kept.');
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]: [string, unknown]) =>
      field === undefined ? [] : [[key.startsWith('$') ? `$${key}` : key, treeOf(field, stored)]],
    ),
  );
}

const kinds = Object.keys(KINDS) as readonly Kind[];
/** Bytes before the tree. */
const HEADER = 4 * (1 + kinds.length);

/** Bytes of a number of the kind of this index. */
function bytesEach(kind: number): number {
  return KINDS[kinds[kind] ?? '$u8'].BYTES_PER_ELEMENT;
}

function nameOf(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Where the array is among those of its kind, in numbers. */
function store({ buffer, byteOffset, byteLength, length }: Numbers, stored: Stored): number {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const hash = hashOf(bytes);
  const alike = stored.byHash.get(hash) ?? [];
  const known = alike.find((other) => other.bytes.every((byte, index) => byte === bytes[index]));
  if (known !== undefined) return known.at;
  const at = stored.length;
  stored.pieces.push(bytes);
  stored.byHash.set(hash, [...alike, { at, bytes }]);
  stored.length += length;
  return at;
}

/** Equal for equal bytes: their number, their sum, and FNV-1a of them. */
function hashOf(bytes: Uint8Array): string {
  let [sum, mixed] = [0, 0x811c9dc5];
  for (const byte of bytes) {
    sum = (sum + byte) | 0;
    mixed = Math.imul(mixed ^ byte, 0x01000193);
  }
  return `${bytes.length} ${sum} ${mixed}`;
}

/** The bytes of `length` numbers of a kind, by its index, that begin `at` the place that the tree names. */
type BytesAt = (kind: number, at: number, length: number) => Uint8Array<ArrayBuffer>;

function valueOf(tree: unknown, bytesAt: BytesAt): unknown {
  if (Array.isArray(tree)) return tree.map((item: unknown) => valueOf(item, bytesAt));
  if (typeof tree !== 'object' || tree === null) return tree;
  const entries = Object.entries(tree) as readonly (readonly [string, unknown])[];
  const [first] = entries;
  if (first !== undefined && /^\$[^$]/.test(first[0])) return special(first[0], first[1], bytesAt);
  // Not by assignment: a key may be "__proto__".
  return Object.fromEntries(entries.map(([key, field]) => [key.startsWith('$$') ? key.slice(1) : key, valueOf(field, bytesAt)]));
}

function special(name: string, value: unknown, bytesAt: BytesAt): unknown {
  if (name === '$number' && typeof value === 'string' && Object.hasOwn(NUMBERS, value)) return NUMBERS[value];
  const kind = kinds.find((one) => one === name);
  if (kind === undefined || !Array.isArray(value)) throw new RangeError(`${name} is unknown.`);
  const [at, length] = value as readonly unknown[];
  if (!isCount(at) || !isCount(length)) throw new RangeError(`${name} is nowhere.`);
  const bytes = bytesAt(kinds.indexOf(kind), at, length);
  if (bytes.length !== length * KINDS[kind].BYTES_PER_ELEMENT) throw new RangeError('An array is cut off.');
  return new KINDS[kind](bytes.buffer);
}

/** Bytes of `count` numbers of `each` bytes: the first bytes of all, then the second ones, and so on. */
function inPlanes(bytes: Uint8Array, count: number, each: number): Uint8Array<ArrayBuffer> {
  const planes = new Uint8Array(bytes.length);
  for (let one = 0; one < count; one++) for (let byte = 0; byte < each; byte++) planes[byte * count + one] = bytes[one * each + byte] ?? 0;
  return planes;
}

/** The same in the order of memory again. */
function outOfPlanes(planes: Uint8Array, count: number, each: number): Uint8Array<ArrayBuffer> {
  // Of as many numbers as one has bytes, each as long as there are numbers, it is the same order.
  return inPlanes(planes, each, count);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

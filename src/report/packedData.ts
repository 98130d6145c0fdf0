// Plain data as bytes: a tree of JSON, and the bytes of the arrays of numbers in it, so that every number is the same to its last bit when
// it is read again. Of an array come first the first bytes of all its numbers, then the second ones, and so on: signs and exponents are
// alike, and take little room once they are compressed. Layout: the tree's length in bytes (uint32), the tree as UTF-8, and from the next
// multiple of 8 on the arrays, each beginning at a multiple of 8; all little-endian. In the tree, {"$f32": [at, length]} stands for an
// array, `at` bytes from the first one, and {"$number": "NaN"} for a number that JSON has none of. A key that begins with $ has another $
// before it.

const KINDS = { $f32: Float32Array, $f64: Float64Array, $i32: Int32Array, $u8: Uint8Array } as const;
type Kind = keyof typeof KINDS;
type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Arrays begin at multiples of this. */
const ALIGNED = 8;
/** Numbers that JSON has none of, by their names in the tree. */
const NUMBERS: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity, '-0': -0 };

/** Arrays that are in the file already, each once: what a model's heads share is kept once, whoever asked for it. */
interface Stored {
  readonly pieces: Uint8Array[];
  readonly byHash: Map<string, { readonly at: number; readonly bytes: Uint8Array }[]>;
  length: number;
}

/** Packs plain data: null, booleans, numbers, strings, lists, objects, and arrays of numbers. Throws TypeError for anything else. */
export function packData(value: unknown): Uint8Array<ArrayBuffer> {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new Error('Reports cannot be written on a big-endian machine.');
  const stored: Stored = { pieces: [], byHash: new Map(), length: 0 };
  const tree = new TextEncoder().encode(JSON.stringify(treeOf(value, stored)));
  const start = aligned(4 + tree.length);
  const packed = new Uint8Array(start + stored.length);
  new DataView(packed.buffer).setUint32(0, tree.length, true);
  packed.set(tree, 4);
  let at = start;
  for (const piece of stored.pieces) {
    packed.set(piece, at);
    at += aligned(piece.length);
  }
  return packed;
}

/** The data that `packData` packed; its arrays own their buffers. Throws RangeError or SyntaxError for other bytes. */
export function unpackData(packed: Uint8Array): unknown {
  const length = new DataView(packed.buffer, packed.byteOffset, packed.byteLength).getUint32(0, true);
  const start = aligned(4 + length);
  if (start > aligned(packed.length)) throw new RangeError('The tree is cut off.');
  const tree = new TextDecoder('utf-8', { fatal: true }).decode(packed.subarray(4, 4 + length));
  return valueOf(JSON.parse(tree), packed.subarray(start));
}

function treeOf(value: unknown, stored: Stored): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: nameOf(value) };
  if (Array.isArray(value)) return value.map((item: unknown) => treeOf(item, stored));
  if (typeof value !== 'object') throw new TypeError(`A ${typeof value} cannot be kept.`);
  for (const kind of kinds) if (value instanceof KINDS[kind]) return { [kind]: [store(value, stored), value.length] };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('Only plain data can be kept.');
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]: [string, unknown]) =>
      field === undefined ? [] : [[key.startsWith('$') ? `$${key}` : key, treeOf(field, stored)]],
    ),
  );
}

const kinds = Object.keys(KINDS) as readonly Kind[];

function nameOf(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Where the array is among those that are stored. */
function store({ buffer, byteOffset, byteLength, BYTES_PER_ELEMENT }: Numbers, stored: Stored): number {
  const bytes = inPlanes(new Uint8Array(buffer, byteOffset, byteLength), BYTES_PER_ELEMENT);
  const hash = hashOf(bytes);
  const alike = stored.byHash.get(hash) ?? [];
  const known = alike.find((other) => other.bytes.every((byte, index) => byte === bytes[index]));
  if (known !== undefined) return known.at;
  const at = stored.length;
  stored.pieces.push(bytes);
  stored.byHash.set(hash, [...alike, { at, bytes }]);
  stored.length += aligned(byteLength);
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

function valueOf(tree: unknown, arrays: Uint8Array): unknown {
  if (Array.isArray(tree)) return tree.map((item: unknown) => valueOf(item, arrays));
  if (typeof tree !== 'object' || tree === null) return tree;
  const entries = Object.entries(tree) as readonly (readonly [string, unknown])[];
  const [first] = entries;
  if (first !== undefined && /^\$[^$]/.test(first[0])) return special(first[0], first[1], arrays);
  // Not by assignment: a key may be "__proto__".
  return Object.fromEntries(entries.map(([key, field]) => [key.startsWith('$$') ? key.slice(1) : key, valueOf(field, arrays)]));
}

function special(name: string, value: unknown, arrays: Uint8Array): unknown {
  if (name === '$number' && typeof value === 'string' && Object.hasOwn(NUMBERS, value)) return NUMBERS[value];
  const kind = kinds.find((one) => one === name);
  if (kind === undefined || !Array.isArray(value)) throw new RangeError(`${name} is unknown.`);
  const [at, length] = value as readonly unknown[];
  if (!isCount(at) || !isCount(length)) throw new RangeError(`${name} is nowhere.`);
  const each = KINDS[kind].BYTES_PER_ELEMENT;
  const size = length * each;
  if (at + size > arrays.length) throw new RangeError('An array is cut off.');
  return new KINDS[kind](inPlanes(arrays.subarray(at, at + size), length).buffer);
}

/** The bytes of numbers of `each` bytes in the order described above; of `each` = their count, in the order of memory again. */
function inPlanes(bytes: Uint8Array, each: number): Uint8Array<ArrayBuffer> {
  const planes = new Uint8Array(bytes.length);
  const count = each === 0 ? 0 : bytes.length / each;
  for (let one = 0; one < count; one++) for (let byte = 0; byte < each; byte++) planes[byte * count + one] = bytes[one * each + byte] ?? 0;
  return planes;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNED) * ALIGNED;
}

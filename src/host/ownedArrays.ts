/**
 * The same object with every typed array in a buffer of exactly its size: a webview message ships whole buffers, and
 * knows no shared memory.
 */
export function withOwnedArrays<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, isArray(field) ? ownedArray(field) : field])) as T;
}

type NumberArray = Float32Array | Int32Array | Uint8Array;

function ownedArray(array: NumberArray): NumberArray {
  return array.byteLength === array.buffer.byteLength && array.buffer instanceof ArrayBuffer ? array : array.slice();
}

function isArray(value: unknown): value is NumberArray {
  return value instanceof Float32Array || value instanceof Int32Array || value instanceof Uint8Array;
}

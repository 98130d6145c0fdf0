/**
 * The same object with every typed array in it, however deep, in a buffer of exactly its size: a webview message ships whole
 * buffers, and knows no shared memory.
 */
export function withOwnedArrays<T extends object>(value: T): T {
  return owned(value) as T;
}

function owned(value: unknown): unknown {
  if (isArray(value)) return ownedArray(value);
  if (Array.isArray(value)) return value.map(owned);
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, field]) => [name, owned(field)])) : value;
}

type NumberArray = Float32Array | Int32Array | Uint8Array;

function ownedArray(array: NumberArray): NumberArray {
  return array.byteLength === array.buffer.byteLength && array.buffer instanceof ArrayBuffer ? array : array.slice();
}

function isArray(value: unknown): value is NumberArray {
  return value instanceof Float32Array || value instanceof Int32Array || value instanceof Uint8Array;
}

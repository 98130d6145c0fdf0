// Ownership of an array that is sent to another thread, process or page: the sender keeps it and the receiver gets a copy, so an answer
// may contain a cached array or a part of one. Only an answer wrapped as `moved(…)` gives its arrays away.
// Both borders keep this rule: `worker/rpc.ts`, and `host/panel/explainPanel.ts` for the panel.

const given = new WeakSet<object>();

/**
 * Marks an answer whose arrays may be transferred instead of copied: they were made for this answer, and nothing else holds them.
 * For large arrays, which would otherwise exist twice.
 */
export function moved<T extends object>(answer: T): T {
  given.add(answer);
  return answer;
}

/** Buffers to transfer of an answer marked by `moved`; none for any other. A view of a larger buffer is copied: the rest may be in use. */
export function buffersMoved(answer: unknown): ArrayBuffer[] {
  if (typeof answer !== 'object' || answer === null || !given.has(answer)) return [];
  const buffers = new Set<ArrayBuffer>();
  for (const value of Object.values(answer)) if (isNumbers(value) && isWhole(value)) buffers.add(value.buffer as ArrayBuffer);
  return [...buffers];
}

/**
 * The same value with every array of numbers in it, however deep, in a buffer of exactly its size: channels send whole buffers, and a
 * webview has no shared memory. Arrays that own their buffer already are left alone.
 */
export function withOwnedArrays<T>(value: T): T {
  return owned(value) as T;
}

/** Copies nothing that need not change: an explanation holds thousands of tokens. */
function owned(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isNumbers(value)) return isWhole(value) ? value : copyOf(value);
  if (!Array.isArray(value) && !isPlain(value)) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  let changed: Record<string, unknown> | undefined;
  for (const name of Object.keys(fields)) {
    const field = fields[name];
    const own = owned(field);
    if (Object.is(own, field)) continue;
    changed ??= (Array.isArray(value) ? [...(value as unknown[])] : { ...fields }) as Record<string, unknown>;
    changed[name] = own;
  }
  return changed ?? value;
}

type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

function isNumbers(value: unknown): value is Numbers {
  return value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array || value instanceof Uint8Array;
}

function isWhole({ byteLength, buffer }: Numbers): boolean {
  return byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
}

function copyOf(array: Numbers): Numbers {
  if (array instanceof Float32Array) return new Float32Array(array);
  if (array instanceof Float64Array) return new Float64Array(array);
  return array instanceof Int32Array ? new Int32Array(array) : new Uint8Array(array);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

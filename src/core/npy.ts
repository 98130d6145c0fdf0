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
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, padded.length & 0xff, padded.length >> 8]);
  bytes.set(new TextEncoder().encode(padded), 10);
  const view = new DataView(bytes.buffer, 10 + padded.length);
  for (const [index, value] of values.entries()) view.setFloat32(4 * index, value, true);
  return bytes;
}

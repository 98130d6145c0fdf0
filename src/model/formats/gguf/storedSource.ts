import type { ModelFiles } from '../modelFiles.ts';
import { bytesOf, plainSource, rowCount, rowLength, type BlockRows, type Source } from '../source.ts';
import type { StoredTensor } from '../storedTensor.ts';
import { isWeightType } from '../widen.ts';
import { dequantize } from './dequantize.ts';
import { blockTypeNamed } from './types.ts';

/** A stored tensor; quantised numbers become float32. */
export function storedSource(files: ModelFiles, tensor: StoredTensor): Source {
  const { dtype, shape, file, offset, length } = tensor;
  if (isWeightType(dtype)) return plainSource(files, tensor);
  const { elements, bytes } = blockTypeNamed(dtype);
  const perRow = (rowLength(shape) / elements) * bytes;
  const blocks: BlockRows = {
    type: dtype,
    shape: [rowCount(shape), rowLength(shape)],
    rows: (first: number, count: number) => files.read(file, offset + first * perRow, count * perRow),
  };
  return {
    dtype: 'F32',
    shape,
    place: null,
    blocks: shape.length === 1 ? null : blocks,
    rows: async (first, count) => {
      // The numbers of a quantised vector share blocks: all are read.
      if (shape.length === 1) return bytesOf(dequantize(await files.read(file, offset, length), dtype).slice(first, first + count));
      return bytesOf(dequantize(await blocks.rows(first, count), dtype));
    },
  };
}

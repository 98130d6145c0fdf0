import type { Translatable } from '../../core/translatable.ts';
import { quantizedOf } from './gguf/pack.ts';
import type { ModelFiles } from './modelFiles.ts';
import { readBytes, rowCount, rowLength, type Source } from './source.ts';
import type { StoredTensor } from './storedTensor.ts';
import { WEIGHT_BYTES } from './widen.ts';

/** What differs from the files as they are. */
export interface MadeWeights {
  readonly name?: string;
  /** All tensors that are read as the files hold them. */
  readonly kept: ReadonlyMap<string, StoredTensor>;
  /** Tensors that are computed when they are read, by name; they replace kept ones. */
  readonly made: ReadonlyMap<string, Source>;
  /** The files' own name for the type of the weights; absent: as the tensors say. */
  readonly type?: string;
  /** Bytes of the weights as stored. */
  readonly bytes: number;
  readonly notices: readonly Translatable[];
}

/** Presents a model folder in which some weights are computed, each as a file of its own that holds no more than it. */
export function withMadeWeights(files: ModelFiles, { name, kept, made, type, bytes, notices }: MadeWeights): ModelFiles {
  const tensors = new Map(kept);
  /** Generated files: each reads `length` bytes from an offset. */
  const sources = new Map<string, (offset: number, length: number) => Promise<Uint8Array>>();
  for (const [own, source] of made) {
    const { dtype, shape } = source;
    const file = `${files.name}: ${own}`;
    const place = source.place ?? { file, offset: 0, length: rowCount(shape) * rowLength(shape) * WEIGHT_BYTES[dtype] };
    const quantized = quantizedOf(source, file);
    tensors.set(own, { name: own, dtype, shape, ...place, ...(quantized === null ? {} : { quantized: quantized.stored }) });
    if (source.place === null) sources.set(file, (offset, length) => readBytes(source, offset, length));
    for (const [form, read] of quantized?.files ?? [])
      sources.set(form, async (offset, length) => (await read()).subarray(offset, offset + length));
  }
  const { localPath } = files;
  return {
    ...files,
    name: name ?? files.name,
    read: async (file, offset, length) => {
      const source = sources.get(file);
      if (source !== undefined) return source(offset, length);
      return files.read(file, offset, length);
    },
    ...(localPath === undefined ? {} : { localPath: async (file: string) => (sources.has(file) ? null : localPath(file)) }),
    notices: [...(files.notices ?? []), ...notices],
    weights: { tensors, bytes, ...(type === undefined ? {} : { type }) },
  };
}

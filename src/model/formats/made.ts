import type { Translatable } from '../../core/translatable.ts';
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
  const sources = new Map<string, Source>();
  for (const [own, source] of made) {
    const { dtype, shape } = source;
    const file = `${files.name}: ${own}`;
    const place = source.place ?? { file, offset: 0, length: rowCount(shape) * rowLength(shape) * WEIGHT_BYTES[dtype] };
    tensors.set(own, { name: own, dtype, shape, ...place });
    if (source.place === null) sources.set(file, source);
  }
  const { localPath } = files;
  return {
    ...files,
    name: name ?? files.name,
    read: async (file, offset, length) => {
      const source = sources.get(file);
      if (source !== undefined) return readBytes(source, offset, length);
      return files.read(file, offset, length);
    },
    ...(localPath === undefined ? {} : { localPath: async (file: string) => (sources.has(file) ? null : localPath(file)) }),
    notices: [...(files.notices ?? []), ...notices],
    weights: { tensors, bytes, ...(type === undefined ? {} : { type }) },
  };
}

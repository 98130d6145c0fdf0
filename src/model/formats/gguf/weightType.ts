import type { StoredTensor } from '../storedTensor.ts';
import type { GgufMetadata } from './ggufHeader.ts';

/** Names of the mixes of types by `general.file_type` (gguf's LlamaFileType). */
const FILE_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'F32'],
  [1, 'F16'],
  [2, 'Q4_0'],
  [3, 'Q4_1'],
  [7, 'Q8_0'],
  [8, 'Q5_0'],
  [9, 'Q5_1'],
  [10, 'Q2_K'],
  [11, 'Q3_K_S'],
  [12, 'Q3_K_M'],
  [13, 'Q3_K_L'],
  [14, 'Q4_K_S'],
  [15, 'Q4_K_M'],
  [16, 'Q5_K_S'],
  [17, 'Q5_K_M'],
  [18, 'Q6_K'],
  [21, 'Q2_K_S'],
  [25, 'IQ4_NL'],
  [30, 'IQ4_XS'],
  [32, 'BF16'],
  [19, 'IQ2_XXS'],
  [20, 'IQ2_XS'],
  [22, 'IQ3_XS'],
  [23, 'IQ3_XXS'],
  [24, 'IQ1_S'],
  [26, 'IQ3_S'],
  [27, 'IQ3_M'],
  [28, 'IQ2_S'],
  [29, 'IQ2_M'],
  [31, 'IQ1_M'],
  [36, 'TQ1_0'],
  [37, 'TQ2_0'],
  [38, 'MXFP4_MOE'],
]);

/**
 * The name of a file's weight type: its own name for the mix, if some tensor has that type, else the types of its tensors, the most
 * frequent first.
 */
export function weightTypeOf(metadata: GgufMetadata, tensors: Iterable<StoredTensor>): string {
  const numbers = new Map<string, number>();
  for (const { dtype, shape } of tensors) numbers.set(dtype, (numbers.get(dtype) ?? 0) + shape.reduce((product, dim) => product * dim, 1));
  const type = metadata.get('general.file_type');
  const named = typeof type === 'number' ? FILE_TYPES.get(type) : undefined;
  if (named !== undefined && [...numbers.keys()].some((own) => kindOf(own) === kindOf(named))) return named;
  return [...numbers]
    .toSorted((a, b) => b[1] - a[1])
    .map(([name]) => name)
    .join(', ');
}

/** The kind of types that a mix and its tensors' types have in common: "Q4_K" of Q4_K_M, "IQ3" of IQ3_XS and IQ3_S. */
function kindOf(type: string): string {
  return type.replace(/_(?:XXS|XS|S|M|L|MOE)$/, '');
}

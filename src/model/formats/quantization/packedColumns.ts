import { at } from '../../../core/tensor.ts';
import { msg } from '../../../core/translatable.ts';
import { computed, floatsOf, once, type Source } from '../source.ts';
import type { StoredTensor } from '../storedTensor.ts';
import {
  FLOATS,
  matrixShape,
  modulesWith,
  refuse,
  tensorOf,
  wordsOf,
  type Dequantized,
  type QuantizedTensors,
} from './quantizedTensors.ts';

// Weights of GPTQ and AWQ: integers of a matrix [in, out] in 32-bit words; each output has a scale and a zero point a group of inputs.
// W[o, i] = scale[g, o] * (q[i, o] - zero[g, o]), g the group of input i; exact in float32, as a scale of 11 bits times an integer of 8 is.

/** Column of a group of eight that each nibble of a word holds in AWQ's "gemm" layout (awq/modules/linear/gemm.py). */
const AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7];

/** Options of GPTQ in config.json. */
export interface GptqOptions {
  readonly bits: number;
  /** Inputs that share a scale; null: all do. */
  readonly group: number | null;
  /** Whether zero points are stored less 1, as in the first format. */
  readonly zerosLess1: boolean;
}

interface Groups {
  readonly scales: Float32Array;
  /** Zero points [groups, out]. */
  readonly zeros: Uint8Array;
  /** Group of each input. */
  readonly groupOf: Int32Array;
}

/**
 * Weights of GPTQ: `qweight` [in * bits / 32, out], `qzeros` [groups, out * bits / 32], `scales` [groups, out], `g_idx` [in].
 * https://github.com/ModelCloud/GPTQModel (nn_modules/qlinear/torch.py)
 */
export function gptqWeights(tensors: QuantizedTensors, { bits, group, zerosLess1 }: GptqOptions): Dequantized {
  const [perWord, mask] = [32 / bits, 2 ** bits - 1];
  const { made, spent } = packedModules(tensors, ['qweight', 'qzeros', 'scales', 'g_idx'], (module) => {
    const qweight = tensorOf(tensors, `${module}.qweight`, ['I32']);
    const [words, out] = matrixShape(qweight);
    const inputs = words * perWord;
    const scales = tensorOf(tensors, `${module}.scales`, FLOATS);
    const [groups] = matrixShape(scales);
    if (scales.shape[1] !== out) refuse(scales, msg`has ${scales.shape[1] ?? Number.NaN} columns, where ${out} are called for`);
    const qzeros = tensorOf(tensors, `${module}.qzeros`, ['I32'], [groups, out / perWord]);
    const order = tensors.stored.has(`${module}.g_idx`) ? tensorOf(tensors, `${module}.g_idx`, ['I32'], [inputs]) : null;
    const read = once(async (): Promise<Groups> => {
      const zeros = unpacked(await wordsOf(tensors.files, qzeros), bits, (nibble) => nibble).map((zero) =>
        zerosLess1 ? (zero + 1) & mask : zero,
      );
      return { scales: await floatsOf(tensors.files, scales), zeros, groupOf: await groupsOf(tensors, order, inputs, group, scales) };
    });
    return computed({ shape: [out, inputs] }, async (first, count) => {
      const [packed, { scales: scale, zeros, groupOf }] = [await wordsOf(tensors.files, qweight), await read()];
      const rows = new Float32Array(count * inputs);
      for (let i = 0; i < inputs; i++) {
        const [word, shift] = [Math.floor(i / perWord) * out, (i % perWord) * bits];
        const from = (groupOf[i] ?? Number.NaN) * out;
        for (let row = 0; row < count; row++) {
          const o = first + row;
          rows[row * inputs + i] =
            (scale[from + o] ?? Number.NaN) * ((((packed[word + o] ?? Number.NaN) >>> shift) & mask) - (zeros[from + o] ?? Number.NaN));
        }
      }
      return rows;
    });
  });
  return { made, spent, type: `GPTQ ${bits}-bit`, activations: false };
}

/**
 * Weights of AWQ in its "gemm" layout: `qweight` [in, out / 8], `qzeros` [groups, out / 8], `scales` [groups, out], 4 bits.
 * https://github.com/casper-hansen/AutoAWQ (awq/utils/packing_utils.py)
 */
export function awqWeights(tensors: QuantizedTensors, group: number | null): Dequantized {
  const { made, spent } = packedModules(tensors, ['qweight', 'qzeros', 'scales'], (module) => {
    const qweight = tensorOf(tensors, `${module}.qweight`, ['I32']);
    const [inputs, words] = matrixShape(qweight);
    const out = words * 8;
    const scales = tensorOf(tensors, `${module}.scales`, FLOATS);
    const [groups] = matrixShape(scales);
    if (scales.shape[1] !== out) refuse(scales, msg`has ${scales.shape[1] ?? Number.NaN} columns, where ${out} are called for`);
    const qzeros = tensorOf(tensors, `${module}.qzeros`, ['I32'], [groups, words]);
    const inOrder = (nibble: number): number => at(AWQ_ORDER, nibble);
    const read = once(async (): Promise<Groups> => ({
      scales: await floatsOf(tensors.files, scales),
      zeros: unpacked(await wordsOf(tensors.files, qzeros), 4, inOrder),
      groupOf: await groupsOf(tensors, null, inputs, group, scales),
    }));
    return computed({ shape: [out, inputs] }, async (first, count) => {
      const [packed, { scales: scale, zeros, groupOf }] = [await wordsOf(tensors.files, qweight), await read()];
      const rows = new Float32Array(count * inputs);
      for (let row = 0; row < count; row++) {
        const o = first + row;
        const [word, shift] = [Math.floor(o / 8), 4 * AWQ_ORDER.indexOf(o % 8)];
        for (let i = 0; i < inputs; i++) {
          const from = (groupOf[i] ?? Number.NaN) * out + o;
          rows[row * inputs + i] =
            (scale[from] ?? Number.NaN) * ((((packed[i * words + word] ?? Number.NaN) >>> shift) & 15) - (zeros[from] ?? Number.NaN));
        }
      }
      return rows;
    });
  });
  return { made, spent, type: 'AWQ 4-bit', activations: false };
}

function packedModules(
  tensors: QuantizedTensors,
  suffixes: readonly string[],
  weight: (module: string) => Source,
): Pick<Dequantized, 'made' | 'spent'> {
  const modules = modulesWith(tensors, 'qweight');
  return {
    made: new Map(modules.map((module) => [`${module}.weight`, weight(module)])),
    spent: new Set(modules.flatMap((module) => suffixes.map((suffix) => `${module}.${suffix}`))),
  };
}

/** All integers of words; the one at nibble n of a word goes to place `place(n)` of the word's. */
function unpacked(words: Uint32Array, bits: number, place: (nibble: number) => number): Uint8Array {
  const [perWord, mask] = [32 / bits, 2 ** bits - 1];
  const values = new Uint8Array(words.length * perWord);
  for (const [word, packed] of words.entries())
    for (let nibble = 0; nibble < perWord; nibble++) values[word * perWord + place(nibble)] = (packed >>> (nibble * bits)) & mask;
  return values;
}

/** The group of each input: as stored, or `group` inputs after another. Throws UserError for groups without a scale. */
async function groupsOf(
  { files }: QuantizedTensors,
  stored: StoredTensor | null,
  inputs: number,
  group: number | null,
  scales: StoredTensor,
): Promise<Int32Array> {
  const groupOf =
    stored === null
      ? Int32Array.from({ length: inputs }, (_, i) => (group === null ? 0 : Math.floor(i / group)))
      : new Int32Array((await wordsOf(files, stored)).buffer);
  const [groups = 0] = scales.shape;
  if (groupOf.some((index) => index < 0 || index >= groups)) refuse(scales, msg`has no scale for some of the groups of inputs`);
  return groupOf;
}

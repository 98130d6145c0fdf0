import { at } from '../../../core/tensor.ts';
import { msg } from '../../../core/translatable.ts';
import { computed, floatsOf, once, type Source } from '../source.ts';
import type { StoredTensor } from '../storedTensor.ts';
import {
  bytesIn,
  FLOATS,
  matrixShape,
  modulesWith,
  refuse,
  tensorOf,
  wordsOf,
  type Dequantized,
  type QuantizedTensors,
} from './quantizedTensors.ts';

// Weights stored [out, in] in numbers of 8 bits, or of 4 in 32-bit words, times a scale for the whole, each output, a block of both, or a
// group of inputs.

/** Types of numbers of 8 bits. */
const BYTES = ['F8_E4M3', 'I8'];

/** The float32 number of each float8 e4m3fn: 4 bits of exponent with bias 7, 3 of fraction, no infinities; 0x7f and 0xff are NaN. */
const E4M3 = Float32Array.from({ length: 256 }, (_, byte) => {
  const [sign, exponent, fraction] = [byte & 0x80 ? -1 : 1, (byte >> 3) & 15, byte & 7];
  if (exponent === 15 && fraction === 7) return Number.NaN;
  return sign * (exponent === 0 ? (fraction / 8) * 2 ** -6 : (1 + fraction / 8) * 2 ** (exponent - 7));
});

/** Scales [rows, columns], each for the next `down` outputs and `across` inputs. */
interface Scales {
  readonly values: Float32Array;
  readonly columns: number;
  readonly down: number;
  readonly across: number;
}

/**
 * Float8 or int8 weights times their scales: `NAME.weight` and `NAME.SCALE`. `block`: the outputs and inputs that share a scale where that
 * has two axes longer than 1; null: they share by the sizes.
 */
export function scaledBytes(
  tensors: QuantizedTensors,
  scaleName: string,
  block: readonly [out: number, inputs: number] | null,
): Pick<Dequantized, 'made' | 'spent'> {
  const made = new Map<string, Source>();
  const spent = new Set<string>();
  for (const module of modulesWith(tensors, scaleName)) {
    if (!tensors.stored.has(`${module}.weight`)) continue;
    const weight = tensorOf(tensors, `${module}.weight`, BYTES);
    const scale = tensorOf(tensors, `${module}.${scaleName}`, FLOATS);
    const [out, inputs] = matrixShape(weight);
    const scales = scalesOf(tensors, scale, out, inputs, block);
    const zero = zeroPoint(tensors, `${module}.weight_zero_point`, scale);
    for (const name of [weight.name, scale.name, ...(zero === null ? [] : [zero.name])]) spent.add(name);
    const zeros = once(async () => (zero === null ? null : new Int8Array((await bytesIn(tensors.files, zero)).buffer)));
    const isFloat = weight.dtype === 'F8_E4M3';
    made.set(
      weight.name,
      computed({ shape: [out, inputs] }, async (first, count) => {
        const bytes = await bytesIn(tensors.files, weight, first, count);
        const [{ values, columns, down, across }, zeroOf] = [await scales(), await zeros()];
        const rows = new Float32Array(bytes.length);
        for (let row = 0; row < count; row++)
          for (let i = 0; i < inputs; i++) {
            const place = Math.floor((first + row) / down) * columns + Math.floor(i / across);
            const byte = bytes[row * inputs + i] ?? Number.NaN;
            const value = isFloat
              ? (E4M3[byte] ?? Number.NaN)
              : ((byte << 24) >> 24) - (zeroOf === null ? 0 : (zeroOf[place] ?? Number.NaN));
            rows[row * inputs + i] = value * (values[place] ?? Number.NaN);
          }
        return rows;
      }),
    );
  }
  return { made, spent };
}

/**
 * Integers of 4 or 8 bits in 32-bit words along the inputs: `weight_packed` [out, in * bits / 32], `weight_scale` [out, groups],
 * `weight_shape`; zero points, if any, packed along the outputs; `weight_g_idx`, if any, the group of each input.
 * https://github.com/vllm-project/compressed-tensors (compressors/pack_quantized)
 */
export function packedRows(tensors: QuantizedTensors, bits: number): Pick<Dequantized, 'made' | 'spent'> {
  const made = new Map<string, Source>();
  const spent = new Set<string>();
  const [perWord, mask, middle] = [32 / bits, 2 ** bits - 1, 2 ** (bits - 1)];
  for (const module of modulesWith(tensors, 'weight_packed')) {
    const packed = tensorOf(tensors, `${module}.weight_packed`, ['I32']);
    const scale = tensorOf(tensors, `${module}.weight_scale`, FLOATS);
    const [out, words] = matrixShape(packed);
    const [scaled, groups] = matrixShape(scale);
    if (scaled !== out) refuse(scale, msg`is for ${scaled} outputs, where there are ${out}`);
    const named = (suffix: string): StoredTensor | null =>
      tensors.stored.has(`${module}.${suffix}`) ? tensorOf(tensors, `${module}.${suffix}`, ['I32', 'I64']) : null;
    const [order, zero, shape] = [named('weight_g_idx'), named('weight_zero_point'), named('weight_shape')];
    if (shape === null) return refuse(packed, msg`has no ${`${module}.weight_shape`} beside it`);
    for (const found of [packed, scale, order, zero, shape]) if (found !== null) spent.add(found.name);
    const inputs = words * perWord;
    const read = once(async () => {
      const size = await wordsOf(tensors.files, shape);
      const step = shape.dtype === 'I64' ? 2 : 1;
      if (at(size, 0) !== out || at(size, step) !== inputs)
        refuse(shape, msg`says ${at(size, 0)} x ${at(size, step)}, where ${packed.name} holds ${out} x ${inputs} numbers of ${bits} bits`);
      const zeros = zero === null ? null : await wordsOf(tensors.files, zero);
      const groupOf =
        order === null
          ? Int32Array.from({ length: inputs }, (_, i) => Math.floor((i * groups) / inputs))
          : new Int32Array((await wordsOf(tensors.files, order)).buffer);
      if (groupOf.some((group) => group < 0 || group >= groups)) refuse(scale, msg`has no scale for some of the groups of inputs`);
      return { scales: await floatsOf(tensors.files, scale), zeros, groupOf };
    });
    made.set(
      `${module}.weight`,
      computed({ shape: [out, inputs] }, async (first, count) => {
        const [all, { scales, zeros, groupOf }] = [
          new Uint32Array((await bytesIn(tensors.files, packed, first, count)).slice().buffer),
          await read(),
        ];
        const rows = new Float32Array(count * inputs);
        for (let row = 0; row < count; row++)
          for (let i = 0; i < inputs; i++) {
            const [o, group] = [first + row, groupOf[i] ?? Number.NaN];
            // Both are stored plus half their range.
            const zeroOf =
              zeros === null ? middle : ((zeros[Math.floor(o / perWord) * groups + group] ?? Number.NaN) >>> (bits * (o % perWord))) & mask;
            const integer = ((all[row * words + Math.floor(i / perWord)] ?? Number.NaN) >>> (bits * (i % perWord))) & mask;
            rows[row * inputs + i] = (integer - zeroOf) * (scales[o * groups + group] ?? Number.NaN);
          }
        return rows;
      }),
    );
  }
  return { made, spent };
}

function zeroPoint(tensors: QuantizedTensors, name: string, scale: StoredTensor): StoredTensor | null {
  return tensors.stored.has(name) ? tensorOf(tensors, name, ['I8'], scale.shape) : null;
}

/** How the scales of a weight are read: one, one an output, or one a block. Throws UserError for another number of them. */
function scalesOf(
  { files }: QuantizedTensors,
  scale: StoredTensor,
  out: number,
  inputs: number,
  block: readonly [out: number, inputs: number] | null,
): () => Promise<Scales> {
  const [rows = 1, columns = 1] = scale.shape;
  const sizes = (): readonly [down: number, across: number] => {
    if (scale.shape.length <= 1 && rows === 1) return [out, inputs];
    if (rows === out && columns === 1) return [1, inputs];
    if (scale.shape.length === 2 && block !== null) {
      const [down, across] = block;
      if (rows === Math.ceil(out / down) && columns === Math.ceil(inputs / across)) return block;
    }
    if (rows === 1 && columns === 1) return [out, inputs];
    return refuse(scale, msg`is ${scale.shape.join(' x ')}, which are not the scales of a ${out} x ${inputs} matrix`);
  };
  const [down, across] = sizes();
  return once(async () => ({ values: await floatsOf(files, scale), columns: Math.ceil(inputs / across), down, across }));
}

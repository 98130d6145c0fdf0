import { isRecord } from '../../../core/records.ts';
import { msg } from '../../../core/translatable.ts';
import { parseJson, quoted } from '../modelFiles.ts';
import { computed, floatsOf, once, type Source } from '../source.ts';
import type { StoredTensor } from '../storedTensor.ts';
import { bytesIn, matrixShape, modulesWith, refuse, tensorOf, type Dequantized, type QuantizedTensors } from './quantizedTensors.ts';

/** Suffix of the tensor with a weight's shape and block size, as JSON, by the type of numbers. */
const STATE = /^(.+)\.weight\.quant_state\.bitsandbytes__(nf4|fp4)$/;
/** Most bytes of such a state; it holds eight short entries. */
const STATE_MAX_BYTES = 10_000;
/** 1 / 127 as bitsandbytes multiplies with it (int8_vectorwise_dequant). */
const INT8_STEP = Math.fround(7.874015718698502e-3);

/** What the state of a 4-bit weight says. */
interface State {
  readonly shape: readonly [out: number, inputs: number];
  readonly block: number;
  /** Block of the scales' own scales, and what is added to them; null: scales are stored as they are. */
  readonly nested: { readonly block: number; readonly offset: number } | null;
}

/**
 * Weights of bitsandbytes: 4 bits (NF4, FP4) by a table of 16 numbers times a scale a block, the scales perhaps quantised themselves; 8
 * bits times a scale an output. https://github.com/bitsandbytes-foundation/bitsandbytes (functional.py, QuantState)
 */
export async function bitsandbytesWeights(tensors: QuantizedTensors): Promise<Dequantized> {
  const made = new Map<string, Source>();
  const spent = new Set<string>();
  const types = new Set<string>();
  for (const [name, tensor] of tensors.stored) {
    const [, module, type] = STATE.exec(name) ?? [];
    if (module === undefined || type === undefined) continue;
    types.add(type.toUpperCase());
    made.set(`${module}.weight`, fourBits(tensors, `${module}.weight`, await stateOf(tensors, tensor), spent));
    spent.add(name);
  }
  for (const module of modulesWith(tensors, 'SCB')) {
    types.add('8-bit');
    const weight = tensorOf(tensors, `${module}.weight`, ['I8']);
    const [out, inputs] = matrixShape(weight);
    const scale = tensorOf(tensors, `${module}.SCB`, ['F32'], [out]);
    const scales = once(() => floatsOf(tensors.files, scale));
    for (const name of [weight.name, scale.name, `${module}.weight_format`]) spent.add(name);
    made.set(
      weight.name,
      computed({ shape: [out, inputs] }, async (first, count) => {
        const integers = new Int8Array((await bytesIn(tensors.files, weight, first, count)).buffer);
        const scaleOf = await scales();
        const rows = new Float32Array(integers.length);
        for (let row = 0; row < count; row++) {
          const own = scaleOf[first + row] ?? Number.NaN;
          for (let i = row * inputs; i < (row + 1) * inputs; i++) rows[i] = Math.fround((integers[i] ?? Number.NaN) * own) * INT8_STEP;
        }
        return rows;
      }),
    );
  }
  return { made, spent, type: `bitsandbytes ${[...types].join(', ')}`, activations: false };
}

function fourBits(tensors: QuantizedTensors, name: string, { shape, block, nested }: State, spent: Set<string>): Source {
  const [out, inputs] = shape;
  const { files } = tensors;
  const numbers = out * inputs;
  const packed = tensorOf(tensors, name, ['U8']);
  if (packed.length !== Math.ceil(numbers / 2))
    refuse(packed, msg`holds ${packed.length} bytes, where ${Math.ceil(numbers / 2)} are called for`);
  if (inputs % 2 !== 0) refuse(packed, msg`has rows of ${inputs} numbers, which share bytes`);
  const blocks = Math.ceil(numbers / block);
  const table = tensorOf(tensors, `${name}.quant_map`, ['F32'], [16]);
  const scale = tensorOf(tensors, `${name}.absmax`, [nested === null ? 'F32' : 'U8'], [blocks]);
  const own =
    nested === null
      ? null
      : {
          ...nested,
          table: tensorOf(tensors, `${name}.nested_quant_map`, ['F32'], [256]),
          scale: tensorOf(tensors, `${name}.nested_absmax`, ['F32'], [Math.ceil(blocks / nested.block)]),
        };
  for (const found of [packed, table, scale, ...(own === null ? [] : [own.table, own.scale])]) spent.add(found.name);
  const read = once(async () => {
    if (own === null) return { values: await floatsOf(files, table), scales: await floatsOf(files, scale) };
    const [codes, map, absmax] = [await bytesIn(files, scale), await floatsOf(files, own.table), await floatsOf(files, own.scale)];
    const scales = Float32Array.from(
      codes,
      (code, i) => Math.fround((map[code] ?? Number.NaN) * (absmax[Math.floor(i / own.block)] ?? Number.NaN)) + own.offset,
    );
    return { values: await floatsOf(files, table), scales };
  });
  return computed({ shape: [out, inputs] }, async (first, count) => {
    const start = first * inputs;
    const bytes = await files.read(packed.file, packed.offset + start / 2, (count * inputs) / 2);
    const { values, scales } = await read();
    // The first of two numbers is in the upper nibble.
    const rows = new Float32Array(count * inputs);
    for (let i = 0; i < rows.length; i++) {
      const byte = bytes[i >> 1] ?? Number.NaN;
      rows[i] = (values[i % 2 === 0 ? byte >> 4 : byte & 15] ?? Number.NaN) * (scales[Math.floor((start + i) / block)] ?? Number.NaN);
    }
    return rows;
  });
}

async function stateOf({ files }: QuantizedTensors, tensor: StoredTensor): Promise<State> {
  if (tensor.dtype !== 'U8' || tensor.length > STATE_MAX_BYTES) return refuse(tensor, msg`is no state of a quantised weight`);
  const state = parseJson(new TextDecoder().decode(await bytesIn(files, tensor)), quoted(tensor.name));
  if (!isRecord(state)) return refuse(tensor, msg`is no state of a quantised weight`);
  const positive = (name: string): number => {
    const value = state[name];
    if (!isSize(value)) return refuse(tensor, msg`has no whole number "${name}" above 0`);
    return value;
  };
  const { shape, nested_offset: offset = 0 } = state;
  const [out, inputs, ...more] = Array.isArray(shape) ? (shape as readonly unknown[]) : [];
  if (!isSize(out) || !isSize(inputs) || more.length > 0) return refuse(tensor, msg`does not hold the shape of a matrix`);
  if (typeof offset !== 'number') return refuse(tensor, msg`has no number "nested_offset"`);
  const nested = state['nested_blocksize'] === undefined ? null : { block: positive('nested_blocksize'), offset: Math.fround(offset) };
  return { shape: [out, inputs], block: positive('blocksize'), nested };
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

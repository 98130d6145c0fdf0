import { UserError } from '../../../core/errors.ts';
import type { ControlVector, Direction } from '../../../core/steering.ts';
import { msg } from '../../../core/translatable.ts';
import { quoted, type ModelFiles } from '../modelFiles.ts';
import { readGgufHeader, type GgufMetadata } from './ggufHeader.ts';

// Control vectors as llama.cpp reads them (common/common.cpp and src/llama-adapter.cpp) and repeng writes them: `direction.N` is added to
// the output of block N, counted from 0. That is the residual at the input of block N + 1. The input and the output of block 0 have none.

const ARCHITECTURE = 'controlvector';
/** First layer that a file has a direction for. */
export const FIRST_STEERED_LAYER = 2;
/** Largest file; one of the largest models has under 10 MB. */
const MAX_BYTES = 256 * 1024 * 1024;
const ALIGNMENT = 32;

/** Reads a control-vector file. Throws UserError naming the file and what is wrong with it. */
export async function readControlVector(files: ModelFiles, file: string): Promise<ControlVector> {
  if ((await files.size(file)) > MAX_BYTES) throw new UserError(msg`${file} is larger than any control vector.`);
  const { metadata, tensors } = await readGgufHeader(files, file);
  const architecture = metadata.get('general.architecture');
  if (architecture !== ARCHITECTURE)
    throw new UserError(
      msg`${file} is no control vector: it says "general.architecture" as ${quoted(String(architecture ?? ''))}, not \
"${ARCHITECTURE}".`,
    );
  const directions: Direction[] = [];
  for (const [name, { dtype, shape, offset, length }] of tensors) {
    const number = /^direction\.([1-9]\d{0,5})$/.exec(name)?.[1];
    if (number === undefined)
      throw new UserError(msg`${file} holds ${quoted(name)}: a control vector holds "direction.1", "direction.2" and so on.`);
    if (dtype !== 'F32' || shape.length !== 1)
      throw new UserError(msg`${file} holds ${quoted(name)} that is not one list of numbers of type F32.`);
    const bytes = await files.read(file, offset, length);
    const values = new Float32Array(bytes.slice().buffer);
    if (!values.every(Number.isFinite)) throw new UserError(msg`${file} holds ${quoted(name)} with numbers that are not finite.`);
    directions.push({ layer: Number(number) + 1, values });
  }
  const [first] = directions;
  if (first === undefined) throw new UserError(msg`${file} holds no direction.`);
  if (directions.some(({ values }) => values.length !== first.values.length))
    throw new UserError(msg`${file} holds directions of different lengths.`);
  return {
    name: textOf(metadata, 'general.name'),
    description: textOf(metadata, 'general.description'),
    family: textOf(metadata, `${ARCHITECTURE}.model_hint`),
    directions: directions.toSorted((a, b) => a.layer - b.layer),
  };
}

function textOf(metadata: GgufMetadata, key: string): string {
  const value = metadata.get(key);
  return typeof value === 'string' ? value : '';
}

/** The bytes of a control-vector file. Throws UserError for a direction at a place that the format has none for. */
export function controlVectorBytes({ name, description, family, directions }: ControlVector): Uint8Array {
  const early = directions.find(({ layer }) => layer < FIRST_STEERED_LAYER);
  if (early !== undefined)
    throw new UserError(
      msg`A control-vector file has no direction for the residual at layer ${early.layer}: the first is for layer ${FIRST_STEERED_LAYER}.`,
    );
  const texts = [
    ['general.name', name],
    ['general.description', description],
  ].filter(([, value]) => value !== '');
  const parts: Uint8Array[] = [
    new TextEncoder().encode('GGUF'),
    u32(3),
    u64(directions.length),
    u64(3 + texts.length),
    ...entry('general.architecture', ARCHITECTURE),
    ...entry(`${ARCHITECTURE}.model_hint`, family),
    // A signed number, as llama.cpp's own generator writes it.
    ...text(`${ARCHITECTURE}.layer_count`),
    u32(5),
    u32(directions.length),
    ...texts.flatMap(([key = '', value = '']) => entry(key, value)),
  ];
  let offset = 0;
  for (const { layer, values } of directions) {
    parts.push(...text(`direction.${layer - 1}`), u32(1), u64(values.length), u32(0), u64(offset));
    offset += padded(values.byteLength);
  }
  const header = parts.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(padded(header) + offset);
  let place = 0;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  place = padded(header);
  const view = new DataView(bytes.buffer);
  for (const { values } of directions) {
    for (const [i, value] of values.entries()) view.setFloat32(place + i * Float32Array.BYTES_PER_ELEMENT, value, true);
    place += padded(values.byteLength);
  }
  return bytes;
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

/** A key with a value that is a text. */
function entry(key: string, value: string): readonly Uint8Array[] {
  return [...text(key), u32(8), ...text(value)];
}

function text(value: string): readonly Uint8Array[] {
  const bytes = new TextEncoder().encode(value);
  return [u64(bytes.length), bytes];
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

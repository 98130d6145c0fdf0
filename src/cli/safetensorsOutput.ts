import { effectiveMaps, hasAttention } from '../core/recurrence.ts';
import { at } from '../core/tensor.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { lastResidual, rowsBetween } from '../analysis/traceRows.ts';
import type { Output } from './output.ts';

/** Rows of logits computed at a time: 32 MB with a vocabulary of 128,000. */
const LOGIT_ROWS = 64;

/** A tensor of the file. */
export interface Entry {
  readonly name: string;
  readonly dtype: 'I64' | 'F32';
  readonly shape: readonly number[];
  /** The tensor's bytes in order, split at will. */
  readonly pieces: () => AsyncIterable<Uint8Array>;
}

/**
 * Writes a forward pass in the safetensors format: input_ids I64 [T]; F32 logits [T, V], embedding [T, D],
 * resid.0 .. resid.L [T, D], attentions.l [H, T, T] of layers l with attention weights, and mixing.l [maps, T, T], the effective attention
 * of what a layer has in its place or beside it. Each tensor is computed when its turn comes. `recipe`: the recipe's JSON, which
 * becomes the file's metadata; null: none was given.
 */
export async function writeSafetensors(output: Output, model: LanguageModel, trace: Trace, recipe: string | null): Promise<void> {
  await writeEntries(output, entriesOf(model, trace), recipe);
}

/** Writes tensors in the safetensors format, each when its turn comes; `recipe` as for `writeSafetensors`. */
export async function writeEntries(output: Output, entries: readonly Entry[], recipe: string | null): Promise<void> {
  const header: Record<string, unknown> = recipe === null ? {} : { __metadata__: { recipe } };
  let offset = 0;
  for (const { name, dtype, shape } of entries) {
    const end = offset + shape.reduce((product, size) => product * size, dtype === 'I64' ? 8 : 4);
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // The data begins at a multiple of 8 bytes, so the header is padded with spaces.
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  await output.write(length);
  await output.write(padded);
  for (const { pieces } of entries) for await (const piece of pieces()) await output.write(piece);
}

function entriesOf(model: LanguageModel, trace: Trace): Entry[] {
  const { layers, heads, dim, vocab } = model.info;
  const count = trace.run.ids.length;
  return [
    {
      name: 'input_ids',
      dtype: 'I64',
      shape: [count],
      pieces: () => once(new Uint8Array(BigInt64Array.from(trace.run.ids, BigInt).buffer)),
    },
    float('logits', [count, vocab], async function* () {
      for (let start = 0; start < count; start += LOGIT_ROWS) {
        const { data } = await model.logits(rowsBetween(lastResidual(trace), start, Math.min(start + LOGIT_ROWS, count)));
        yield bytesOf(data);
      }
    }),
    floats('embedding', [count, dim], trace.embedding.data),
    ...trace.resid.map((resid, layer) => floats(`resid.${layer}`, [count, dim], resid.data)),
    ...Array.from({ length: layers }, (_, layer) => {
      const attentions = float(`attentions.${layer}`, [heads, count, count], async function* () {
        yield bytesOf((await model.attention(trace, layer)).data);
      });
      const maps = effectiveMaps(model.info, layer);
      const mixing = float(`mixing.${layer}`, [maps, count, count], async function* () {
        yield bytesOf((await model.effectiveAttention(trace, layer)).data);
      });
      return [...(hasAttention(model.info, layer) ? [attentions] : []), ...(maps > 0 ? [mixing] : [])];
    }).flat(),
  ];
}

/** A tensor of numbers that are there already. */
export function floats(name: string, shape: readonly number[], data: Float32Array): Entry {
  return float(name, shape, () => once(bytesOf(data)));
}

function float(name: string, shape: readonly number[], pieces: Entry['pieces']): Entry {
  return { name, dtype: 'F32', shape, pieces };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Bytes of float32 values as in memory. The format is little-endian, as is every platform that this runs on. */
function bytesOf(data: Float32Array): Uint8Array {
  if (at(new Uint8Array(Uint16Array.of(1).buffer), 0) !== 1) throw new Error('safetensors cannot be written on a big-endian machine.');
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

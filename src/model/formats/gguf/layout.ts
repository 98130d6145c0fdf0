import { msg } from '../../../core/translatable.ts';
import type { ModelFiles } from '../modelFiles.ts';
import { quoted } from '../modelFiles.ts';
import { EXPERTS_MAX, type Facts } from './facts.ts';
import { ROPE_TENSORS } from './ggufRope.ts';
import { gathered, reshaped, rowCount, rowLength, shifted, sliced, transposed, type Source } from '../source.ts';
import { storedSource } from './storedSource.ts';

/** The tensors that a module may have. */
export type Part = 'weight' | 'bias' | 'scale';

/** Tensors whose names do not end in a part. */
const BARE: ReadonlySet<string> = new Set(['ffn_norm', 'ssm_a', 'ssm_d']);

/** Maps a tensor of the file to one or more of Hugging Face's, by names within the block; `beside` finds others of the block. */
export type Expand = (
  source: Source,
  part: Part,
  beside: (stem: string) => Source | null,
) => readonly (readonly [name: string, source: Source])[];

/**
 * Hugging Face's names for an architecture's tensors in GGUF files. A plain name means the same numbers; ".weight" or ".bias" is
 * appended.
 */
export interface Layout {
  /** Tensors outside the blocks: "token_embd" -> "model.embed_tokens". */
  readonly top: Readonly<Record<string, string | Expand>>;
  /** Prefix of the blocks, such as "model.layers". */
  readonly blocks: string;
  /** Tensors of a block: "attn_q" -> "self_attn.q_proj". */
  readonly block: Readonly<Record<string, string | Expand>>;
  /** Tensors, by Hugging Face's names, whose numbers the file's metadata hold. */
  readonly stated?: ReadonlyMap<string, Source>;
}

/**
 * All tensors under Hugging Face's names. Throws UserError for a tensor that the architecture does not have.
 * Blocks `layers` to `layers + extra` - 1 predict further tokens and are left out.
 */
export function huggingFaceTensors(
  facts: Facts,
  files: ModelFiles,
  { top, blocks, block, stated }: Layout,
  layers: number,
  extra: number,
): ReadonlyMap<string, Source> {
  const found = new Map(stated);
  for (const [name, tensor] of facts.tensors) {
    if (ROPE_TENSORS.some((known) => known === name)) continue;
    const parts = /^(?:blk\.(\d+)\.)?(.+?)(?:\.(weight|bias|scale))?$/.exec(name);
    const [, layer, stem = '', ending] = parts ?? [];
    const part = ending ?? (BARE.has(stem) ? 'weight' : undefined);
    if (layer !== undefined && Number(layer) >= layers && Number(layer) < layers + extra) continue;
    const names = layer === undefined ? top : block;
    const change = Object.hasOwn(names, stem) ? names[stem] : undefined;
    if (change === undefined || !isPart(part) || Number(layer ?? 0) >= layers) {
      return facts.refuse(
        msg`holds tensor ${quoted(name)}, which models of architecture ${facts.architecture} do not have as they are supported`,
      );
    }
    const source = storedSource(files, tensor);
    const prefix = layer === undefined ? '' : `${blocks}.${Number(layer)}.`;
    const beside = (other: string): Source | null => {
      const stored = facts.tensors.get(`blk.${layer}.${other}.${part}`);
      return stored === undefined ? null : storedSource(files, stored);
    };
    const made = typeof change === 'string' ? [[`${change}.${part}`, source] as const] : change(source, part, beside);
    for (const [own, numbers] of made) {
      if (found.has(prefix + own)) facts.refuse(msg`holds the numbers of ${quoted(prefix + own)} twice`);
      found.set(prefix + own, numbers);
    }
  }
  return found;
}

function isPart(name: string | undefined): name is Part {
  return name === 'weight' || name === 'bias' || name === 'scale';
}

/**
 * Restores the order of rows of queries or keys of `heads` heads: Llama's converter pairs neighbouring rows of a head, Hugging Face
 * rows half a head apart.
 */
export function unpermuted(name: string, heads: number, facts: Facts): Expand {
  return (source, part) => {
    const rows = rowCount(source.shape);
    const width = rows / heads;
    if (!Number.isInteger(width / 2))
      facts.refuse(msg`holds queries or keys of ${rows} rows, which are not an even number for each of ${heads} heads`);
    const half = width / 2;
    return [
      [
        `${name}.${part}`,
        gathered(source, (row) => {
          const inHead = row % width;
          return row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
        }),
      ],
    ];
  };
}

/** Splits the rows of one tensor among several, in order. */
export function split(names: readonly (readonly [name: string, rows: number])[], facts: Facts): Expand {
  return (source, part) => {
    const total = names.reduce((sum, [, rows]) => sum + rows, 0);
    if (total !== rowCount(source.shape))
      facts.refuse(msg`holds a tensor of ${rowCount(source.shape)} rows where ${names.map(([name]) => name).join(', ')} have ${total}`);
    let first = 0;
    return names.map(([name, rows]) => {
      const own = [`${name}.${part}`, sliced(source, first, [rows, ...source.shape.slice(1)])] as const;
      first += rows;
      return own;
    });
  };
}

/** Splits a stack of one matrix or vector per expert into separate ones. */
export function experts(name: (expert: number) => string, facts: Facts): Expand {
  return (source, part) => expertsOf(source, facts).map((own, expert) => [`${name(expert)}.${part}`, own] as const);
}

/** What a stack holds of each expert. */
export function expertsOf(source: Source, facts: Facts): readonly Source[] {
  const [count = 0, ...shape] = source.shape;
  if (count > EXPERTS_MAX) facts.refuse(msg`holds ${count} experts in a layer, where at most ${EXPERTS_MAX} are allowed`);
  return Array.from({ length: count }, (_, expert) =>
    shape.length === 1 ? reshaped(sliced(source, expert, [1, ...shape]), shape) : sliced(source, expert * rowCount(shape), shape),
  );
}

/** Gemma's norms: the file holds the weight, Hugging Face the weight minus 1. */
export function fromOne(name: string): Expand {
  return (source, part) => [[`${name}.${part}`, part === 'weight' ? shifted(source, -1) : source]];
}

/** Transposes GPT-2's matrices: [out, in] in the file, [in, out] in Hugging Face's layout. */
export function exchanged(name: string): Expand {
  return (source, part) => [[`${name}.${part}`, part === 'weight' ? transposed(source) : source]];
}

/** The same numbers in another shape with rows as long. */
export function shaped(name: string, shape: (of: readonly number[]) => readonly number[]): Expand {
  return (source, part) => [[`${name}.${part}`, reshaped(source, shape(source.shape))]];
}

/** The same numbers under a name of their own, without "weight" or "bias" behind it. */
export function named(name: string): Expand {
  return (source) => [[name, source]];
}

/** The same numbers as a matrix of one row. */
export function asRow(name: string): Expand {
  return (source, part) => [[`${name}.${part}`, reshaped(source, [1, rowCount(source.shape) * rowLength(source.shape)])]];
}

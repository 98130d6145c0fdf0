import type { ModelInfo } from './trace.ts';

/** A model's own numbers, without what runs it. */
export type ModelFacts = Omit<ModelInfo, 'runtime' | 'threads'>;
export type RuntimeKind = ModelInfo['runtime'];

/** What of a model its need of memory depends on. */
export interface MemoryShape extends Pick<ModelFacts, 'layers' | 'heads' | 'kvHeads' | 'headDim' | 'dim' | 'vocab'> {
  /** Of all weights that are loaded, as they are held: float32, or quantised. An embedding that is not the unembedding too is read by rows. */
  readonly loadedBytes: number;
  /** Of the largest of these weights, as float32. */
  readonly largestBytes: number;
  /** Of these weights as they are stored; of those that stay quantised, as they are held. */
  readonly storedBytes: number;
  /** Of those of them that are made in memory, from quantised ones, as they are held. */
  readonly madeBytes: number;
}

/** A text as long as most that are explained. */
export const TYPICAL_TOKENS = 256;
const MIB = 1024 * 1024;
/** The runtime's code, threads and their stacks, without a model. */
const BASE_BYTES: Readonly<Record<RuntimeKind, number>> = { wasm: 280 * MIB, native: 125 * MIB };
/** Rows of a [rows, vocabulary] table that are computed at once, and how many such tables there are. */
const UNEMBED_ROWS = 64;
const UNEMBED_TABLES = 8;
/** Attention of whole layers that is kept for a change of heads. */
const KEPT_ATTENTION_BYTES = 200 * MIB;
/** Scores, weights and their copy. */
const ATTENTION_TABLES = 3;
/** Garbage and holes between what is in use. */
const SLACK = 1.2;

/**
 * Peak resident memory in bytes of opening a model and explaining `tokens` tokens, of the process or thread in which it runs.
 * Weights are held once, as float32 or quantised, packed for the runtime. Copies of the largest leave their room to the text: in WebAssembly
 * what it is packed from, and where it is stored in 16 bits also that. The native runtime maps weights from their files; those that
 * are made are all there a second time while its one session is made. The constants are measured: test/bench/memory.bench.ts
 * holds the estimate against the peaks of the bundled model and of GPT-2's shape.
 */
export function memoryNeed(shape: MemoryShape, runtime: RuntimeKind, tokens: number): number {
  const { loadedBytes, largestBytes, storedBytes, madeBytes } = shape;
  const copies = (runtime === 'wasm' ? largestBytes : madeBytes) + (storedBytes < loadedBytes ? largestBytes / 2 : 0);
  return BASE_BYTES[runtime] + loadedBytes + Math.max(copies, SLACK * textBytes(shape, tokens));
}

/** What a forward pass over a text keeps, and the largest tables computed from it. */
function textBytes({ layers, heads, kvHeads, headDim, dim, vocab }: MemoryShape, tokens: number): number {
  const trace = tokens * ((layers + 2) * dim + layers * (heads + 2 * kvHeads) * headDim);
  const attention = heads * tokens ** 2;
  const kept = Math.min(layers * attention, KEPT_ATTENTION_BYTES / 4 + attention);
  const unembedding = Math.min(tokens, UNEMBED_ROWS) * vocab * UNEMBED_TABLES;
  return 4 * (trace + kept + Math.max(ATTENTION_TABLES * attention, unembedding));
}

/** Peak memory with a typical text and with one that fills the context, in bytes. */
export interface MemoryNeed {
  readonly typical: number;
  readonly full: number;
}

/** What is known of a model without loading its weights. */
export interface ModelDescription extends ModelFacts {
  /** Of its weights, as stored. */
  readonly bytes: number;
  readonly memory: {
    /** null: more than WebAssembly can address. */
    readonly wasm: MemoryNeed | null;
    readonly native: MemoryNeed;
  };
}

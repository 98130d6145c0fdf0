import type { RuntimeKind } from './runtimeChoice.ts';
import type { ModelInfo } from './trace.ts';

/** The facts of a model itself, without those of the runtime. */
export type ModelFacts = Omit<ModelInfo, 'runtime' | 'threads' | 'nativeFailure' | 'provider'>;

/** Properties of a model that determine its memory use. All bytes are totals over weights. */
export interface MemoryShape extends Pick<ModelFacts, 'layers' | 'heads' | 'kvHeads' | 'headDim' | 'dim' | 'vocab'> {
  /**
   * Bytes of all loaded weights as they are held in memory: float32, or quantised. An untied embedding is not loaded: its rows are
   * read from the file.
   */
  readonly loadedBytes: number;
  /** Numbers that a forward pass keeps of each token besides residuals. Absent: queries, keys and values of layers of one size. */
  readonly keptPerToken?: number;
  /** Bytes of the largest of these weights as float32. */
  readonly largestBytes: number;
  /** Bytes of these weights as stored; for those that stay quantised, as they are held. */
  readonly storedBytes: number;
  /** Bytes, as held, of those among them that are created in memory from quantised data. */
  readonly madeBytes: number;
}

/** A text as long as most that are explained. */
export const TYPICAL_TOKENS = 256;
const MIB = 1024 * 1024;
/** Node, the runtime's code, threads and their stacks, without a model. */
const BASE_BYTES: Readonly<Record<RuntimeKind, number>> = { wasm: 150 * MIB, native: 125 * MIB };
/** Rows of a [rows, vocabulary] table computed at once, and the number of such tables. */
const UNEMBED_ROWS = 64;
const UNEMBED_TABLES = 8;
/**
 * Bytes of cached results for each byte of the model's weights, and the bounds of their total: a small model is not expected to take
 * as much memory as a large one.
 */
const KEPT_PER_WEIGHT = 2;
const LEAST_KEPT_BYTES = 64 * MIB;
const MOST_KEPT_BYTES = 840 * MIB;
/**
 * How the cache is divided: forward passes; traces of a text being generated, which are copies of what its sequence holds; and
 * attention of heads, so that switching heads needs no computation.
 */
export const KEPT_SHARES = { traces: 0.7, generated: 0.1, heads: 0.2 } as const;
/** The most tokens that go through a layer at once: more gain nothing, and take memory for a score of each key. */
export const PIECE_TOKENS = 256;
/** Fewer tokens at once would read the weights more often than they use them. */
export const FEWEST_TOKENS = 32;
/** Bytes of one table of the scores of a layer's heads, which a piece of a long text is cut for: it is gone through several times. */
export const SCORE_BYTES = 12 * MIB;
/** The most sessions that the layers are divided between natively. Each holds on to its tables. */
export const TRUNK_PARTS = 3;
/** [piece, T] tables per head, of all heads of a layer: scores, weights, their copy. The native runtime rounds up to powers of 2. */
const ATTENTION_TABLES: Readonly<Record<RuntimeKind, number>> = { wasm: 3, native: 6 };
/** A layer's keys and values: those before a piece with its own behind them, rounded up as well. */
const KEY_TABLES = 4;
/** Copies of the causal mask: ours and the runtime's. */
const MASKS = 2;
/** Bytes of one such table where the heads of a layer are read, part by part: it and what is made of it stay in a processor's cache. */
export const READING_BYTES = 6 * MIB;
/** [T, T] tables of the one head whose map is asked for, besides the map that is kept. */
const MAP_TABLES = 2;
/** Factor for garbage and fragmentation in the one memory of WebAssembly, which does not shrink. */
const SLACK = 1.2;

/**
 * Peak resident memory in bytes of opening a model and explaining `tokens` tokens, of the process or thread in which it runs.
 * Weights are held once, as float32 or quantised, packed for the runtime or, natively, where their file is mapped. Temporary copies of
 * the largest weight are freed before the text needs the room: in WebAssembly the unpacked weight, and its 16-bit form if it is stored
 * so. Natively weights that are created in memory exist twice while their one session is created. The constants are measured:
 * test/bench/memory.bench.ts holds the estimate against the peaks of the bundled model and of GPT-2's shape.
 */
export function memoryNeed(shape: MemoryShape, runtime: RuntimeKind, tokens: number): number {
  const { loadedBytes, largestBytes, storedBytes, madeBytes } = shape;
  const copies = (runtime === 'wasm' ? largestBytes / 2 : madeBytes) + (storedBytes < loadedBytes ? largestBytes / 2 : 0);
  return BASE_BYTES[runtime] + loadedBytes + Math.max(copies, textBytes(shape, runtime, tokens));
}

/**
 * Bytes that a forward pass over a text keeps, and those of the tables computed from it. In WebAssembly one follows the other in the same
 * memory; natively each session holds on to its own. All but the one head's map grow with T, not with its square.
 */
function textBytes(
  { layers, heads, kvHeads, headDim, dim, vocab, loadedBytes, keptPerToken }: MemoryShape,
  runtime: RuntimeKind,
  tokens: number,
): number {
  const trace = tokens * ((layers + 2) * dim + (keptPerToken ?? layers * (heads + 2 * kvHeads) * headDim));
  const kept = Math.min(layers * heads * tokens ** 2, (KEPT_SHARES.heads * keptBytes(loadedBytes)) / 4 + tokens ** 2);
  const piece = Math.min(Math.min(tokens, PIECE_TOKENS) * tokens, Math.max(SCORE_BYTES / (4 * heads), FEWEST_TOKENS * tokens));
  const sessions = runtime === 'wasm' ? 1 : Math.min(layers, TRUNK_PARTS);
  const tables = [
    sessions * ((ATTENTION_TABLES[runtime] * heads + MASKS) * piece + KEY_TABLES * kvHeads * headDim * tokens),
    Math.min(tokens, UNEMBED_ROWS) * vocab * UNEMBED_TABLES,
    ATTENTION_TABLES[runtime] * Math.min(heads * tokens ** 2, READING_BYTES / 4),
    MAP_TABLES * tokens ** 2,
  ];
  return runtime === 'wasm'
    ? 4 * SLACK * (trace + kept + Math.max(...tables))
    : 4 * (trace + kept + tables.reduce((sum, numbers) => sum + numbers, 0));
}

/** Bytes of cached results of texts already read, for a model whose weights take `weightBytes`. */
export function keptBytes(weightBytes: number): number {
  return Math.max(LEAST_KEPT_BYTES, Math.min(KEPT_PER_WEIGHT * weightBytes, MOST_KEPT_BYTES));
}

/** Usable memory of WebAssembly: of its 4 GiB the last part is seldom available in one piece. */
export const WASM_MAX_BYTES = 3.8e9;

/** The most tokens, up to `most`, of a text whose explanation needs at most `bytes`; 0 where not even one does. */
export function tokensThatFit(shape: MemoryShape, runtime: RuntimeKind, bytes: number, most: number): number {
  let [fits, tooMany] = [0, most + 1];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (memoryNeed(shape, runtime, middle) <= bytes) fits = middle;
    else tooMany = middle;
  }
  return fits;
}

/** Peak memory with a typical text and with one that fills the context, in bytes. */
export interface MemoryNeed {
  readonly typical: number;
  readonly full: number;
}

/** Everything known about a model without loading its weights. */
export interface ModelDescription extends ModelFacts {
  /** Bytes of its weights as stored. */
  readonly bytes: number;
  readonly memory: {
    /** null: more than WebAssembly can address. */
    readonly wasm: MemoryNeed | null;
    readonly native: MemoryNeed;
  };
}

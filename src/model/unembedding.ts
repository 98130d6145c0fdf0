import { UserError } from '../core/errors.ts';
import { tensor, type Tensor } from '../core/tensor.ts';
import type { DecoderSpec } from './families/spec.ts';
import type { UnembedOutput } from './graph/unembed.ts';
import type { LanguageModel } from './languageModel.ts';
import type { Feed, Session } from './runtime.ts';

/** Next-token statistics of N rows, over the whole vocabulary. */
export interface UnembedStats {
  /** [N, K] ids, best first. */
  readonly topIds: Int32Array;
  /** [N, K] */
  readonly topLogits: Float32Array;
  /** [N] natural log of the sum of exponentials: a log-probability is a logit less this. */
  readonly logSumExp: Float32Array;
  /** [N] */
  readonly entropyBits: Float32Array;
  /** [N] logit of the row's target. */
  readonly targetLogit: Float32Array;
  /** [N] 1 = no logit is larger than the target's. */
  readonly targetRank: Int32Array;
}

/** Rows per run: bounds the memory of [rows, vocabulary] tables. */
const CHUNK_ROWS = 64;
const STATS = ['topIds', 'topLogits', 'logSumExp', 'entropyBits', 'targetLogit', 'targetRank'] as const;

type Outputs<Name extends UnembedOutput> = Record<Name, Float32Array | Int32Array>;

/** The calls of a model that turn residual rows into next-token distributions, in chunks of rows. */
export function openUnembedding(spec: DecoderSpec, session: () => Promise<Session>): Pick<LanguageModel, 'unembed' | 'lens' | 'logits'> {
  const { dim, vocab } = spec;
  /** Outputs of each chunk, all rows in order joined. Without `final` no divergence is asked for, and one row stands in. */
  const run = async <Name extends UnembedOutput>(rows: Tensor, final: Tensor | null, topK: number, targets: Int32Array, names: readonly Name[]): Promise<Outputs<Name>> => {
    const [count = 0] = rows.dims;
    if (targets.length !== count || targets.some((id) => id < 0 || id >= vocab)) throw new RangeError('There must be one target of the vocabulary per row.');
    if (final !== null && final.data.length !== rows.data.length) throw new RangeError('There must be as many final rows as rows.');
    const unembed = await session();
    const parts: Outputs<Name>[] = [];
    for (let from = 0; from < count; from += CHUNK_ROWS) {
      const to = Math.min(from + CHUNK_ROWS, count);
      parts.push(await unembed.run({
        rows: rowsOf(rows, from, to, dim),
        final: final === null ? rowsOf(rows, from, from + 1, dim) : rowsOf(final, from, to, dim),
        targets: { dims: [to - from, 1], data: BigInt64Array.from(targets.subarray(from, to), BigInt) },
        topK: { dims: [1], data: BigInt64Array.of(BigInt(Math.min(topK, vocab))) },
      }, names));
    }
    return Object.fromEntries(names.map((name) => [name, join(parts.map((part) => part[name]))])) as Outputs<Name>;
  };
  return {
    unembed: async (rows, topK, targets) => statsOf(await run(rows, null, topK, targets, STATS)),
    lens: async (rows, final, topK, targets) => {
      const found = await run(rows, final, topK, targets, [...STATS, 'klBits']);
      // Rounding can leave a divergence of nearly equal rows a hair below 0, which it never is.
      return { ...statsOf(found), klBits: Float32Array.from(found.klBits, (bits) => Math.max(bits, 0)) };
    },
    logits: async (rows) => {
      const [count = 0] = rows.dims;
      const { logits, logSumExp } = await run(rows, null, 1, new Int32Array(count), ['logits', 'logSumExp']);
      checkFinite(logSumExp);
      return tensor([count, vocab], floatsOf(logits));
    },
  };
}

/** A sum of exponentials is finite exactly where all logits are. */
function checkFinite(logSumExp: Float32Array | Int32Array): void {
  if (!logSumExp.every(Number.isFinite)) throw new UserError("The model's logits are not finite: its final norm or unembedding is damaged.");
}

function statsOf(found: Outputs<(typeof STATS)[number]>): UnembedStats {
  checkFinite(found.logSumExp);
  return {
    topIds: intsOf(found.topIds),
    topLogits: floatsOf(found.topLogits),
    logSumExp: floatsOf(found.logSumExp),
    entropyBits: floatsOf(found.entropyBits),
    targetLogit: floatsOf(found.targetLogit),
    targetRank: intsOf(found.targetRank),
  };
}

function rowsOf(rows: Tensor, from: number, to: number, dim: number): Feed {
  return { dims: [to - from, dim], data: rows.data.subarray(from * dim, to * dim) };
}

/** All numbers of one output, chunk after chunk. Rounding and types are those of the chunks. */
function join(parts: readonly (Float32Array | Int32Array)[]): Float32Array | Int32Array {
  const [first = new Float32Array(0)] = parts;
  if (parts.length <= 1) return first;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = first instanceof Float32Array ? new Float32Array(length) : new Int32Array(length);
  let position = 0;
  for (const part of parts) {
    joined.set(part, position);
    position += part.length;
  }
  return joined;
}

function floatsOf(data: Float32Array | Int32Array): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

function intsOf(data: Float32Array | Int32Array): Int32Array {
  return data instanceof Int32Array ? data : Int32Array.from(data);
}

import { UserError } from '../core/errors.ts';
import { tensor, type Tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { DecoderSpec } from './families/spec.ts';
import type { UnembedOutput } from './graph/unembed.ts';
import type { LanguageModel } from './languageModel.ts';
import type { Session } from './runtime.ts';

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
/** Numbers of the final distribution kept from one lens call to the next: 256 MB. A longer text computes them anew each time. */
const MAX_KEPT_FINAL = 64 * 1024 * 1024;
const STATS = ['topIds', 'topLogits', 'logSumExp', 'entropyBits', 'targetLogit', 'targetRank'] as const;

type Outputs<Name extends UnembedOutput> = Record<Name, Float32Array | Int32Array>;
/** What the divergence needs of the final distribution, for one chunk of rows. */
type Final = Outputs<'exponentials' | 'exponentialSum' | 'entropyBits'>;

/** The calls of a model that turn residual rows into next-token distributions, in chunks of rows. */
export function openUnembedding(spec: DecoderSpec, session: () => Promise<Session>): Pick<LanguageModel, 'unembed' | 'lens' | 'logits'> {
  const { dim, vocab } = spec;
  const runChunk = async <Name extends UnembedOutput>(
    { rows, from, to }: Chunk, topK: number, targets: Int32Array, final: Final | null, names: readonly Name[],
  ): Promise<Outputs<Name>> => {
    // The runtime cannot sum over no rows: where no divergence is asked for, one row of zeros stands in.
    const finalRows = final === null ? 1 : to - from;
    return (await session()).run({
      rows: { dims: [to - from, dim], data: rows.data.subarray(from * dim, to * dim) },
      targets: { dims: [to - from, 1], data: BigInt64Array.from(targets.subarray(from, to), BigInt) },
      topK: { dims: [1], data: BigInt64Array.of(BigInt(Math.min(topK, vocab))) },
      finalExponentials: { dims: [finalRows, vocab], data: final === null ? new Float32Array(vocab) : floatsOf(final.exponentials) },
      finalSum: { dims: [finalRows, 1], data: final === null ? Float32Array.of(1) : floatsOf(final.exponentialSum) },
      finalEntropyBits: { dims: [finalRows, 1], data: final === null ? Float32Array.of(0) : floatsOf(final.entropyBits) },
    }, names);
  };
  const checkTargets = (rows: Tensor, targets: Int32Array): void => {
    if (targets.length !== rows.dims[0] || targets.some((id) => id < 0 || id >= vocab)) throw new RangeError('There must be one target of the vocabulary per row.');
  };

  // The final distribution of the rows last asked about: the lens of every layer compares with the same one.
  let kept: { readonly final: Tensor; readonly chunks: Map<number, Final> } | null = null;
  const finalOf = async (final: Tensor, { from, to }: Chunk): Promise<Final> => {
    if (kept?.final !== final) kept = { final, chunks: new Map() };
    const { chunks } = kept;
    const known = chunks.get(from);
    if (known !== undefined) return known;
    const computed = await runChunk({ rows: final, from, to }, 1, new Int32Array(to), null, ['exponentials', 'exponentialSum', 'entropyBits']);
    if ((final.dims[0] ?? 0) * vocab <= MAX_KEPT_FINAL) chunks.set(from, computed);
    return computed;
  };

  return {
    unembed: async (rows, topK, targets) => {
      checkTargets(rows, targets);
      return statsOf(join(await inChunks(rows, (chunk) => runChunk(chunk, topK, targets, null, STATS)), STATS));
    },
    lens: async (rows, final, topK, targets) => {
      checkTargets(rows, targets);
      if (final.data.length !== rows.data.length) throw new RangeError('There must be as many final rows as rows.');
      const names = [...STATS, 'klBits'] as const;
      const found = join(await inChunks(rows, async (chunk) => runChunk(chunk, topK, targets, await finalOf(final, chunk), names)), names);
      // Rounding can leave a divergence of nearly equal rows a hair below 0, which it never is.
      return { ...statsOf(found), klBits: Float32Array.from(found.klBits, (bits) => Math.max(bits, 0)) };
    },
    logits: async (rows) => {
      const names = ['logits', 'logSumExp'] as const;
      const { logits, logSumExp } = join(await inChunks(rows, (chunk) => runChunk(chunk, 1, new Int32Array(chunk.to), null, names)), names);
      checkFinite(logSumExp);
      return tensor([rows.dims[0] ?? 0, vocab], floatsOf(logits));
    },
  };
}

/** Rows `from` up to, not including, `to`. */
interface Chunk {
  readonly rows: Tensor;
  readonly from: number;
  readonly to: number;
}

async function inChunks<Result>(rows: Tensor, run: (chunk: Chunk) => Promise<Result>): Promise<readonly Result[]> {
  const [count = 0] = rows.dims;
  const results: Result[] = [];
  for (let from = 0; from < count; from += CHUNK_ROWS) results.push(await run({ rows, from, to: Math.min(from + CHUNK_ROWS, count) }));
  return results;
}

/** A sum of exponentials is finite exactly where all logits are. */
function checkFinite(logSumExp: Float32Array | Int32Array): void {
  if (!logSumExp.every(Number.isFinite)) throw new UserError(msg`The model's logits are not finite: its final norm or unembedding is damaged.`);
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

/** Each output's numbers, chunk after chunk. */
function join<Name extends UnembedOutput>(parts: readonly Outputs<Name>[], names: readonly Name[]): Outputs<Name> {
  return Object.fromEntries(names.map((name) => [name, concatenate(parts.map((part) => part[name]))])) as Outputs<Name>;
}

function concatenate(parts: readonly (Float32Array | Int32Array)[]): Float32Array | Int32Array {
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

import { UserError } from '../../core/errors.ts';
import { tensor, type Tensor } from '../../core/tensor.ts';
import { msg } from '../../core/translatable.ts';
import { carriedWidth, type DecoderSpec } from '../families/spec.ts';
import type { UnembedOutput } from '../graph/unembed.ts';
import type { Session } from './runtime.ts';

/** Next-token statistics of N rows, over the whole vocabulary. */
export interface UnembedStats {
  /** [N, K] ids, best first. */
  readonly topIds: Int32Array;
  /** [N, K] */
  readonly topLogits: Float32Array;
  /** [N] natural log of the sum of exponentials: a log-probability is a logit minus this. */
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
/**
 * Most bytes of the final distribution kept between lens calls, as a fraction of the model's weights, and bounds of that.
 * The rows asked about last stay, whatever they take.
 */
const KEPT_PER_WEIGHT = 0.5;
const LEAST_KEPT_BYTES = 16 * 1024 * 1024;
const MOST_KEPT_BYTES = 256 * 1024 * 1024;
const STATS = ['topIds', 'topLogits', 'logSumExp', 'entropyBits', 'targetLogit', 'targetRank'] as const;

type Outputs<Name extends UnembedOutput> = Record<Name, Float32Array | Int32Array>;
/** The values of the final distribution that the divergence needs, for one chunk of rows. */
type Final = Outputs<'exponentials' | 'exponentialSum' | 'entropyBits'>;

/** Calls that turn a model's residual rows [N, D], or of n streams all [N, n * D], into next-token distributions. */
export interface UnembedCalls {
  /** Next-token statistics of residual rows [N, D], before the final norm; `targets` [N] ids. */
  unembed(rows: Tensor, topK: number, targets: Int32Array): Promise<UnembedStats>;
  /**
   * The same, and KL(final || rows) in bits. `rows` [L * M, D] are L layers one after another, and `final` [M, D] the last layer's rows at
   * the same positions: a view of the same array each time, as what it gives is kept. `checkpoint` is awaited between parts.
   */
  lens(
    rows: Tensor,
    final: Tensor,
    topK: number,
    targets: Int32Array,
    checkpoint?: () => Promise<void>,
  ): Promise<UnembedStats & { readonly klBits: Float32Array }>;
  /** Logits [N, V] of residual rows [N, D], before the final norm. */
  logits(rows: Tensor): Promise<Tensor>;
  /** The same before a final soft cap. */
  uncappedLogits(rows: Tensor): Promise<Tensor>;
}

/** The unembedding calls of one model, which process rows in chunks. */
export function openUnembedding(spec: DecoderSpec, session: () => Promise<Session>, weightBytes: number): UnembedCalls {
  const { vocab } = spec;
  const dim = carriedWidth(spec);
  const keptBytes = Math.max(LEAST_KEPT_BYTES, Math.min(KEPT_PER_WEIGHT * weightBytes, MOST_KEPT_BYTES));
  const runChunk = async <Name extends UnembedOutput>(
    { rows, from, to }: Chunk,
    topK: number,
    targets: Int32Array,
    final: Final | null,
    names: readonly Name[],
  ): Promise<Outputs<Name>> => {
    // The runtime cannot sum over zero rows: where no divergence is requested, one row of zeros is passed.
    const finalRows = final === null ? 1 : to - from;
    return (await session()).run(
      {
        rows: { dims: [to - from, dim], data: rows.data.subarray(from * dim, to * dim) },
        targets: { dims: [to - from, 1], data: BigInt64Array.from(targets.subarray(from, to), BigInt) },
        topK: { dims: [1], data: BigInt64Array.of(BigInt(Math.min(topK, vocab))) },
        finalExponentials: { dims: [finalRows, vocab], data: final === null ? new Float32Array(vocab) : floatsOf(final.exponentials) },
        finalSum: { dims: [finalRows, 1], data: final === null ? Float32Array.of(1) : floatsOf(final.exponentialSum) },
        finalEntropyBits: { dims: [finalRows, 1], data: final === null ? Float32Array.of(0) : floatsOf(final.entropyBits) },
      },
      names,
    );
  };
  const checkTargets = (rows: Tensor, targets: Int32Array): void => {
    if (targets.length !== rows.dims[0] || targets.some((id) => id < 0 || id >= vocab))
      throw new RangeError('There must be one target of the vocabulary per row.');
  };

  const logitsOf = async (rows: Tensor, name: 'logits' | 'uncapped'): Promise<Tensor> => {
    const names = [name, 'logSumExp'] as const;
    const found = join(await inChunks(rows, (chunk) => runChunk(chunk, 1, new Int32Array(chunk.to), null, names)), names);
    checkFinite(found.logSumExp);
    return tensor([rows.dims[0] ?? 0, vocab], floatsOf(found[name]));
  };

  // Final distributions of the text last asked about, by their rows: the lens of every layer compares with the same ones.
  let kept: { readonly text: ArrayBufferLike; readonly finals: Map<string, Final> } | null = null;
  const finalOf = async (final: Tensor, from: number, to: number): Promise<Final> => {
    const { buffer: text, byteOffset } = final.data;
    if (kept?.text !== text) kept = { text, finals: new Map() };
    const { finals } = kept;
    const key = `${byteOffset} ${from} ${to}`;
    const names = ['exponentials', 'exponentialSum', 'entropyBits'] as const;
    const found = finals.get(key) ?? (await runChunk({ rows: final, from, to }, 1, new Int32Array(to), null, names));
    finals.delete(key);
    finals.set(key, found);
    let bytes = 0;
    for (const { exponentials } of finals.values()) bytes += exponentials.byteLength;
    for (const [old, { exponentials }] of finals) {
      if (bytes <= keptBytes || old === key) break;
      finals.delete(old);
      bytes -= exponentials.byteLength;
    }
    return found;
  };

  return {
    unembed: async (rows, topK, targets) => {
      checkTargets(rows, targets);
      return statsOf(join(await inChunks(rows, (chunk) => runChunk(chunk, topK, targets, null, STATS)), STATS));
    },
    lens: async (rows, final, topK, targets, checkpoint) => {
      checkTargets(rows, targets);
      const [count = 0, positions = 0] = [rows.dims[0], final.dims[0]];
      if (count === 0 || count % positions !== 0) throw new RangeError('There must be as many final rows as rows of each layer.');
      const names = [...STATS, 'klBits'] as const;
      const parts: Outputs<(typeof names)[number]>[] = [];
      for (let from = 0, to = 0; from < count; from = to) {
        // Whole layers where several are run at once, else a part of one.
        const position = from % positions;
        const layers = Math.max(1, Math.min(Math.floor(CHUNK_ROWS / positions), (count - from) / positions));
        const rowsOfEach = Math.min(CHUNK_ROWS, positions - position);
        to = from + layers * rowsOfEach;
        await checkpoint?.();
        const finals = repeated(await finalOf(final, position, position + rowsOfEach), layers);
        parts.push(await runChunk({ rows, from, to }, topK, targets, finals, names));
      }
      const found = join(parts, names);
      // Rounding can leave a divergence of nearly equal rows slightly below 0.
      return { ...statsOf(found), klBits: Float32Array.from(found.klBits, (bits) => Math.max(bits, 0)) };
    },
    logits: (rows) => logitsOf(rows, 'logits'),
    uncappedLogits: (rows) => logitsOf(rows, spec.logitCap === null ? 'logits' : 'uncapped'),
  };
}

/** Rows `from` to `to` - 1. */
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

/** Throws for logits that are not finite: their sum of exponentials is finite exactly where all of them are. */
function checkFinite(logSumExp: Float32Array | Int32Array): void {
  if (!logSumExp.every(Number.isFinite))
    throw new UserError(msg`The model's logits are not finite: its final norm or unembedding is damaged.`);
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

/** The final distributions of some positions, for each of so many layers. */
function repeated(final: Final, layers: number): Final {
  if (layers === 1) return final;
  const copies = Array.from({ length: layers }, () => final);
  return join(copies, ['exponentials', 'exponentialSum', 'entropyBits']);
}

/** Concatenates the chunks of each output. */
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

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ATTRIBUTION_METHODS } from '../../src/core/attribution.ts';
import { CancelledError } from '../../src/core/errors.ts';
import { runOf, startOf, UNCHANGED, type Run } from '../../src/core/run.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { askAllHeads } from '../allHeads.ts';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { lensPieces } from '../../webview/figures/lensGrid.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { childrenOf, median, processorMs, record } from './report.ts';
import { BUNDLED, ROOT, benchText, type BenchText } from './text.ts';

/** Longest time between Cancel and the next request's start. */
const MOST_MS = 300;
const MOMENTS = Number(process.env['BENCH_MOMENTS'] ?? 20);
/** Part of the names of the work that is cancelled: all without it. */
const ONLY = process.env['BENCH_WORK'] ?? '';
/** Longest work that is waited for. */
const LONGEST_MS = 10_000;
/** Moments at which work on one text is cancelled, before another is taken: what is done of it stays known. */
const PER_TEXT = 5;

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-cancel-'));
const folder = join(scratch, 'gpt2');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What is cancelled: long work on a text that was explained before, or the explanation itself. */
interface Work {
  readonly name: string;
  /** Whether the work begins with a text that nobody has read. */
  readonly reads: boolean;
  readonly start: (connection: Connection<WorkerApi>, read: Reading) => Promise<unknown>;
}

interface Reading {
  readonly text: string;
  readonly run: Run;
  readonly model: Explanation['model'] | null;
}

/** A logit of the text's last position less another's: two that differ each time, so that no answer is known. */
let question = 0;
const logitOf = ({ length }: Int32Array) => ({ position: length - 1, token: 2 + (question += 2), rival: 1 + question });

const SAMPLING = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const WORKS: readonly Work[] = [
  { name: 'explain', reads: true, start: ({ remote }, { text }) => remote.explain({ text, topK: 10 }) },
  {
    name: 'first step of a generation',
    reads: true,
    start: ({ remote }, { run }) =>
      remote.ask(startOf(run, run.ids.length - 8), 'step', { continuation: [], sampling: SAMPLING, seed: 1, topK: 10, attention: true }),
  },
  {
    name: 'steps of a generation',
    reads: false,
    start: async ({ remote }, { run }) => {
      const continuation = [...run.ids.subarray(0, 32)];
      for (let n = 0; n < 20; n++) {
        const { steps } = await remote.ask(runOf(run.ids.slice(0, run.ids.length - 200), UNCHANGED), 'steps', {
          continuation,
          sampling: SAMPLING,
          seed: 1,
          topK: 10,
          pastEnd: true,
          most: 64,
        });
        continuation.push(...steps.map(({ id }) => id));
      }
    },
  },
  {
    name: 'all heads',
    reads: false,
    start: ({ remote }, { run, model }) => (model === null ? Promise.reject(new Error('no model')) : askAllHeads(remote, run, model)),
  },
  {
    name: 'whole lens',
    reads: false,
    start: async ({ remote }, { run, model }) => {
      const layers = (model?.layers ?? 0) + 1;
      for (const piece of lensPieces({ layer: 0, layerEnd: layers, position: 0, positionEnd: run.ids.length }, layers, run.ids.length))
        await remote.ask(run, 'lens', piece);
    },
  },
  {
    name: 'projections',
    reads: false,
    start: async ({ remote }, { run, model }) => {
      for (let layer = 0; layer <= (model?.layers ?? 0); layer++) await remote.ask(run, 'projection', { layer, skipFirst: true });
    },
  },
  {
    name: 'similarity',
    reads: false,
    start: async ({ remote }, { run, model }) => {
      for (let layer = 0; layer <= (model?.layers ?? 0); layer++) await remote.ask(run, 'similarity', { layer, frame: 'centred' });
    },
  },
  {
    name: 'maps of heads',
    reads: false,
    start: async ({ remote }, { run, model }) => {
      for (let head = 0; head < (model?.heads ?? 0); head++) await remote.ask(run, 'attention', { layer: 3, head });
    },
  },
  {
    name: 'scores on repeated tokens',
    reads: false,
    start: async ({ remote }, { run }) => {
      for (let sequence = 0; sequence < 4; sequence++) await remote.ask(run, 'repeatedHeads', { sequence });
    },
  },
  ...ATTRIBUTION_METHODS.map((method): Work => ({
    name: `attribution: ${method}`,
    reads: false,
    start: ({ remote }, { run }) => remote.ask(run, 'attribution', { ...logitOf(run.ids), method }),
  })),
  {
    name: 'words left out, in turns',
    reads: false,
    start: async ({ remote }, { run }) => {
      const asked = { ...logitOf(run.ids), method: 'hidden' } as const;
      for (let first = 0; first < run.ids.length;) {
        const units = Array.from({ length: Math.min(64, run.ids.length - first) }, (_, index) => ({
          first: first + index,
          end: first + index + 1,
        }));
        first += (await remote.ask(run, 'leftOut', { ...asked, units })).values.length;
      }
    },
  },
  {
    name: 'deletion curve',
    reads: false,
    start: ({ remote }, { run }) => {
      const { position, token } = logitOf(run.ids);
      const words = Array.from({ length: run.ids.length }, (_, word) => [(word * 7 + token) % run.ids.length]);
      return remote.ask(run, 'deletion', { position, token, words });
    },
  },
];

const CASES = [
  { model: 'GPT-2 124M shape', runtime: 'native', tokens: 256 },
  { model: 'GPT-2 124M shape', runtime: 'native', tokens: 1024 },
  { model: 'GPT-2 124M shape', runtime: 'wasm', tokens: 256 },
  { model: 'bundled, 9M', runtime: 'native', tokens: BUNDLED_CONTEXT },
  { model: 'bundled, 9M', runtime: 'wasm', tokens: BUNDLED_CONTEXT },
] as const;

test.each(CASES)(
  'the next request after Cancel, $model, $runtime, $tokens tokens',
  { timeout: 3_600_000 },
  async ({ model, runtime, tokens }) => {
    const isBundled = model.startsWith('bundled');
    if (!isBundled && !existsSync(folder)) writeRandomGpt2(folder, BUNDLED);
    const text = await benchText();
    const connection = connect<WorkerApi>(startNodeWorker(join(ROOT, 'dist'), { runtime, nativeFolder: join(ROOT, 'test/native') }));
    try {
      await connection.remote.open({ kind: 'folder', name: 'model', path: isBundled ? BUNDLED : folder });
      await connection.remote.explain({ text: 'x', topK: 10 });
      for (const work of WORKS.filter(({ name }) => name.includes(ONLY))) {
        const waits = await waitsAfterCancel(connection, work, tokens, text);
        const most = (of: (wait: Wait) => number): number => Math.max(...waits.map(of));
        record('cancel', {
          work: work.name,
          model,
          runtime,
          tokens,
          'next request starts after ms, median': median(waits.map(({ started }) => started)),
          'at most': most(({ started }) => started),
          'processor ms until then, at most': most(({ processor }) => processor),
          'its answer comes after ms, at most': most(({ answered }) => answered),
          cancelled: waits.length,
        });
        // A busy machine makes everybody wait; the processor time of all threads is what it would take at most alone.
        expect
          .soft(
            most(({ started, processor }) => Math.min(started, processor)),
            `${work.name}, ${model}, ${runtime}, ${tokens} tokens`,
          )
          .toBeLessThan(MOST_MS);
      }
    } finally {
      await connection.dispose();
    }
  },
);

interface Wait {
  /** Time from Cancel until the next request has begun and until it is answered, in ms. */
  readonly started: number;
  readonly answered: number;
  /** Processor time of the worker, of all threads, from Cancel until the next request has begun, in ms. */
  readonly processor: number;
}

/** Cancels the work at random moments of the time that it takes when nothing stops it. */
async function waitsAfterCancel(connection: Connection<WorkerApi>, work: Work, tokens: number, text: BenchText): Promise<readonly Wait[]> {
  const whole = await read(connection, work, tokens, text);
  const duration = await durationOf(connection, work, whole);
  const waits: Wait[] = [];
  let random = 1;
  let reading = whole;
  for (let moment = 0; moment < MOMENTS; moment++) {
    if (work.reads || moment % PER_TEXT === 0) reading = await read(connection, work, tokens, text);
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const running = work.start(connection, reading).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, (0.02 + 0.9 * (random / 2 ** 32)) * duration));
    const cancelledAt = performance.now();
    connection.cancel();
    const wait = await nextRequest(connection, cancelledAt);
    // What was done before Cancel came is nothing that was cancelled.
    if ((await running) instanceof CancelledError) waits.push(wait);
  }
  return waits;
}

/** Time of the work, in ms; of work that takes minutes, such as a run for every token, a part of it. */
async function durationOf(connection: Connection<WorkerApi>, work: Work, reading: Reading): Promise<number> {
  const begun = performance.now();
  const timer = setTimeout(() => connection.cancel(), LONGEST_MS);
  await work.start(connection, reading).catch((error: unknown) => {
    if (!(error instanceof CancelledError)) throw error;
  });
  clearTimeout(timer);
  return performance.now() - begun;
}

let variant = 0;

/** A text that no request has read, explained first unless the work is to read it. */
async function read({ remote }: Connection<WorkerApi>, { reads }: Work, tokens: number, text: BenchText): Promise<Reading> {
  const own = variant++ % 60;
  const fresh = text.part(tokens, own);
  const run = runOf(text.ids(tokens, own), UNCHANGED);
  // The texts come round again: then they are new by what stands before them.
  if (reads) return { text: `${variant} ${fresh}`, run: runOf([variant % 10_000, ...run.ids.slice(1)], UNCHANGED), model: null };
  const { model } = await remote.explain({ text: fresh, topK: 10 });
  return { text: fresh, run, model };
}

/** Times, from `since`, the begin and the answer of a request for a text of a few tokens. */
async function nextRequest({ remote, onProgress }: Connection<WorkerApi>, since: number): Promise<Wait> {
  let started = Number.NaN;
  const [pid = 0] = childrenOf(process.pid);
  const before = processorMs(pid);
  let processor = Number.NaN;
  const stop = onProgress(({ tokens }) => {
    if (tokens === undefined || !Number.isNaN(started)) return;
    started = performance.now() - since;
    processor = processorMs(pid) - before;
  });
  await remote.explain({ text: `Next ${variant} ${since}`, topK: 10 });
  stop();
  return { started, processor, answered: performance.now() - since };
}

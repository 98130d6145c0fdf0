import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, expect, test } from 'vitest';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import { askAllHeads } from '../allHeads.ts';
import { BUNDLED, ROOT, benchText, type BenchText } from './text.ts';
import { childrenMegabytes, median, ownMegabytes, record } from './report.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { lensPieces, type LensPiece } from '../../webview/figures/lensGrid.ts';

const DIST = join(ROOT, 'dist');
const NATIVE = join(ROOT, 'test/native');
const REPEATS = 3;
/** Columns that a panel 1,400 pixels wide draws of the lens. */
const LENS_COLUMNS = 19;

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-bench-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const MODELS = [
  { name: 'bundled', folder: BUNDLED, sizes: [16, 64, 256, BUNDLED_CONTEXT], prepare: () => undefined },
  {
    name: 'GPT-2 124M shape',
    folder: join(scratch, 'gpt2'),
    sizes: [16, 64, 256, 1024],
    prepare: (folder: string) => writeRandomGpt2(folder, BUNDLED),
  },
] as const;

const CASES = MODELS.flatMap((model) => (['wasm', 'native'] as const).map((runtime) => ({ ...model, runtime })));

test.each(CASES)('$name, $runtime', { timeout: 1_800_000 }, async ({ name, folder, sizes, prepare, runtime }) => {
  const prepared = await folderFiles(folder).catch(() => null);
  if (prepared === null) prepare(folder);
  const text = await benchText();
  const startMegabytes = ownMegabytes();
  const start = performance.now();
  const connection = connect<WorkerApi>(startNodeWorker(DIST, { runtime, nativeFolder: NATIVE }));
  try {
    await connection.remote.open({ kind: 'folder', name, path: folder });
    const opened = performance.now() - start;
    await connection.remote.explain({ text: 'x', topK: 10 });
    const ready = performance.now() - start;
    for (const size of sizes) await measure(connection, { name, runtime, size, text, opened, ready, startMegabytes });
  } finally {
    await connection.dispose();
  }
});

interface Measured {
  readonly name: string;
  readonly runtime: string;
  readonly size: number;
  readonly text: BenchText;
  readonly opened: number;
  readonly ready: number;
  readonly startMegabytes: number;
}

/** Measures the panel's questions about one text; each repetition takes another text, so that nothing is cached. */
async function measure(
  { remote }: Connection<WorkerApi>,
  { name, runtime, size, text, opened, ready, startMegabytes }: Measured,
): Promise<void> {
  const samples: Record<string, number>[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const times: Record<string, number> = {};
    const timed = async <T>(label: string, call: () => Promise<T>): Promise<T> => {
      const begin = performance.now();
      const result = await call();
      times[label] = (times[label] ?? 0) + performance.now() - begin;
      return result;
    };
    const explanation = await timed('explain', () => remote.explain({ text: text.part(size, repeat), topK: 10 }));
    expect(explanation.tokens.length).toBe(size);
    const ids = Int32Array.from(explanation.tokens, (token) => token.id);
    const { layers } = explanation.model;
    await timed('heads', () => askAllHeads(remote, explanation.run, explanation.model));
    await timed('again', () => remote.explain({ text: text.part(size, repeat), topK: 10 }));
    await timed('pca', () => remote.ask(runOf(ids, UNCHANGED), 'projection', { layer: layers, skipFirst: true }));
    // The pieces of a panel 1,400 pixels wide, and all of them, as when the table is saved.
    const pieces = (positionEnd: number): readonly LensPiece[] =>
      lensPieces({ layer: 0, layerEnd: layers + 1, position: 0, positionEnd }, layers + 1, size);
    for (const piece of pieces(LENS_COLUMNS)) await timed('lensWindow', () => remote.ask(runOf(ids, UNCHANGED), 'lens', piece));
    times['lens'] = times['lensWindow'] ?? 0;
    for (const piece of pieces(size)) await timed('lens', () => remote.ask(runOf(ids, UNCHANGED), 'lens', piece));
    await timed('head', () => remote.ask(runOf(ids, UNCHANGED), 'attention', { layer: Math.floor(layers / 2), head: 0 }));
    // The first path through a layer loads its weights once more; later ones are what a user notices at each token and number.
    await remote.ask(runOf(ids, UNCHANGED), 'forwardPath', { token: size - 1, layer: Math.floor(layers / 2), head: 0, expert: 0 });
    await timed('step', () =>
      remote.ask(runOf(ids, UNCHANGED), 'forwardPath', { token: Math.floor(size / 2), layer: Math.floor(layers / 2), head: 0, expert: 0 }),
    );
    await timed('sum', () =>
      remote.ask(runOf(ids, UNCHANGED), 'weightedSum', {
        token: Math.floor(size / 2),
        layer: Math.floor(layers / 2),
        head: 0,
        expert: 0,
        stage: 'mlpOutput',
        index: 1,
      }),
    );
    await timed('positions', () =>
      remote.ask(runOf(ids, UNCHANGED), 'positions', { layer: Math.floor(layers / 2), head: 0, query: size - 1, key: 0 }),
    );
    await remote.ask(runOf([], UNCHANGED), 'neighbours', { vector: [{ ids: [100], weight: 1 }], frame: 'centred', count: 15 });
    await timed('neighbours', () =>
      remote.ask(runOf([], UNCHANGED), 'neighbours', { vector: [{ ids: [200 + repeat], weight: 1 }], frame: 'centred', count: 15 }),
    );
    delay.disable();
    const { explain = 0, heads = 0, again = 0, pca = 0, lens = 0, lensWindow = 0, head = 0, step = 0, sum = 0 } = times;
    const { positions = 0, neighbours = 0 } = times;
    samples.push({
      forward: explanation.forwardMs,
      explain,
      heads,
      again,
      pca,
      lens,
      lensWindow,
      head,
      step,
      sum,
      positions,
      neighbours,
      everything: explain + heads + pca + lensWindow + head,
      blocked: delay.max / 1e6,
    });
  }
  const of = (key: string): number => median(samples.map((sample) => sample[key] ?? Number.NaN));
  record('engine', {
    model: name,
    runtime,
    tokens: size,
    'open ms': opened,
    'ready ms': ready,
    'forward ms': of('forward'),
    'explain ms': of('explain'),
    'heads ms': of('heads'),
    'again ms': of('again'),
    'PCA ms': of('pca'),
    'lens on screen ms': of('lensWindow'),
    'whole lens ms': of('lens'),
    'head ms': of('head'),
    'neighbours ms': of('neighbours'),
    'everything ms': of('everything'),
    'step ms': of('step'),
    'sum ms': of('sum'),
    'positions ms': of('positions'),
    'caller blocked ms': of('blocked'),
    'memory MB': ownMegabytes() - startMegabytes + childrenMegabytes(),
  });
}

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { ATTRIBUTION_METHODS, LEAVE_ONE_OUT } from '../../src/core/attribution.ts';
import { promisingFirst } from '../../src/core/patchGrid.ts';
import { runOf, UNCHANGED, type Run } from '../../src/core/run.ts';
import { sumsOf } from '../../src/core/textUnits.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { median, record } from './report.ts';
import { BUNDLED, ROOT, benchText } from './text.ts';

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-answers-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const TOKENS = 256;
const PATCHED_TOKENS = 64;
const REPEATS = 5;
/** Methods that run the model for every token, or many times: once is long enough. */
const LONG: ReadonlySet<string> = new Set(['integrated-gradients', 'hidden', 'replaced', 'removed']);
const CASES = [
  { name: 'bundled, 9M', runtime: 'wasm' },
  { name: 'bundled, 9M', runtime: 'native' },
  { name: 'GPT-2 124M shape', runtime: 'native' },
] as const;

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** A worker with the model of a case open. */
async function openWorker({ name, runtime }: Pick<(typeof CASES)[number], 'name' | 'runtime'>): Promise<Connection<WorkerApi>> {
  const folder = name.startsWith('bundled') ? BUNDLED : scratch;
  if (folder === scratch && !existsSync(join(scratch, 'config.json'))) writeRandomGpt2(folder, BUNDLED);
  const connection = connect<WorkerApi>(startNodeWorker(join(ROOT, 'dist'), { runtime, nativeFolder: join(ROOT, 'test/native') }));
  await connection.remote.open({ kind: 'folder', name, path: folder });
  return connection;
}

/** How long the panel waits for answers about a text that has been explained: the parts of a logit, and words by each method. */
test.each(CASES)('answers of $name, $runtime', { timeout: 1_800_000 }, async ({ name, runtime }) => {
  const text = await benchText();
  const { remote, dispose } = await openWorker({ name, runtime });
  let variant = 0;
  try {
    /** Milliseconds for each of several texts; where there are several, the first, which loads weights, is left out. */
    const each = async (tokens: number, ask: (run: Run) => Promise<number>, repeats = REPEATS): Promise<number> => {
      const found: number[] = [];
      for (let repeat = 0; repeat < repeats; repeat++) {
        variant++;
        const { run } = await remote.explain({ text: text.part(tokens, variant), topK: 10 });
        found.push(await ask(run));
      }
      return median(repeats === 1 ? found : found.slice(1));
    };
    const logit = { position: TOKENS - 1, token: 5, rival: 7 };
    const answer = (what: string, ms: number): void => record('answers', { what, model: name, runtime, tokens: TOKENS, ms });
    answer(
      'forward pass and predictions',
      await each(8, () => {
        variant++;
        return timed(() => remote.explain({ text: text.part(TOKENS, variant), topK: 10 }));
      }),
    );
    answer('parts of a logit', await each(TOKENS, (run) => timed(() => remote.ask(run, 'direct', logit))));
    for (const method of ATTRIBUTION_METHODS)
      answer(
        `words by ${method}`,
        await each(TOKENS, (run) => timed(() => remote.ask(run, 'attribution', { ...logit, method })), LONG.has(method) ? 1 : REPEATS),
      );
    for (const method of LEAVE_ONE_OUT) {
      // As the page asks: those nearest the prediction, the gradient's estimate, and then the most promising first. Words of two tokens.
      let first = 0;
      const unit = (index: number) => ({ first: 2 * index, end: 2 * index + 2 });
      const all = await each(
        TOKENS,
        (run) =>
          timed(async () => {
            const begun = performance.now();
            const nearest = Array.from({ length: TOKENS / 2 }, (_, index) => TOKENS / 2 - 1 - index);
            const { values } = await remote.ask(run, 'leftOut', { ...logit, method, units: nearest.slice(0, 64).map(unit) });
            first = performance.now() - begun;
            const known = new Set(nearest.slice(0, values.length));
            const estimate = await remote.ask(run, 'attribution', { ...logit, method: 'gradient-x-input' });
            let left = promisingFirst(
              sumsOf(
                estimate.values,
                Array.from(nearest, (_, index) => unit(index)),
              ),
            ).filter((index) => !known.has(index));
            while (left.length > 0)
              left = left.slice((await remote.ask(run, 'leftOut', { ...logit, method, units: left.slice(0, 64).map(unit) })).values.length);
          }),
        1,
      );
      answer(`first words ${method}, of ${TOKENS / 2} of two tokens`, first);
      answer(`all words ${method}, of ${TOKENS / 2} of two tokens`, all);
    }
  } finally {
    await dispose();
  }
});

/** How long two texts take to patch: the gradient's estimate of all cells, and each cell measured, the most promising first. */
test.each(CASES)('patching of $name, $runtime', { timeout: 1_800_000 }, async ({ name, runtime }) => {
  const text = await benchText();
  const { remote, dispose } = await openWorker({ name, runtime });
  try {
    const patched = { position: PATCHED_TOKENS - 1, token: 5, rival: 7, grid: 'residual' } as const;
    for (let repeat = 0; repeat < 3; repeat++) {
      const ids = text.ids(PATCHED_TOKENS, repeat);
      // As for a text in which an early word differs.
      const clean = Array.from(ids.with(3, 1000 + repeat));
      const run = runOf(ids, UNCHANGED);
      let cells: readonly number[] = [];
      const estimate = await timed(async () => {
        cells = promisingFirst((await remote.ask(run, 'patch', { ...patched, clean })).estimate);
      });
      const all = await timed(async () => {
        for (let done = 0; done < cells.length;)
          done += (await remote.ask(run, 'patchCells', { ...patched, clean, cells: cells.slice(done, done + 64) })).cells.length;
      });
      record('answers: patching', { model: name, runtime, cells: cells.length, 'estimate ms': estimate, 'all cells ms': all });
    }
  } finally {
    await dispose();
  }
});

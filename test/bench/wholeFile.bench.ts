import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  addPart,
  beginningOf,
  carriedScores,
  nextPart,
  partQuestion,
  READ,
  shareRead,
  unreadScores,
  type FileScores,
  type TextLayout,
} from '../../src/core/fileScores.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { childrenOf, median, processorMs, record } from './report.ts';
import { BUNDLED, ROOT, benchText } from './text.ts';

const TOKENS = 20_000;
const LIVE_TOKENS = 1000;
const REPEATS = 5;

const RUNTIMES = ['wasm', 'native'] as const;
type Remote = Connection<WorkerApi>['remote'];

/** Processor time of the model's process so far, which a busy machine makes no longer. */
function workerMs(): number {
  return childrenOf(process.pid).reduce((sum, pid) => sum + processorMs(pid), 0);
}

function startWorker(runtime: (typeof RUNTIMES)[number]): Connection<WorkerApi> {
  return connect<WorkerApi>(startNodeWorker(join(ROOT, 'dist'), { runtime, nativeFolder: join(ROOT, 'test/native') }));
}

async function openBundled({ remote }: Connection<WorkerApi>): Promise<void> {
  await remote.open({ kind: 'folder', name: 'bundled', path: BUNDLED });
}

/** Reads a text as the editor does, part by part from token `near`; `onPart` is told of each, and ends the reading with `false`. */
async function read(remote: Remote, scores: FileScores, near: number, onPart: () => boolean | void): Promise<FileScores> {
  for (let part = nextPart(scores, near); part !== null; part = nextPart(scores, near)) {
    const { run, args } = partQuestion(scores, part);
    addPart(scores, part, await remote.ask(run, 'scores', args));
    if (onPart() === false) break;
  }
  return scores;
}

/** How a text is read that nothing is known of, until the token at `offset` of it has a score: where the user looks. */
async function firstColours(remote: Remote, text: string, offset: number): Promise<void> {
  const beginning = beginningOf(text, offset);
  const layout = await remote.layOut(beginning === null ? text : text.slice(0, beginning), null);
  const near = Math.max(
    1,
    layout.tokens.end.findIndex((end) => end > offset),
  );
  const scores = await read(remote, unreadScores(layout), near, () => false);
  expect(scores.known[near]).toBe(READ);
}

test.each(RUNTIMES.flatMap((runtime) => [false, true].map((isOpen) => ({ runtime, worker: isOpen ? 'has explained a text' : 'is new' }))))(
  'first colours of a whole file: bundled, $runtime, a worker that $worker',
  async ({ runtime, worker }) => {
    const whole = (await benchText()).part(TOKENS, 0);
    const seen: Record<string, number> = {};
    for (const [name, share] of [
      ['top', 0],
      ['middle', 0.5],
      ['end', 0.99],
    ] as const) {
      const begun = performance.now();
      const connection = startWorker(runtime);
      try {
        await openBundled(connection);
        if (worker !== 'is new') await connection.remote.explain({ text: 'x', topK: 10 });
        const [looked, used] = worker === 'is new' ? [begun, 0] : [performance.now(), workerMs()];
        await firstColours(connection.remote, whole, Math.floor(share * whole.length));
        seen[`${name} ms`] = performance.now() - looked;
        seen[`${name}, processor ms`] = workerMs() - used;
      } finally {
        await connection.dispose();
      }
    }
    record('first colours of a whole file, by where the user looks', { runtime, worker, tokens: TOKENS, ...seen });
  },
);

test.each(RUNTIMES)('a whole file, and one that is read again while it is typed in: bundled, %s', async (runtime) => {
  const text = await benchText();
  const connection = startWorker(runtime);
  const { remote } = connection;
  const layOut = (whole: string): Promise<TextLayout> => remote.layOut(whole, null);
  try {
    await openBundled(connection);
    await remote.explain({ text: 'x', topK: 10 });
    const [start, begun] = [performance.now(), workerMs()];
    const whole = await read(remote, unreadScores(await layOut(text.part(TOKENS, 0))), 0, () => undefined);
    record('whole file', { runtime, tokens: TOKENS, 'all ms': performance.now() - start, 'processor ms': workerMs() - begun });
    expect(shareRead(whole)).toBe(1);
    expect(whole.tokens.ids.length).toBeGreaterThanOrEqual(TOKENS);
    const again = new Map<string, number[]>();
    const note = (name: string, value: number): unknown => again.set(name, [...(again.get(name) ?? []), value]);
    for (let variant = 1; variant <= REPEATS; variant++) {
      for (const [name, share] of [
        ['at the end', 1],
        ['in the last tenth', 0.95],
        ['in the middle', 0.5],
      ] as const) {
        const before = text.part(LIVE_TOKENS, variant);
        const scores = await read(remote, unreadScores(await layOut(before)), 0, () => undefined);
        const place = Math.floor(before.length * share);
        const [typed, used] = [performance.now(), workerMs()];
        let shown = NaN;
        const now = carriedScores(scores, await layOut(`${before.slice(0, place)}x${before.slice(place)}`));
        await read(remote, now, 0, () => {
          if (Number.isNaN(shown)) shown = performance.now() - typed;
        });
        expect(shareRead(now)).toBe(1);
        note(`${name}: first ms`, shown);
        note(`${name}: all ms`, performance.now() - typed);
        note(`${name}: all, processor ms`, workerMs() - used);
      }
    }
    record('live reading, one character typed', {
      runtime,
      tokens: LIVE_TOKENS,
      ...Object.fromEntries([...again].map(([name, times]) => [name, median(times)])),
    });
  } finally {
    await connection.dispose();
  }
});

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addPart, carriedScores, nextPart, shareRead, unreadScores, type FileScores, type TextLayout } from '../../src/core/fileScores.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { childrenOf, median, processorMs, record } from './report.ts';
import { BUNDLED, ROOT, benchText } from './text.ts';

const TOKENS = 20_000;
const LIVE_TOKENS = 1000;
const REPEATS = 5;

type Remote = ReturnType<typeof connect<WorkerApi>>['remote'];

/** Processor time of the model's process so far, which a busy machine makes no longer. */
function workerMs(): number {
  return childrenOf(process.pid).reduce((sum, pid) => sum + processorMs(pid), 0);
}

/** Reads a text as the editor does, part by part from its beginning; `onPart` is told of each. */
async function read(remote: Remote, scoresOf: (layout: TextLayout) => FileScores, text: string, onPart: () => void): Promise<FileScores> {
  const scores = scoresOf(await remote.layOut(text, null));
  for (let part = nextPart(scores, 0); part !== null; part = nextPart(scores, 0)) {
    const run = runOf(scores.tokens.ids.slice(part.begin, part.end), UNCHANGED);
    addPart(scores, part, await remote.ask(run, 'scores', { from: part.from - part.begin }));
    onPart();
  }
  return scores;
}

test.each(['wasm', 'native'] as const)('a whole file, and one that is read again while it is typed in: bundled, %s', async (runtime) => {
  const text = await benchText();
  const connection = connect<WorkerApi>(startNodeWorker(join(ROOT, 'dist'), { runtime, nativeFolder: join(ROOT, 'test/native') }));
  const { remote } = connection;
  try {
    await remote.open({ kind: 'folder', name: 'bundled', path: BUNDLED });
    await remote.explain({ text: 'x', topK: 10 });
    const [start, begun] = [performance.now(), workerMs()];
    let [first, firstProcessor] = [NaN, NaN];
    const whole = await read(remote, unreadScores, text.part(TOKENS, 0), () => {
      if (Number.isNaN(first)) [first, firstProcessor] = [performance.now() - start, workerMs() - begun];
    });
    const all = performance.now() - start;
    expect(shareRead(whole)).toBe(1);
    expect(whole.tokens.ids.length).toBeGreaterThanOrEqual(TOKENS);
    const seen: Record<string, number> = {};
    for (const [name, share] of [
      ['top', 0],
      ['middle', 0.5],
      ['end', 0.99],
    ] as const) {
      // Another text each time, so that nothing is kept of it.
      const looked = performance.now();
      const layout = await remote.layOut(`${name} ${text.part(TOKENS, 0)}`, null);
      seen[`made into tokens, at the ${name} ms`] = performance.now() - looked;
      const scores = unreadScores(layout);
      const part = nextPart(scores, Math.floor(share * layout.tokens.ids.length)) ?? expect.fail('Nothing is left to read.');
      await remote.ask(runOf(scores.tokens.ids.slice(part.begin, part.end), UNCHANGED), 'scores', { from: part.from - part.begin });
      seen[`first colours, at the ${name} ms`] = performance.now() - looked;
    }
    const again = new Map<string, number[]>();
    for (let variant = 1; variant <= REPEATS; variant++) {
      for (const [name, share] of [
        ['at the end', 1],
        ['in the last tenth', 0.95],
        ['in the middle', 0.5],
      ] as const) {
        const before = text.part(LIVE_TOKENS, variant);
        const scores = await read(remote, unreadScores, before, () => undefined);
        const place = Math.floor(before.length * share);
        const typed = performance.now();
        let shown = NaN;
        const now = await read(
          remote,
          (layout) => carriedScores(scores, layout),
          `${before.slice(0, place)}x${before.slice(place)}`,
          () => {
            if (Number.isNaN(shown)) shown = performance.now() - typed;
          },
        );
        expect(shareRead(now)).toBe(1);
        again.set(`${name}: first ms`, [...(again.get(`${name}: first ms`) ?? []), shown]);
        again.set(`${name}: all ms`, [...(again.get(`${name}: all ms`) ?? []), performance.now() - typed]);
      }
    }
    record('whole file', {
      runtime,
      tokens: TOKENS,
      'first colours ms': first,
      'first colours, processor ms': firstProcessor,
      'all ms': all,
    });
    record('first colours of a whole file, by where the user looks', { runtime, tokens: TOKENS, ...seen });
    record('live reading, one character typed', {
      runtime,
      tokens: LIVE_TOKENS,
      ...Object.fromEntries([...again].map(([name, times]) => [name, median(times)])),
    });
  } finally {
    await connection.dispose();
  }
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CancelledError } from '../../src/core/errors.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { median, record } from './report.ts';
import { BUNDLED, ROOT, benchText } from './text.ts';

const TOKENS = 256;
const LONG = 1000;
const REPEATS = 5;

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-editing-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const MODELS = [
  { name: 'bundled', folder: BUNDLED },
  { name: 'GPT-2 124M shape', folder: join(scratch, 'gpt2') },
];

test.each(MODELS.flatMap((model) => (['wasm', 'native'] as const).map((runtime) => ({ ...model, runtime }))))(
  'an edited text: $name, $runtime',
  { timeout: 600_000 },
  async ({ name, folder, runtime }) => {
    if ((await folderFiles(folder).catch(() => null)) === null) writeRandomGpt2(folder, BUNDLED);
    const text = await benchText();
    const connection = connect<WorkerApi>(startNodeWorker(join(ROOT, 'dist'), { runtime, nativeFolder: join(ROOT, 'test/native') }));
    const times = new Map<string, number[]>();
    const explain = async (what: string, of: string): Promise<Explanation> => {
      const start = performance.now();
      const explanation = await connection.remote.explain({ text: of, topK: 10 });
      times.set(`${what} ms`, [...(times.get(`${what} ms`) ?? []), performance.now() - start]);
      times.set(`${what}, forward ms`, [...(times.get(`${what}, forward ms`) ?? []), explanation.forwardMs]);
      return explanation;
    };
    try {
      await connection.remote.open({ kind: 'folder', name, path: folder });
      await connection.remote.explain({ text: 'x', topK: 10 });
      for (let variant = 0; variant < REPEATS; variant++) {
        const whole = text.part(TOKENS, variant);
        await explain('new', whole);
        expect((await explain('one token more', text.part(TOKENS + 1, variant))).tokens).toHaveLength(TOKENS + 1);
        const place = whole.lastIndexOf(' ', whole.length * 0.95);
        await explain('edited in the last tenth', `${whole.slice(0, place)} zebra${whole.slice(place)}`);
      }
      record('editing', {
        model: name,
        runtime,
        tokens: TOKENS,
        ...Object.fromEntries([...times].map(([what, all]) => [what, median(all)])),
        'longest wait for Cancel ms': await longestCancel(connection, text.part(LONG, REPEATS)),
      });
    } finally {
      await connection.dispose();
    }
  },
);

/** The longest of several waits, begun at moments spread over the forward pass of a long text. */
async function longestCancel(connection: ReturnType<typeof connect<WorkerApi>>, text: string): Promise<number> {
  let longest = 0;
  for (let n = 0; n < REPEATS; n++) {
    let begun = (): void => undefined;
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    connection.onProgress(({ stage }) => stage === 'forward' && begun());
    // Another start each time, so that nothing is kept of it.
    const ended = connection.remote.explain({ text: `${n} ${text}`, topK: 10 }).then(
      () => null,
      (error: unknown) => error,
    );
    await running;
    await new Promise((resolve) => {
      setTimeout(resolve, 20 + 90 * n);
    });
    const start = performance.now();
    connection.cancel();
    const error = await ended;
    if (error === null) continue;
    expect(error).toBeInstanceOf(CancelledError);
    longest = Math.max(longest, performance.now() - start);
  }
  return longest;
}

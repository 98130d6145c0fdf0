import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { UserError } from '../../src/core/errors.ts';
import type { ModelClient } from '../../src/host/client/modelClient.ts';
import { isSentence } from '../soak/held.ts';
import { soakClient, workers } from '../soak/soak.ts';

const MIB = 2 ** 20;
const LONG = readFileSync(join(ROOT, 'README.md'), 'utf8').slice(0, 6000);
const signal = new AbortController().signal;

let client: ModelClient | null = null;
afterEach(async () => {
  client?.dispose();
  await expect.poll(workers).toEqual([]);
});

/** Lets the worker's process take so much more of its address space than it has taken. */
function leave(mebibytes: number): void {
  const [pid = 0] = workers();
  const taken = Number(/^VmSize:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--as=${taken + mebibytes * MIB}`], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
}

// The less is left, the earlier something needs it: the runtime refuses, or the process ends in V8 or the C library.
it.each([0, 10])(
  '%i MiB left: a long text is refused in a sentence about memory, and the next is answered by another process',
  async (left) => {
    client = soakClient(join(ROOT, 'media/models/explain-tokens-9m'), { runtime: 'native', nativeFolder: join(ROOT, 'test/native') });
    await client.explain({ text: 'x', topK: 3 }, signal, () => undefined);
    const [before] = workers();
    leave(left);
    const error = await client.explain({ text: LONG, topK: 3 }, signal, () => undefined).catch((thrown: unknown) => thrown);
    if (!(error instanceof UserError)) throw new Error('It was answered, or failed by a defect.', { cause: error });
    expect(isSentence(error.message), error.message).toBe(true);
    expect(error.message).toMatch(/memory/);
    // For the log.
    expect(error.cause ?? error.stack).toBeDefined();
    const { explanation } = await client.explain({ text: LONG, topK: 3 }, signal, () => undefined);
    expect([explanation.tokens.length > 500, explanation.model.runtime]).toEqual([true, 'native']);
    expect(workers()).not.toContain(before);
  },
);

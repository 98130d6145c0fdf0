import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startNodeWorker } from '../../src/worker/port.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-lost-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is said of a process that does this, while it is sent messages. */
function saidOf(script: string): Promise<string> {
  writeFileSync(join(folder, 'worker.js'), script);
  const port = startNodeWorker(folder, { runtime: 'wasm' });
  return new Promise((resolve) => {
    const sending = setInterval(() => port.post({}), 5);
    port.onFailure(({ message }) => {
      clearInterval(sending);
      resolve(message);
    });
  });
}

it('is told by the signal that ended it, though its channel closed before', async () => {
  expect(await saidOf("process.disconnect(); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100)")).toContain('signal SIGKILL');
});

it('is told to be lost where it lives on without its channel', async () => {
  expect(await saidOf('process.disconnect(); setTimeout(() => process.exit(), 3000)')).toContain('connection lost');
});

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { alive, processTree } from '../../scripts/lib/processes.mjs';

it('npm start serves VS Code on loopback behind a token, prints its address, and leaves nothing running after Ctrl+C', async () => {
  const { DISPLAY: _x, WAYLAND_DISPLAY: _wayland, ...env } = process.env;
  const child = spawn(process.execPath, [join(ROOT, 'scripts/start.mjs'), '--serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((done) => {
    child.once('exit', done);
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const address = (): string | undefined => /http:\/\/127\.0\.0\.1:\d+\/\S+/.exec(output)?.[0];
  let pids: number[] = [];
  try {
    await expect.poll(address, { timeout: 120_000, interval: 200, message: 'the printed address' }).toBeDefined();
    const url = new URL(address() ?? '');
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(302);
    expect((await fetch(url.origin)).status).toBe(403);
    pids = processTree(child.pid ?? 0);
    expect(pids.length).toBeGreaterThan(1);
  } finally {
    child.kill('SIGINT');
  }
  expect(await ended).toBe(0);
  expect(pids.filter(alive)).toEqual([]);
});

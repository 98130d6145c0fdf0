import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startHub, type HubServer } from '../library/hubServer.ts';
import { SINGLE } from '../library/models.ts';

const root = join(import.meta.dirname, '../..');
let hub: HubServer;
let work = '';

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-cli-'));
  hub = await startHub(SINGLE, { id: 'tiny/gguf', files: { 'a.gguf': Buffer.from('GGUF'), 'b.gguf': Buffer.from('GGUF2') } });
});
afterAll(async () => {
  await hub?.close();
  rmSync(work, { recursive: true, force: true });
});

function run(
  args: readonly string[],
  stop?: { readonly signal: NodeJS.Signals; when(err: string): boolean },
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'dist/cli.js'), 'download', ...args], {
      cwd: work,
      env: { ...process.env, HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_secret' },
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
    const watch = setInterval(() => stop?.when(err) === true && !child.killed && child.kill(stop.signal), 5);
    child.on('close', (code) => {
      clearInterval(watch);
      resolve({ code, out, err });
    });
  });
}

it('downloads a model and prints its folder; stopped, it goes on', async () => {
  hub.misbehave({ where: 'content', file: 'model.safetensors', kind: 'stall', after: 100_000 });
  const stopped = await run(['tiny/llama', '--output', 'models'], { signal: 'SIGINT', when: (err) => err.includes('commit') });
  expect([stopped.code, stopped.out]).toEqual([130, '']);
  expect(stopped.err).toMatch(
    new RegExp(
      '^explain-tokens: tiny/llama: 4 files, \\d{3}\\.\\d kB, licence apache-2\\.0, commit [0-9a-f]{40} of http:\\S+\\.\\n' +
        'explain-tokens: Stopped; the same command goes on where it was\\.\\n$',
    ),
  );
  expect(existsSync(join(work, 'models/tiny--llama'))).toBe(false);
  hub.behave();
  const { code, out } = await run(['tiny/llama', '--output', 'models']);
  expect([code, out]).toEqual([0, `${join(work, 'models/tiny--llama')}\n`]);
  expect(
    readFileSync(join(work, 'models/tiny--llama/model.safetensors')).equals(SINGLE.files['model.safetensors'] ?? new Uint8Array()),
  ).toBe(true);
  const told = hub.requests.filter(({ headers }) => headers.authorization !== undefined);
  expect(new Set(told.map(({ host }) => host))).toEqual(new Set(['hub']));
});

it('goes on after its process was killed', async () => {
  hub.misbehave({ where: 'content', file: 'model.safetensors', kind: 'stall', after: 200_000 });
  const unfinished = join(work, 'killed/.incomplete/tiny--llama');
  const part = (): string =>
    (existsSync(unfinished) ? readdirSync(unfinished) : []).find((name) => /^model\.safetensors\..*\.incomplete$/.test(name)) ?? '';
  const dead = run(['tiny/llama', '--output', 'killed'], {
    signal: 'SIGKILL',
    when: () => part() !== '' && statSync(join(unfinished, part())).size > 150_000,
  });
  expect((await dead).code).toBe(null);
  hub.behave();
  const before = hub.requests.length;
  const { code, out } = await run(['tiny/llama', '--output', 'killed']);
  expect([code, out]).toEqual([0, `${join(work, 'killed/tiny--llama')}\n`]);
  expect(
    hub.requests
      .slice(before)
      .filter(({ host }) => host === 'cdn')
      .map(({ headers }) => headers.range),
  ).toEqual([expect.stringMatching(/^bytes=\d{6}-$/)]);
  expect(
    readFileSync(join(work, 'killed/tiny--llama/model.safetensors')).equals(SINGLE.files['model.safetensors'] ?? new Uint8Array()),
  ).toBe(true);
});

it('is made by one of two processes, also where the first was asleep for an hour', async () => {
  hub.misbehave({ where: 'content', file: 'model.safetensors', kind: 'slow', bytesAtATime: 5000, ms: 20 });
  const lock = join(work, 'two/.incomplete/tiny--llama.lock');
  const asleep = spawn(process.execPath, [join(root, 'dist/cli.js'), 'download', 'tiny/llama', '--output', 'two'], {
    cwd: work,
    env: { ...process.env, HF_ENDPOINT: hub.endpoint },
  });
  const ended = new Promise((resolve) => asleep.once('close', resolve));
  await expect.poll(() => existsSync(lock), { interval: 10 }).toBe(true);
  asleep.kill('SIGSTOP');
  utimesSync(lock, new Date(Date.now() - 3_600_000), new Date(Date.now() - 3_600_000));
  const second = await run(['tiny/llama', '--output', 'two']);
  expect([second.code, second.out]).toEqual([1, '']);
  expect(second.err).toMatch(/\nexplain-tokens: tiny\/llama is being downloaded already\.\n$/);
  asleep.kill('SIGCONT');
  expect(await ended).toBe(0);
  hub.behave();
  expect(readFileSync(join(work, 'two/tiny--llama/model.safetensors')).equals(SINGLE.files['model.safetensors'] ?? new Uint8Array())).toBe(
    true,
  );
  expect(readdirSync(join(work, 'two/.incomplete'))).toEqual([]);
});

it('asks which GGUF file where there are several', async () => {
  const asked = await run(['tiny/gguf']);
  expect([asked.code, asked.err]).toEqual([
    1,
    'explain-tokens: Which file of tiny/gguf? --gguf takes one of a.gguf (4 bytes), b.gguf (5 bytes).\n',
  ]);
  expect((await run(['tiny/gguf', '--gguf', 'b.gguf'])).out).toBe(`${join(work, 'tiny--gguf', 'b.gguf')}\n`);
});

it.each([
  [[], 2, /download takes the id of one model/],
  [['a/b', 'c/d'], 2, /one model/],
  [['a/b', '--text', 'x'], 2, /--text is for trace, generate, .+, not for download/],
  [['../x'], 1, /"\.\.\/x" is not the id of a model/],
  [['tiny/none'], 1, /does not take your access token/],
])('refuses %j in one line', async (args, code, message) => {
  const result = await run(args);
  expect([result.code, result.out]).toEqual([code, '']);
  expect(result.err).toMatch(/^explain-tokens: [^\n]+\n$/);
  expect(result.err).toMatch(message);
});

// What the editor adds to an engine's own time. The engine is a server in a thread, whose numbers mean nothing but are as many.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, expect, test } from 'vitest';
import { english } from '../../src/core/translatable.ts';
import { engineConnection } from '../../src/engines/engineConnection.ts';
import { nodeSend } from '../../src/engines/engineHttp.node.ts';
import { openEngine, type OpenedEngine } from '../../src/engines/openEngine.ts';
import { engineWorker } from '../../src/host/engines/engineWorker.ts';
import { startNumbersServer, type NumbersServer } from '../engines/numbersServer.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { median, record } from './report.ts';

const REPEATS = 15;
/** What the editor may add to the engine's time. */
const ADDED_MS = 100;
/** Longest time for which nothing else is done: what follows a key so late is still felt to be at once. */
const BLOCKED_MS = 100;

const servers: NumbersServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function opened(context: number, parallel: number) {
  const server = await startNumbersServer(context);
  servers.push(server);
  const connection = engineConnection(server.address, { send: nodeSend(english), key: null, limit: parallel });
  const worker = engineWorker({
    open: async (signal): Promise<OpenedEngine> => ({
      protocol: await openEngine(connection, null, signal),
      address: server.address,
      host: connection.host,
    }),
    allow: async () => undefined,
    agree: async () => undefined,
    tokenizer: async () => null,
    parallel,
  });
  await worker.remote.open({ kind: 'files', name: '', files: {} });
  return { server, worker };
}

const textOf = (length: number): string =>
  Array.from({ length }, (_, i) => (i % 6 === 5 ? ' ' : String.fromCodePoint(97 + (i % 23)))).join('');

test('1,000 tokens of a text', { timeout: 120_000 }, async () => {
  const { server, worker } = await opened(8192, 8);
  const added: number[] = [];
  const total: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    await server.busyMs();
    const began = performance.now();
    const { tokens, topK } = await worker.remote.explain({ text: `${textOf(999)}${repeat % 10}`, topK: 20 });
    const ms = performance.now() - began;
    expect([tokens.length, topK]).toEqual([1000, 20]);
    total.push(ms);
    added.push(ms - (await server.busyMs()));
  }
  record('engines', { what: '1,000 tokens, 20 alternatives', 'median ms': median(total), 'added to the engine’s, ms': median(added) });
  expect(median(added)).toBeLessThan(ADDED_MS);
  await worker.dispose();
});

test.each([1024, 8192])('64 windows of %i tokens side by side', { timeout: 120_000 }, async (context) => {
  const { server, worker } = await opened(context, 64);
  const [length, count] = [context - 1, 64];
  // Code that ran once is compiled.
  const first = await worker.remote.layOut(textOf(length), length);
  await worker.remote.ask(runOf(first.tokens.ids, UNCHANGED), 'scores', { from: 1, to: length });
  const layout = await worker.remote.layOut(textOf(length * count), length);
  await server.busyMs();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  for (let window = 0; window < count; window++) {
    const ids = layout.tokens.ids.slice(window * length, (window + 1) * length);
    const { logprob } = await worker.remote.ask(runOf(ids, UNCHANGED), 'scores', { from: 1, to: ids.length });
    expect(logprob.length).toBe(ids.length - 1);
  }
  const ms = performance.now() - began;
  delay.disable();
  const blocked = delay.max / 1e6;
  record('engines', { what: `64 windows of ${length} tokens`, 'median ms': ms, 'longest without an event, ms': blocked });
  expect(blocked).toBeLessThan(BLOCKED_MS);
  await worker.dispose();
});

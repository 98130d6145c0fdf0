import { afterEach, expect, it, vi } from 'vitest';
import type { ToolCall } from '../../../src/agents/agentTool.ts';
import { agentWorkers } from '../../../src/cli/agentWorkers.ts';
import { CancelledError, UserError } from '../../../src/core/errors.ts';
import { connect, serve, WorkerEndedError, type Connection, type Port } from '../../../src/worker/rpc.ts';
import type { ModelLocation, TokenCount, WorkerApi } from '../../../src/worker/workerApi.ts';

/** The calls that are made here. */
interface Served {
  open(location: ModelLocation): object;
  countTokens(text: string): TokenCount;
}

/** Workers in this process: `wait` is counted until the call is cancelled, and they can be lost. */
function fakeWorkers() {
  const started: { readonly opened: string[]; lose(): void; ended: boolean }[] = [];
  const start = (): Connection<WorkerApi> => {
    const [here, there]: ((message: unknown) => void)[][] = [[], []];
    const failed: ((error: Error) => void)[] = [];
    const worker = {
      opened: [] as string[],
      ended: false,
      lose: () => failed.forEach((listener) => listener(new WorkerEndedError('signal SIGKILL'))),
    };
    started.push(worker);
    const port = (own: ((message: unknown) => void)[], other: ((message: unknown) => void)[]): Port => ({
      post: (message) => queueMicrotask(() => other.forEach((listener) => listener(message))),
      onMessage: (listener) => void own.push(listener),
      onFailure: (listener) => void failed.push(listener),
      terminate: async () => {
        worker.ended = true;
      },
    });
    serve<Served>(port(there ?? [], here ?? []), {
      open: async (_, { name }) => {
        worker.opened.push(name);
        if (name === 'broken') throw new UserError('broken has no config.json.');
        return {};
      },
      countTokens: async ({ checkpoint }, text) => {
        // Until it is cancelled, or its process is lost.
        const untilEnded = async (): Promise<void> => {
          await checkpoint();
          if (!worker.ended) await untilEnded();
        };
        if (text === 'wait') await untilEnded();
        return { count: text.length, atLeast: false };
      },
    });
    return connect<WorkerApi>(port(here ?? [], there ?? []));
  };
  return { started, start };
}

const named = (...names: readonly string[]) =>
  new Map(names.map((name) => [name, async () => ({ kind: 'folder', name, path: `/${name}` }) as const]));
const watched = (signal = new AbortController().signal): ToolCall => ({ signal, tell: () => undefined });
const counted = (workers: ReturnType<typeof agentWorkers>, name: string, text: string, signal?: AbortSignal) =>
  workers.use(name, watched(signal), async (model) => (await model.countTokens(text)).count);

afterEach(() => vi.useRealTimers());

it('opens a model once, keeps two, and ends the one that was not asked for longest', async () => {
  const { started, start } = fakeWorkers();
  const workers = agentWorkers(named('a', 'b', 'c'), start);
  for (const name of ['a', 'a', 'b', 'a', 'c']) expect(await counted(workers, name, 'abc')).toBe(3);
  expect(started.map(({ opened, ended }) => [opened, ended])).toEqual([
    [['a'], false],
    [['b'], true],
    [['c'], false],
  ]);
  await workers.dispose();
  expect(started.every(({ ended }) => ended)).toBe(true);
});

it('stops the call that is cancelled and no other, whether it runs or waits, and the model stays open', async () => {
  const { started, start } = fakeWorkers();
  const workers = agentWorkers(named('a'), start);
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = counted(workers, 'a', 'wait', running.signal);
  const second = counted(workers, 'a', 'abc', waiting.signal);
  const third = counted(workers, 'a', 'abcd');
  waiting.abort();
  await vi.waitFor(() => expect(started).toHaveLength(1));
  running.abort();
  await expect(first).rejects.toBeInstanceOf(CancelledError);
  await expect(second).rejects.toBeInstanceOf(CancelledError);
  expect(await third).toBe(4);
  expect(started).toHaveLength(1);
  await workers.dispose();
});

it('says in a sentence that a process was lost, and starts another', async () => {
  const { started, start } = fakeWorkers();
  const workers = agentWorkers(named('a'), start);
  const lost = counted(workers, 'a', 'wait');
  await vi.waitFor(() => expect(started[0]?.opened).toEqual(['a']));
  started[0]?.lose();
  await expect(lost).rejects.toThrow('The process of the model "a" ended (signal SIGKILL); the next call starts another.');
  expect(await counted(workers, 'a', 'abc')).toBe(3);
  expect(started).toHaveLength(2);
  await workers.dispose();
});

it('tries a model that did not open again, as its files may have been mended', async () => {
  const { started, start } = fakeWorkers();
  const workers = agentWorkers(named('broken'), start);
  for (let times = 0; times < 2; times++) await expect(counted(workers, 'broken', 'a')).rejects.toThrow('broken has no config.json.');
  expect(started.map(({ opened, ended }) => [opened, ended])).toEqual([
    [['broken'], true],
    [['broken'], true],
  ]);
});

it('ends the processes after a time without a call', async () => {
  const { started, start } = fakeWorkers();
  const workers = agentWorkers(named('a'), start, 20);
  await counted(workers, 'a', 'abc');
  await vi.waitFor(() => expect(started[0]?.ended).toBe(true));
  expect(await counted(workers, 'a', 'abcd')).toBe(4);
  await workers.dispose();
});

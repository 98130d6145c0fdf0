import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CancelledError, UserError } from '../../../src/core/errors.ts';
import type { LensWindow } from '../../../src/core/trace.ts';
import { runOf, UNCHANGED, type Run } from '../../../src/core/run.ts';
import { english } from '../../../src/core/translatable.ts';
import { ModelClient, type ModelState } from '../../../src/host/client/modelClient.ts';
import type { QueryArgs, QueryName, QueryResult } from '../../../src/protocol/queries.ts';
import type { ModelLocation, WorkerApi } from '../../../src/worker/workerApi.ts';
import type { Progress } from '../../../src/core/progress.ts';
import { WorkerEndedError, type Connection } from '../../../src/worker/rpc.ts';
import { packedTokens } from '../../packedTokens.ts';
import type { TextLayout } from '../../../src/core/fileScores.ts';
import { explanationOf, MODEL } from './explanations.ts';

const LENS: LensWindow = {
  layer: 0,
  layers: 1,
  position: 0,
  positions: 1,
  topIds: new Int32Array(1),
  topProbs: new Float32Array(1),
  nextRank: new Int32Array(1),
  nextProb: new Float32Array(1),
  entropy: new Float32Array(1),
  kl: new Float32Array(1),
  pieces: {},
};

const RUN = runOf([0], UNCHANGED);

/** A text whose characters are its tokens. */
function layoutOf(text: string): TextLayout {
  const { tokens } = explanationOf(Array.from(text, (character) => ({ text: character, probability: null })));
  return { model: MODEL, tokens: packedTokens(tokens), rule: { length: 8, stride: 4 }, startsAlike: true, read: text.length };
}

/** A worker that answers when the test says so; models named "bad" cannot be opened. */
class FakeWorker implements Connection<WorkerApi> {
  readonly calls: string[] = [];
  readonly waiting: { readonly name: string; resolve(): void; reject(error: Error): void }[] = [];
  disposed = false;
  held = false;
  /** Comes to a place where it can stop, when it is asked to. */
  stops = true;
  readonly #progress = new Set<(progress: Progress, call: string) => void>();
  readonly #failure = new Set<(error: Error) => void>();
  readonly remote = {
    open: (location: ModelLocation) =>
      location.name === 'bad'
        ? this.#answer('open', () => Promise.reject(new UserError('bad/config.json is not JSON.')))
        : this.#answer('open', () => ({ ...MODEL, name: location.name })),
    countTokens: (text: string) => this.#answer('countTokens', () => ({ count: text.length, atLeast: false })),
    explain: ({ text }: { readonly text: string }) => this.#answer(`explain ${text}`, () => explanationOf([{ text, probability: null }])),
    ask: <Name extends QueryName>(_run: Run, name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>> => {
      if (name !== 'lens') return Promise.reject(new Error('not asked for here'));
      return this.#answer(name, () => ({ ...LENS, ...args }));
    },
    layOut: (text: string) => this.#answer(`layOut ${text}`, () => layoutOf(text)),
    tokenize: () => Promise.reject(new Error('not asked for here')),
    promptedTokens: () => Promise.reject(new Error('not asked for here')),
    describe: () => Promise.reject(new Error('not asked for here')),
    resources: () => Promise.reject(new Error('not asked for here')),
  };

  onProgress(listener: (progress: Progress, call: string) => void): () => void {
    this.#progress.add(listener);
    return () => void this.#progress.delete(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    this.#failure.add(listener);
    return () => void this.#failure.delete(listener);
  }

  cancel(): void {
    this.calls.push('cancel');
    if (this.stops) for (const { reject } of this.waiting.splice(0)) reject(new CancelledError());
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    for (const { reject } of this.waiting.splice(0)) reject(new CancelledError());
  }

  crash(): void {
    const error = new WorkerEndedError('exit code 134');
    for (const { reject } of this.waiting.splice(0)) reject(error);
    for (const listener of this.#failure) listener(error);
  }

  report(progress: Progress): void {
    for (const listener of this.#progress) listener(progress, 'explain');
  }

  #answer<T>(name: string, result: () => T | Promise<T>): Promise<T> {
    this.calls.push(name);
    if (this.disposed) return Promise.reject(new CancelledError());
    if (!this.held) return Promise.resolve().then(result);
    return new Promise((resolve, reject) => {
      this.waiting.push({ name, resolve: () => resolve(result()), reject });
    });
  }
}

function setUp(options: { readonly idleMs?: number; readonly hold?: boolean } = {}) {
  const workers: FakeWorker[] = [];
  const states: ModelState[] = [];
  const refused: string[] = [];
  const idleFailures: Error[] = [];
  const setting = { name: 'good' };
  const client = new ModelClient({
    connect: async () => {
      const worker = new FakeWorker();
      worker.held = options.hold ?? false;
      workers.push(worker);
      return worker;
    },
    wanted: () => {
      const { name } = setting;
      return { key: name, name, locate: async () => ({ kind: 'folder', name, path: `/${name}` }) };
    },
    onState: (state) => states.push(state),
    onRefused: (model, kept, error) => refused.push(`${model.name} refused, ${kept.name} kept: ${(error as Error).message}`),
    onIdleFailure: (error) => idleFailures.push(error),
    t: english,
    ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
  });
  return { client, workers, states, refused, idleFailures, setting };
}

const never = (): AbortSignal => new AbortController().signal;
const ignore = (): void => undefined;
const request = (text: string) => ({ text, topK: 1 });

/** Lets everything run that is ready to. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('the model client', () => {
  test('starts nothing before the first request, then one worker for all', async () => {
    const { client, workers, states } = setUp();
    expect(workers).toHaveLength(0);
    const { explanation, modelKey } = await client.explain(request('a'), never(), ignore);
    expect([explanation.text, modelKey]).toEqual(['a', 'good']);
    expect(await client.countTokens('four', never())).toEqual({ count: 4, atLeast: false });
    expect(await client.ask('good', RUN, 'lens', { layer: 3, layers: 1, position: 0, positions: 1 }, never())).toMatchObject({ layer: 3 });
    expect(workers.map(({ calls }) => calls)).toEqual([['open', 'explain a', 'countTokens', 'lens']]);
    expect(states.map(({ kind }) => kind)).toEqual(['loading', 'ready']);
  });

  test('passes progress to the request going on, and to no other', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    const worker = workers[0];
    if (worker) worker.held = true;
    const heard: Progress[] = [];
    const explaining = client.explain(request('a'), never(), (progress) => heard.push(progress));
    await settle();
    worker?.report({ stage: 'forward', done: 1, total: 2 });
    worker?.waiting[0]?.resolve();
    await explaining;
    worker?.report({ stage: 'forward', done: 2, total: 2 });
    expect(heard).toEqual([{ stage: 'forward', done: 1, total: 2 }]);
  });

  test('aborting a run stops it and keeps its worker, where the model is loaded', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    const [worker] = workers;
    if (worker) worker.held = true;
    const controller = new AbortController();
    const explaining = client.explain(request('a'), controller.signal, ignore);
    await settle();
    controller.abort();
    await expect(explaining).rejects.toBeInstanceOf(CancelledError);
    if (worker) worker.held = false;
    expect((await client.explain(request('b'), never(), ignore)).explanation.text).toBe('b');
    expect(worker?.calls).toEqual(['open', 'countTokens', 'explain a', 'cancel', 'explain b']);
    expect(workers).toHaveLength(1);
  });

  test('what nobody waits for makes way for an explanation, and begins again after it', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    const [worker] = workers;
    if (worker) worker.held = true;
    const laying = client.layOut('file', null, never());
    await settle();
    const explaining = client.explain(request('a'), never(), ignore);
    await settle();
    if (worker) worker.held = false;
    for (const one of worker?.waiting.splice(0) ?? []) one.resolve();
    expect((await explaining).explanation.text).toBe('a');
    expect((await laying).layout.tokens.ids).toHaveLength(4);
    expect(worker?.calls).toEqual(['open', 'countTokens', 'layOut file', 'cancel', 'explain a', 'layOut file']);
  });

  test('what nobody waits for ends when it is aborted, and does not begin again', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    if (workers[0]) workers[0].held = true;
    const controller = new AbortController();
    const laying = expect(client.layOut('file', null, controller.signal)).rejects.toBeInstanceOf(CancelledError);
    await settle();
    controller.abort();
    await laying;
    await settle();
    expect(workers[0]?.calls).toEqual(['open', 'countTokens', 'layOut file', 'cancel']);
  });

  describe('with time in hand', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());
    const soon = () => vi.advanceTimersByTimeAsync(10);

    test('a run that does not stop when it is aborted is ended, and the next request starts another worker', async () => {
      const { client, workers } = setUp();
      await client.countTokens('x', never());
      if (workers[0]) Object.assign(workers[0], { held: true, stops: false });
      const controller = new AbortController();
      const explaining = client.explain(request('a'), controller.signal, ignore);
      const ended = expect(explaining).rejects.toBeInstanceOf(CancelledError);
      await soon();
      controller.abort();
      await ended;
      await vi.advanceTimersByTimeAsync(900);
      expect(workers[0]?.disposed).toBe(false);
      await vi.advanceTimersByTimeAsync(100);
      expect(workers[0]?.disposed).toBe(true);
      expect((await client.explain(request('b'), never(), ignore)).explanation.text).toBe('b');
      expect(workers).toHaveLength(2);
    });

    test('a count that does not come back ends its worker, and that model is not asked to count again', async () => {
      const { client, workers, setting } = setUp();
      await client.countTokens('x', never());
      if (workers[0]) Object.assign(workers[0], { held: true, stops: false });
      const counting = expect(client.countTokens('aaaa', never())).rejects.toThrow(
        'The tokenizer of this model takes too long to count with.',
      );
      await vi.advanceTimersByTimeAsync(1990);
      expect(workers[0]?.disposed).toBe(false);
      await vi.advanceTimersByTimeAsync(10);
      await counting;
      expect(workers[0]?.disposed).toBe(true);
      await expect(client.countTokens('aaaa', never())).rejects.toThrow('takes too long');
      expect(workers).toHaveLength(1);
      setting.name = 'other';
      expect(await client.countTokens('ab', never())).toEqual({ count: 2, atLeast: false });
    });

    test.each(['a count', 'a question', 'an explanation'])('%s of one model never keeps another waiting', async (kind) => {
      const { client, workers, setting } = setUp();
      await client.countTokens('x', never());
      if (workers[0]) Object.assign(workers[0], { held: true, stops: false });
      const asked =
        kind === 'a count'
          ? client.countTokens('a', never())
          : kind === 'a question'
            ? client.ask('good', RUN, 'lens', { layer: 0, layers: 1, position: 0, positions: 1 }, never())
            : client.explain(request('a'), never(), ignore);
      const ended = expect(asked).rejects.toBeInstanceOf(CancelledError);
      await soon();
      setting.name = 'other';
      const next = client.explain(request('b'), never(), ignore);
      await vi.advanceTimersByTimeAsync(1000);
      await ended;
      expect((await next).modelKey).toBe('other');
    });

    test('a model that is being opened is given up when another one is wanted', async () => {
      const { client, workers, setting } = setUp({ hold: true });
      const first = expect(client.explain(request('a'), never(), ignore)).rejects.toBeInstanceOf(CancelledError);
      await soon();
      setting.name = 'other';
      const next = client.explain(request('b'), never(), ignore);
      await first;
      await soon();
      expect(workers.map(({ disposed }) => disposed)).toEqual([true, false]);
      if (workers[1]) workers[1].held = false;
      workers[1]?.waiting[0]?.resolve();
      expect((await next).modelKey).toBe('other');
    });

    test('a question of which nothing is heard ends its worker; one that makes progress goes on', async () => {
      const { client, workers } = setUp();
      await client.countTokens('x', never());
      if (workers[0]) Object.assign(workers[0], { held: true, stops: false });
      const asked = client.ask('good', RUN, 'lens', { layer: 0, layers: 1, position: 0, positions: 1 }, never());
      const ended = expect(asked).rejects.toThrow('The model did not answer for 120 seconds and was ended: run again.');
      await vi.advanceTimersByTimeAsync(110_000);
      workers[0]?.report({ stage: 'forward', done: 1, total: 2 });
      await vi.advanceTimersByTimeAsync(110_000);
      expect(workers[0]?.disposed).toBe(false);
      await vi.advanceTimersByTimeAsync(10_000);
      await ended;
      expect(workers[0]?.disposed).toBe(true);
    });

    test('a question that is no longer waited for is stopped, and its worker is kept however long that takes', async () => {
      const { client, workers } = setUp();
      await client.countTokens('x', never());
      if (workers[0]) Object.assign(workers[0], { held: true, stops: false });
      const controller = new AbortController();
      const asked = expect(
        client.ask('good', RUN, 'lens', { layer: 0, layers: 1, position: 0, positions: 1 }, controller.signal),
      ).rejects.toBeInstanceOf(CancelledError);
      await soon();
      controller.abort();
      await asked;
      await vi.advanceTimersByTimeAsync(5000);
      expect(workers[0]?.disposed).toBe(false);
      expect(workers[0]?.calls).toContain('cancel');
    });
  });

  test('a request aborted while it waits is never sent, and ends nothing', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    if (workers[0]) workers[0].held = true;
    const first = client.explain(request('a'), never(), ignore);
    const controller = new AbortController();
    const second = client.ask('good', RUN, 'lens', { layer: 0, layers: 1, position: 0, positions: 1 }, controller.signal);
    await settle();
    controller.abort();
    await expect(second).rejects.toBeInstanceOf(CancelledError);
    workers[0]?.waiting[0]?.resolve();
    await first;
    await settle();
    expect(workers[0]?.calls).toEqual(['open', 'countTokens', 'explain a']);
    expect(workers[0]?.disposed).toBe(false);
  });

  test('stopping ends even the opening of a model', async () => {
    const { client, workers, states } = setUp({ hold: true });
    const explaining = client.explain(request('a'), never(), ignore);
    await settle();
    client.stop();
    await expect(explaining).rejects.toBeInstanceOf(CancelledError);
    expect(workers[0]?.disposed).toBe(true);
    expect(states.at(-1)).toEqual({ kind: 'idle' });
  });

  test('a crash is told to whom it hit, and the next request works', async () => {
    const { client, workers, idleFailures } = setUp();
    await client.countTokens('x', never());
    if (workers[0]) workers[0].held = true;
    const explaining = client.explain(request('a'), never(), ignore);
    await settle();
    workers[0]?.crash();
    await expect(explaining).rejects.toThrow('The model’s process ended unexpectedly (exit code 134): run again to start another.');
    expect(idleFailures).toHaveLength(0);
    expect((await client.explain(request('b'), never(), ignore)).explanation.text).toBe('b');
  });

  test('a crash of an idle worker is only logged', async () => {
    const { client, workers, idleFailures, states } = setUp();
    await client.countTokens('x', never());
    await settle();
    workers[0]?.crash();
    expect(idleFailures).toHaveLength(1);
    expect(states.at(-1)).toEqual({ kind: 'idle' });
    expect((await client.countTokens('abc', never())).count).toBe(3);
  });

  test('a model that cannot be opened leaves the one before working, and is reported once', async () => {
    const { client, workers, refused, setting, states } = setUp();
    await client.explain(request('a'), never(), ignore);
    setting.name = 'bad';
    expect(await client.reopen()).toBe('good');
    expect(refused).toEqual(['bad refused, good kept: bad/config.json is not JSON.']);
    expect((await client.explain(request('b'), never(), ignore)).modelKey).toBe('good');
    expect(refused).toHaveLength(1);
    expect(workers.map(({ disposed }) => disposed)).toEqual([false, true]);
    expect(states.at(-1)).toMatchObject({ kind: 'ready', info: { name: 'good' } });
  });

  test('and does so after a crash, too', async () => {
    const { client, workers, refused, setting } = setUp();
    await client.explain(request('a'), never(), ignore);
    setting.name = 'bad';
    await client.reopen();
    workers[0]?.crash();
    expect((await client.explain(request('b'), never(), ignore)).modelKey).toBe('good');
    expect(refused).toHaveLength(1);
  });

  test('a first model that cannot be opened fails the request by its own words', async () => {
    const { client, workers, setting, states } = setUp();
    setting.name = 'bad';
    await expect(client.explain(request('a'), never(), ignore)).rejects.toThrow('bad/config.json is not JSON.');
    expect(states.at(-1)).toEqual({ kind: 'failed', message: 'bad/config.json is not JSON.' });
    expect(workers[0]?.disposed).toBe(true);
    setting.name = 'good';
    expect((await client.explain(request('b'), never(), ignore)).modelKey).toBe('good');
  });

  test('another model takes the place of the one before, whose questions are refused', async () => {
    const { client, workers, setting } = setUp();
    await client.explain(request('a'), never(), ignore);
    setting.name = 'other';
    expect(await client.reopen()).toBe('other');
    expect(workers.map(({ disposed }) => disposed)).toEqual([true, false]);
    await expect(client.ask('good', RUN, 'lens', { layer: 0, layers: 1, position: 0, positions: 1 }, never())).rejects.toThrow('run again');
  });

  test('a question goes to the model it is meant for, or is refused', async () => {
    const { client, setting } = setUp();
    await client.explain(request('a'), never(), ignore);
    expect(await client.ask('good', RUN, 'lens', { layer: 2, layers: 1, position: 0, positions: 1 }, never())).toMatchObject({ layer: 2 });
    setting.name = 'other';
    await client.reopen();
    await expect(client.ask('good', RUN, 'lens', { layer: 2, layers: 1, position: 0, positions: 1 }, never())).rejects.toThrow('run again');
  });

  test('a worker nothing is asked of is ended after a while', async () => {
    vi.useFakeTimers();
    try {
      const { client, workers, states } = setUp({ idleMs: 1000 });
      await client.countTokens('x', never());
      await vi.advanceTimersByTimeAsync(999);
      expect(workers[0]?.disposed).toBe(false);
      await vi.advanceTimersByTimeAsync(2);
      expect(workers[0]?.disposed).toBe(true);
      expect(states.at(-1)).toEqual({ kind: 'idle' });
      expect((await client.countTokens('xy', never())).count).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });

  test('disposing ends the worker and rejects what is going on', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    if (workers[0]) workers[0].held = true;
    const explaining = client.explain(request('a'), never(), ignore);
    await settle();
    client.dispose();
    await expect(explaining).rejects.toBeInstanceOf(CancelledError);
    expect(workers[0]?.disposed).toBe(true);
    await expect(client.countTokens('y', never())).rejects.toBeInstanceOf(CancelledError);
    expect(workers).toHaveLength(1);
  });
});

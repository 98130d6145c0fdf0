import { countText } from '../../src/core/countText.ts';
import { runOf, UNCHANGED, type Run } from '../../src/core/run.ts';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { CancelledError, UserError } from '../../src/core/errors.ts';
import type { GenerationStep } from '../../src/core/generation.ts';
import type { QueryArgs } from '../../src/protocol/queries.ts';
import { rankOf, softmax } from '../../src/core/probability.ts';
import { uniformAt } from '../../src/core/random.ts';
import { at } from '../../src/core/tensor.ts';
import type { ModelLocation, WorkerApi } from '../../src/worker/workerApi.ts';
import { startNodeWorker, type NodeWorkerOptions } from '../../src/worker/port.node.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import { expectNear, itemOf } from '../closeness.ts';

const root = join(import.meta.dirname, '..', '..');
const BUNDLED = join(root, 'media', 'models', 'explain-tokens-9m');
const bundled: ModelLocation = { kind: 'folder', name: 'explain-tokens-9m', path: BUNDLED };
const PROMPT = 'The lighthouse keeper wrote: 大型语言';
const SAMPLING = { temperature: 0.9, topK: 40, topP: 0.95, minP: 0.01 };
const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0 };
const open: Connection<WorkerApi>[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.dispose()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function start(options: NodeWorkerOptions, location = bundled): Promise<Connection<WorkerApi>> {
  const connection = connect<WorkerApi>(startNodeWorker(join(root, 'dist'), options));
  open.push(connection);
  await connection.remote.open(location);
  return connection;
}

/** The bundled model with other files beside its weights. */
function variant(files: Readonly<Record<string, string>>): ModelLocation {
  const path = mkdtempSync(join(tmpdir(), 'generation-'));
  folders.push(path);
  cpSync(BUNDLED, path, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { kind: 'folder', name: 'variant', path };
}

type StepArgs = QueryArgs<'step'>;
type AskedStep = readonly [Run, 'step', StepArgs];
const request = (ids: Int32Array, change: Partial<StepArgs> = {}): AskedStep => [
  runOf(ids, UNCHANGED),
  'step',
  { continuation: [], sampling: SAMPLING, seed: 7, topK: 10, attention: false, ...change },
];
const followedBy = (ids: Int32Array, ...more: readonly number[]): Int32Array => Int32Array.from([...ids, ...more]);
/** What no worker may answer otherwise: all but times, what was run, and the last digits. */
const essence = ({ position, id, text, rank, topIds, pieces, filters, keptCount, draw, stop }: GenerationStep): object => ({
  position,
  id,
  text,
  rank,
  topIds,
  pieces,
  filters: filters.map(({ filter, kept, dropped }) => [filter, kept, dropped]),
  keptCount,
  uniform: draw?.uniform,
  stop,
});
const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

async function promptOf({ remote }: Connection<WorkerApi>): Promise<Int32Array> {
  return Int32Array.from((await remote.explain({ text: PROMPT, topK: 1 })).tokens, (token) => token.id);
}

describe.each<[string, NodeWorkerOptions]>([
  ['WASM', { runtime: 'wasm' }],
  ['native', { runtime: 'native', nativeFolder: join(root, 'test', 'native') }],
])('generation, %s', (_, options) => {
  it('reads a prompt at once, then each new token alone, and tells all about it', async () => {
    const { remote } = await start(options);
    let ids: Int32Array = Int32Array.of(0, 737, 336, 1909);
    for (let n = 0; n < 6; n++) {
      const step = await remote.ask(...request(ids, { attention: true }));
      expect(step.reading).toMatchObject(n === 0 ? { run: 4, known: 0, reread: false } : { run: 1, known: ids.length - 1, reread: false });
      expect(step.reading.stepMs).toBeGreaterThanOrEqual(step.reading.runMs);
      expect(step.cache).toEqual({
        positions: ids.length,
        bytesPerLayer: Array.from({ length: 6 }, () => ids.length * 8 * 32 * 2 * 4),
        bytes: ids.length * 8 * 32 * 2 * 4 * 6,
      });
      expect([step.position, step.stop]).toEqual([ids.length, null]);

      const { logits, topIds } = await remote.ask(runOf(ids, UNCHANGED), 'distribution', { position: ids.length - 1 });
      const probs = softmax(logits);
      expect(step.topIds).toEqual(topIds.slice(0, 10));
      expectNear(
        step.topProbs,
        Array.from(topIds.slice(0, 10), (id) => at(probs, id)),
        5e-6,
      );
      expect([step.prob, step.rank]).toEqual([expect.closeTo(probs[step.id] ?? -1, 5), rankOf(logits, step.id)]);
      expect(step.filters.map(({ filter }) => filter)).toEqual(['topK', 'topP', 'minP']);
      expect(step.keptCount).toBe(16384 - sum(step.filters.map(({ dropped }) => dropped)));
      const { uniform, from, to } = step.draw ?? { uniform: -1, from: 0, to: 0 };
      expect(uniform).toBe(uniformAt(7, ids.length));
      expect(from <= uniform && uniform < to).toBe(true);
      expect(to - from).toBeCloseTo(step.final, 6);

      const { weights = new Float32Array() } = step.attention ?? {};
      expect(weights.length).toBe(6 * 8 * ids.length);
      for (const [layer, head] of [
        [0, 0],
        [3, 5],
        [5, 7],
      ] as const) {
        const row = (await remote.ask(runOf(ids, UNCHANGED), 'attention', { layer, head })).weights.slice(-ids.length);
        const place = (layer * 8 + head) * ids.length;
        expectNear(weights.subarray(place, place + ids.length), row, 5e-6);
      }
      ids = followedBy(ids, step.id);
    }
  });

  it('takes over what an explanation has read, and shows of a generated text what it shows of any', async () => {
    const connection = await start(options);
    const { remote } = connection;
    const prompt = await promptOf(connection);
    const first = await remote.ask(...request(prompt));
    expect(first.reading).toMatchObject({ run: 0, known: prompt.length, runMs: 0 });
    let ids = followedBy(prompt, first.id);
    for (let n = 0; n < 3; n++) ids = followedBy(ids, (await remote.ask(...request(ids))).id);
    const views = async ({ remote: of }: Connection<WorkerApi>): Promise<unknown[]> =>
      [
        await of.ask(runOf(ids, UNCHANGED), 'attention', { layer: 2, head: 1 }),
        await of.ask(runOf(ids, UNCHANGED), 'attentionCell', { layer: 2, head: 1, query: ids.length - 1, key: 2 }),
        await of.ask(runOf(ids, UNCHANGED), 'projection', { layer: -1, skipFirst: false }),
        (await of.ask(runOf(ids, UNCHANGED), 'lens', { layer: 6, layers: 1, position: 0, positions: ids.length })).topIds,
        (await of.ask(runOf(ids, UNCHANGED), 'distribution', { position: prompt.length })).topIds.slice(0, 5),
      ].map((view) =>
        JSON.parse(JSON.stringify(view, (_key, value: unknown) => (typeof value === 'number' ? Math.round(value * 1e3) / 1e3 : value))),
      );
    expect(await views(connection)).toEqual(await views(await start(options)));
  });

  it('answers the same from a new worker in the midst of it, and at either of two branches', async () => {
    const connection = await start(options);
    const { remote } = connection;
    let ids = await promptOf(connection);
    const steps: GenerationStep[] = [];
    const asked: AskedStep[] = [];
    for (let n = 0; n < 5; n++) {
      asked.push(request(ids));
      const step = await remote.ask(...request(ids));
      steps.push(step);
      ids = followedBy(ids, step.id);
    }
    const again = await start(options);
    for (const n of [4, 1, 3]) {
      const step = await again.remote.ask(...itemOf(asked, n));
      expect(essence(step)).toEqual(essence(itemOf(steps, n)));
      expect(step.prob).toBeCloseTo(itemOf(steps, n).prob, 5);
      expect(step.reading.run).toBe(n === 4 ? ids.length - 1 : n === 1 ? 0 : 2);
    }
    const branch = followedBy(itemOf(asked, 2)[0].ids, at(itemOf(steps, 2).topIds, 3));
    expect((await remote.ask(...request(branch))).reading).toMatchObject({ run: 1, known: branch.length - 1 });
    expect(essence(await remote.ask(...itemOf(asked, 4)))).toEqual(essence(itemOf(steps, 4)));
  });

  it('answers steps that overlap as if they came one after another', async () => {
    const connection = await start(options);
    const prompt = await promptOf(connection);
    const requests = [
      request(prompt),
      request(followedBy(prompt, 300)),
      request(prompt, { seed: 8 }),
      request(followedBy(prompt, 301, 302), { sampling: GREEDY }),
    ];
    const together = await Promise.all(requests.map((one) => connection.remote.ask(...one)));
    for (const [n, one] of requests.entries()) expect(essence(await connection.remote.ask(...one))).toEqual(essence(itemOf(together, n)));
  });

  it('is cancelled while it reads a prompt, and a new worker goes on from there', async () => {
    const first = await start(options);
    const ids = Int32Array.from({ length: 500 }, (__, i) => (i * 37) % 16384);
    const running = new Promise<void>((resolve) => first.onProgress((progress) => (progress.stage === 'forward' ? resolve() : undefined)));
    const step = first.remote.ask(...request(ids)).catch((error: unknown) => error);
    await running;
    await first.dispose();
    expect(await step).toBeInstanceOf(CancelledError);
    expect((await (await start(options)).remote.ask(...request(ids))).reading.run).toBe(500);
  });

  it('tells a step whose worker is lost, and a new one answers', async () => {
    const dist = mkdtempSync(join(tmpdir(), 'explain-tokens-'));
    folders.push(dist);
    writeFileSync(join(dist, 'worker.js'), "setTimeout(() => process.exit(3), 100); process.on('message', () => undefined);");
    const lost = connect<WorkerApi>(startNodeWorker(dist, options));
    open.push(lost);
    await expect(lost.remote.ask(...request(Int32Array.of(5)))).rejects.toThrow('The model worker stopped unexpectedly (exit code 3).');
    expect((await (await start(options)).remote.ask(...request(Int32Array.of(5)))).position).toBe(1);
  });
});

describe('generation', () => {
  const options: NodeWorkerOptions = { runtime: 'wasm' };

  it('ends where the context is full, and refuses to go beyond', async () => {
    const { remote } = await start(options);
    const ids = Int32Array.from({ length: BUNDLED_CONTEXT }, (_, i) => (i * 37) % 16384);
    expect((await remote.ask(...request(ids.slice(0, -2)))).stop).toBeNull();
    expect((await remote.ask(...request(ids.slice(0, -1)))).stop).toBe('context');
    await expect(remote.ask(...request(ids))).rejects.toThrow(
      `The text takes ${countText(BUNDLED_CONTEXT)} tokens and the model reads ${countText(BUNDLED_CONTEXT)} at once: ` +
        'there is no room for another.',
    );
  });

  it("ends with any token of generation_config.json's list, else of config.json's, else never", async () => {
    const prompt = Int32Array.of(0, 737, 336, 1909);
    const { id } = await (await start(options)).remote.ask(...request(prompt, { sampling: GREEDY }));
    const { eos_token_id: _, ...config } = JSON.parse(readFileSync(join(BUNDLED, 'config.json'), 'utf8')) as Record<string, unknown>;
    const cases = [
      [{ 'generation_config.json': JSON.stringify({ eos_token_id: [5, id] }) }, [5, id], 'eos'],
      [{ 'generation_config.json': '{}', 'config.json': JSON.stringify({ ...config, eos_token_id: id }) }, [id], 'eos'],
      [{ 'generation_config.json': '{}', 'config.json': JSON.stringify(config) }, [], null],
    ] as const;
    const { remote } = await start(options);
    for (const [files, eos, stop] of cases) {
      expect((await remote.open(variant(files))).eos).toEqual(eos);
      expect(await remote.ask(...request(prompt, { sampling: GREEDY }))).toMatchObject({ id, stop, draw: null, keptCount: 1 });
    }
  });

  it.each([
    ['not JSON', '{'],
    ['a list', '[]'],
    ['no ids', '{"eos_token_id": "</s>"}'],
  ])('refuses a generation_config.json that is %s, and explains all the same', async (_, text) => {
    const { remote } = await start(options);
    expect(await remote.open(variant({ 'generation_config.json': text }))).not.toHaveProperty('eos');
    await expect(remote.ask(...request(Int32Array.of(5)))).rejects.toThrow(/generation_config\.json/);
    expect((await remote.explain({ text: 'still here', topK: 1 })).tokens.length).toBeGreaterThan(1);
  });

  it('refuses settings that mean nothing, and goes on', async () => {
    const { remote } = await start(options);
    const ids = Int32Array.of(5, 6);
    for (const change of [{ temperature: Number.NaN }, { topK: Infinity }, { topP: Number.NaN }, { minP: -Infinity }])
      await expect(remote.ask(...request(ids, { sampling: { ...SAMPLING, ...change } }))).rejects.toThrow(UserError);
    for (const seed of [-1, 0.5, 2 ** 53, Number.NaN]) await expect(remote.ask(...request(ids, { seed }))).rejects.toThrow(/seed/);
    await expect(remote.ask(...request(Int32Array.of(99_999)))).rejects.toThrow(UserError);
    await expect(remote.ask(...request(new Int32Array(0)))).rejects.toThrow(UserError);
    for (const sampling of [
      { temperature: 100, topK: 99_999, topP: 9, minP: 0 },
      { temperature: 0, topK: 1, topP: 0, minP: 2 },
      { temperature: -1, topK: -4, topP: -1, minP: -1 },
    ]) {
      const step = await remote.ask(...request(ids, { sampling }));
      expect([step.final, step.entropyFinal, step.prob].every(Number.isFinite)).toBe(true);
    }
  });

  it('spells text whose characters are parts of several tokens', async () => {
    const { remote } = await start(options);
    const text = ' 👩‍👩‍👧‍👦 龘 الخط ok';
    const { tokens } = await remote.explain({ text, topK: 1 });
    expect(tokens.some(({ partial }) => partial)).toBe(true);
    const ids = Int32Array.from(tokens, ({ id }) => id);
    expect(await remote.ask(runOf([], UNCHANGED), 'textOf', { ids: [...ids] })).toEqual({ text });
    expect(await remote.ask(runOf([], UNCHANGED), 'textOf', { ids: [] })).toEqual({ text: '' });
    const part = tokens.findIndex(({ partial }) => partial);
    expect((await remote.ask(runOf([], UNCHANGED), 'textOf', { ids: [ids[part] ?? -1] })).text).toMatch(/�$/);
  });

  it('explains generated tokens with the text, each in its place, characters of several tokens too', async () => {
    const { remote } = await start(options);
    const text = 'Hello 👩‍👩‍👧‍👦 龘 الخط ok';
    const whole = await remote.explain({ text, topK: 1 });
    const { name } = whole.model;
    const cut = whole.tokens.findIndex(({ start }) => start >= 5);
    const prompt = text.slice(0, whole.tokens[cut]?.start);
    const ids = whole.tokens.slice(cut).map(({ id }) => id);
    const continued = await remote.explain({ text: prompt, topK: 1, continuation: { model: name, chat: false, ids } });
    expect(continued.tokens).toEqual(whole.tokens);
    expect([continued.text, continued.generated]).toEqual([text, ids.length]);
    expect(continued.logprob).toEqual(whole.logprob);

    const part = whole.tokens.findIndex(({ partial }) => partial);
    const broken = await remote.explain({
      text: prompt,
      topK: 1,
      continuation: { model: name, chat: false, ids: [...whole.tokens.slice(cut, part + 1).map(({ id }) => id), 0] },
    });
    expect(broken.text.endsWith('�')).toBe(true);
    expect(broken.tokens.at(-1)).toMatchObject({ id: 0, special: true });
    expect(broken.tokens.at(-2)).toMatchObject({ partial: true, end: broken.text.length });
    expect(
      (await remote.explain({ text: prompt, topK: 1, continuation: { model: 'another', chat: false, ids } })).generated,
    ).toBeUndefined();
    expect((await remote.explain({ text: prompt, topK: 1, continuation: { model: name, chat: true, ids } })).text).toBe(prompt);
    expect((await remote.explain({ text: prompt, topK: 1, continuation: { model: name, chat: false, ids: [99_999] } })).text).toBe(prompt);
  });
});

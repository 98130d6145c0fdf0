import { runOf, UNCHANGED, type Run } from '../../src/core/run.ts';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { shadeWeight } from '../../src/core/headMetrics.ts';
import { CancelledError, UserError } from '../../src/core/errors.ts';
import type { Explanation } from '../../src/core/trace.ts';
import type { ModelLocation, WorkerApi } from '../../src/worker/workerApi.ts';
import { findNativeRuntime } from '../../src/worker/native.node.ts';
import { startNodeWorker, type NodeWorkerOptions } from '../../src/worker/port.node.ts';
import { LETTERS_TOKENIZER } from '../webview/family.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import { withLayers, type MeasuredHeads } from '../../webview/figures/heads.ts';

const root = join(import.meta.dirname, '..', '..');
const bundled: ModelLocation = { kind: 'folder', name: 'explain-tokens-9m', path: join(root, 'media', 'models', 'explain-tokens-9m') };
const text = 'The lighthouse keeper wrote: 大型语言模型 👩‍👩‍👧‍👦 const x = 1;\r\n';
const open: Connection<WorkerApi>[] = [];

function start(options: NodeWorkerOptions = {}): Connection<WorkerApi> {
  const connection = connect<WorkerApi>(startNodeWorker(join(root, 'dist'), options));
  open.push(connection);
  return connection;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.dispose()));
});

const idsOf = (explanation: Explanation): Int32Array => Int32Array.from(explanation.tokens, (token) => token.id);

/** Heads of all layers, asked for as the panel does. */
async function allHeads(remote: Connection<WorkerApi>['remote'], run: Run): Promise<MeasuredHeads> {
  const model = { layers: 6, heads: 8 };
  let all: MeasuredHeads | null = null;
  while (all === null || all.layers < model.layers)
    all = withLayers(all, model, await remote.ask(run, 'heads', { layer: all?.layers ?? 0 }));
  return all;
}

/** Sum over a vector or a row, in float64. */
const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

function everythingFits(explanation: Explanation): void {
  const { tokens, topK } = explanation;
  const count = tokens.length;
  expect([explanation.logprob.length, explanation.rank.length, explanation.entropy.length]).toEqual([count, count, count]);
  expect([explanation.topIds.length, explanation.topProbs.length]).toEqual([count * topK, count * topK]);
  expect([Number.isNaN(explanation.logprob[0]), explanation.rank[0], Number.isNaN(explanation.entropy[0])]).toEqual([true, 0, true]);
  for (const id of explanation.topIds) expect(explanation.pieces[id]).toBeTypeOf('string');
  for (let t = 1; t < count; t++) {
    const place = explanation.topIds.subarray((t - 1) * topK, t * topK).indexOf(tokens[t]?.id ?? -1);
    if (place < 0) continue;
    // The token was among the candidates: both numbers tell of the same probability.
    expect(Math.exp(explanation.logprob[t] ?? 0)).toBeCloseTo(explanation.topProbs[(t - 1) * topK + place] ?? -1, 5);
    expect(explanation.rank[t]).toBeLessThanOrEqual(place + 1);
  }
  expect(explanation.forwardMs).toBeGreaterThan(0);
}

describe.each<[string, readonly ['experts' | 'latent', ...number[]]]>([
  ['mixtral.1', ['experts', 1]],
  ['deepseek_v3.1', ['latent', 1, 3]],
])('a worker with %s', (name, [call, layer = 0, token = 0]) => {
  it('answers the same when asked again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'family-'));
    try {
      for (const file of ['config.json', 'model.safetensors'])
        writeFileSync(join(folder, file), readFileSync(join(root, 'test', 'fixtures', 'models', 'families', name, file)));
      writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(LETTERS_TOKENIZER));
      const { remote } = start({ runtime: 'wasm' });
      await remote.open({ kind: 'folder', name, path: folder });
      const ids = idsOf(await remote.explain({ text: 'the cat sat.', topK: 3 }));
      const ask = async (): Promise<unknown> =>
        call === 'experts'
          ? remote.ask(runOf(ids, UNCHANGED), 'experts', { layer })
          : remote.ask(runOf(ids, UNCHANGED), 'latent', { layer, token });
      const first = await ask();
      expect(await ask()).toEqual(first);
      await expect(
        call === 'experts'
          ? remote.ask(runOf(ids, UNCHANGED), 'latent', { layer, token })
          : remote.ask(runOf(ids, UNCHANGED), 'experts', { layer: 0 }),
      ).rejects.toThrow(/has no (experts|latent)/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.each<[string, NodeWorkerOptions]>([
  ['WASM', { runtime: 'wasm' }],
  ['native', { runtime: 'native', nativeFolder: join(root, 'test', 'native') }],
])('%s', (_, options) => {
  it('explains a text and answers every view of it consistently', async () => {
    const { remote, onProgress } = start(options);
    const stages = new Set<string>();
    onProgress((progress, call) => stages.add(`${call} ${progress.stage}`));
    const info = await remote.open(bundled);
    expect(info).toMatchObject({
      family: 'llama',
      layers: 6,
      heads: 8,
      dim: 256,
      vocab: 16384,
      contextLength: BUNDLED_CONTEXT,
      runtime: options.runtime,
    });
    const explanation = await remote.explain({ text, topK: 10 });
    everythingFits(explanation);
    expect((await remote.explain({ text, topK: 10 })).forwardMs).toBe(explanation.forwardMs);
    expect(stages).toEqual(new Set(['explain load', 'explain forward', 'explain predictions']));
    expect([explanation.text, explanation.omitted]).toEqual([text, 0]);
    const ids = idsOf(explanation);
    const count = ids.length;

    const { metrics, thumbnails, thumbnailSize } = await allHeads(remote, runOf(ids, UNCHANGED));
    expect([metrics.length, thumbnails.length]).toEqual([6 * 8 * 4, 6 * 8 * thumbnailSize ** 2]);
    expect(thumbnails.length).toBeLessThanOrEqual(400 * 1024);

    const map = await remote.ask(runOf(ids, UNCHANGED), 'attention', { layer: 4, head: 3 });
    const query = count - 2;
    expect(sum(map.weights.subarray(query * count, (query + 1) * count))).toBeCloseTo(1, 5);
    expect([...map.weights.subarray(query * count + query + 1, (query + 1) * count)].every((weight) => weight === 0)).toBe(true);
    const row = await remote.ask(runOf(ids, UNCHANGED), 'attentionRow', { layer: 4, head: 3, query });
    expect([...row.weights]).toEqual([...map.weights.subarray(query * count, query * count + query + 1)]);
    const picture = await remote.ask(runOf(ids, UNCHANGED), 'attentionPicture', { layer: 4, head: 3 });
    expect(picture.shades.length).toBe((count * (count + 1)) / 2);
    expect(picture.largest).toBe(map.weights.reduce((largest, weight) => Math.max(largest, weight), 0));
    for (const [key, weight] of row.weights.entries())
      expect(Math.abs(shadeWeight(picture.shades[(query * (query + 1)) / 2 + key] ?? 0) - weight)).toBeLessThan(0.008);
    for (const key of [0, 3, query]) {
      const cell = await remote.ask(runOf(ids, UNCHANGED), 'attentionCell', { layer: 4, head: 3, query, key });
      expect(cell.weight).toBeCloseTo(map.weights[query * count + key] ?? -1, 5);
      expect(cell.scale).toBeCloseTo(1 / Math.sqrt(32), 7);
      expect(cell.dot).toBeCloseTo(sum(cell.q.map((value, i) => value * (cell.k[i] ?? 0))), 4);
      expect([cell.q.length, cell.v.length, cell.rowScores.length, cell.masked]).toEqual([32, 32, query + 1, false]);
      expect(cell.rowScores[key]).toBeCloseTo(cell.scaled, 5);
    }
    expect(await remote.ask(runOf(ids, UNCHANGED), 'attentionCell', { layer: 4, head: 3, query: 1, key: 2 })).toMatchObject({
      masked: true,
      weight: 0,
    });

    for (const layer of [-1, 0, 6]) {
      const projection = await remote.ask(runOf(ids, UNCHANGED), 'projection', { layer, skipFirst: true });
      expect([projection.points.length, projection.norms.length, projection.leftOut]).toEqual([count * 3, count, 1]);
      expect(sum(projection.explained)).toBeGreaterThan(0);
      expect(sum(projection.explained)).toBeLessThanOrEqual(1 + 1e-6);
    }

    const last = await remote.ask(runOf(ids, UNCHANGED), 'lens', { layer: 6, layers: 1, position: 0, positions: count });
    expect([...last.kl].every((bits) => bits >= 0 && bits < 1e-4)).toBe(true);
    expect([last.nextRank[count - 1], Number.isNaN(last.nextProb[count - 1])]).toEqual([0, true]);
    for (let t = 0; t + 1 < count; t++) {
      expect(last.nextRank[t]).toBe(explanation.rank[t + 1]);
      expect(last.nextProb[t]).toBeCloseTo(Math.exp(explanation.logprob[t + 1] ?? 0), 5);
      expect(last.topIds[t]).toBe(explanation.topIds[t * 10]);
    }
    const first = await remote.ask(runOf(ids, UNCHANGED), 'lens', { layer: 0, layers: 1, position: 0, positions: count });
    expect(sum(first.kl)).toBeGreaterThan(1);

    const { logits, topIds, pieces } = await remote.ask(runOf(ids, UNCHANGED), 'distribution', { position: 5 });
    expect([logits.length, topIds.length, Object.keys(pieces).length]).toEqual([16384, 200, 200]);
    const max = logits.reduce((largest, logit) => Math.max(largest, logit), -Infinity);
    const total = sum(logits.map((logit) => Math.exp(logit - max)));
    for (let k = 0; k < 10; k++)
      expect(Math.exp((logits[topIds[k] ?? 0] ?? 0) - max) / total).toBeCloseTo(explanation.topProbs[5 * 10 + k] ?? -1, 5);
  });

  it('explains the first part of a text that does not fit, ending at a whole character', async () => {
    const { remote } = start(options);
    await remote.open(bundled);
    const long = '😀 emoji 大型语言模型 text '.repeat(2000);
    const explanation = await remote.explain({ text: long, topK: 1 });
    expect(explanation.tokens.length).toBeGreaterThan(BUNDLED_CONTEXT - 7);
    expect(explanation.tokens.length).toBeLessThanOrEqual(BUNDLED_CONTEXT);
    expect(long.startsWith(explanation.text)).toBe(true);
    expect(/\p{Surrogate}/u.test(explanation.text)).toBe(false);
    expect(explanation.omitted).toBe(long.length - explanation.text.length);
    const bytes = explanation.tokens.flatMap((token) => [...token.bytes]);
    expect(Buffer.from(bytes).toString()).toBe(explanation.text);
    everythingFits(explanation);
  });

  it('is cancelled in the midst of a run, and a new one answers', async () => {
    const port = startNodeWorker(join(root, 'dist'), options);
    let last: unknown;
    port.onMessage((message) => (last = message));
    const first = connect<WorkerApi>(port);
    open.push(first);
    await first.remote.open(bundled);
    const running = new Promise<void>((resolve) => first.onProgress((progress) => (progress.stage === 'forward' ? resolve() : undefined)));
    const explained = first.remote.explain({ text: 'words and more words. '.repeat(200), topK: 10 }).catch((error: unknown) => error);
    await running;
    await first.dispose();
    expect(await explained).toBeInstanceOf(CancelledError);
    // The run was not waited for: what comes after it never began.
    expect(last).toMatchObject({ progress: { stage: 'forward' } });
    const second = start(options);
    await second.remote.open(bundled);
    expect((await second.remote.explain({ text: 'again', topK: 1 })).tokens.length).toBeGreaterThan(1);
  });

  it('stops between two layers when it is cancelled, with the model still loaded', async () => {
    const { remote, onProgress, cancel } = start(options);
    await remote.open(bundled);
    await remote.explain({ text: 'so that it is loaded', topK: 1 });
    const stages: string[] = [];
    const stop = onProgress(({ stage, done }) => {
      stages.push(stage);
      if (stage === 'forward' && done === 0) cancel();
    });
    const [explained, counted] = await Promise.all([
      remote.explain({ text: 'words and more words. '.repeat(200), topK: 10 }).catch((error: unknown) => error),
      remote.countTokens('it had to wait').catch((error: unknown) => error),
    ]);
    expect(explained).toBeInstanceOf(CancelledError);
    expect(counted).toBeInstanceOf(CancelledError);
    expect(stages).not.toContain('predictions');
    stop();
    expect((await remote.explain({ text: 'again', topK: 1 })).tokens.length).toBeGreaterThan(1);
  });

  it.runIf(process.platform === 'linux')('does not outlive its parent, though it is at work', async () => {
    const script = `
      const { fork } = require('node:child_process');
      const options = { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] };
      const worker = fork(${JSON.stringify(join(root, 'dist/worker.js'))}, [process.argv[1]], options);
      worker.send({ id: 1, name: 'open', args: [JSON.parse(process.argv[2])] });
      worker.on('message', ({ id, result, progress }) => {
        if (id === 1) worker.send({ id: 2, name: 'explain', args: [{ text: 'words and more words. '.repeat(200), topK: 10 }] });
        if (progress?.stage === 'forward') console.log(worker.pid);
      });`;
    const boot = {
      distFolder: join(root, 'dist'),
      native: {
        file: options.runtime === 'native' ? findNativeRuntime('native', join(root, 'dist'), options.nativeFolder) : null,
        insisted: true,
      },
    };
    const parent = spawn(process.execPath, ['-e', script, JSON.stringify(boot), JSON.stringify(bundled)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = Number(
      await new Promise<string>((resolve) => parent.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()))).then(
        (text) => text.trim().split('\n')[0],
      ),
    );
    expect(pid).toBeGreaterThan(0);
    parent.kill('SIGKILL');
    await expect.poll(() => existsSync(`/proc/${pid}/stat`)).toBe(false);
  });

  it('answers calls that overlap as if they came one after another', async () => {
    const { remote } = start(options);
    const opening = remote.open(bundled);
    const [, one, two, count] = await Promise.all([
      opening,
      remote.explain({ text: 'one', topK: 3 }),
      remote.explain({ text: 'two words', topK: 3 }),
      remote.countTokens('two words'),
    ]);
    const alone = await remote.explain({ text: 'one', topK: 3 });
    // What was run before is kept, and said to be.
    expect(one.forwardKept).toBeUndefined();
    expect({ ...one, forwardMs: 0, forwardKept: true }).toEqual({ ...alone, forwardMs: 0 });
    expect(count).toEqual({ count: two.tokens.length - 1, atLeast: false });
  });

  it('runs of an edited text what changed, to the same numbers', async () => {
    const { remote } = start(options);
    await remote.open(bundled);
    const sentence = 'The harbour lay still and grey, and the gulls that had followed the boats came down to the wall. ';
    const before = await remote.explain({ text: sentence.repeat(3), topK: 5 });
    const edited = `${sentence.repeat(2)}The harbour lay bright`;
    const found = await remote.explain({ text: edited, topK: 5 });
    expect(before.forwardShared).toBeUndefined();
    const same = found.tokens.findIndex(({ id }, i) => id !== before.tokens[i]?.id);
    expect(same).toBeGreaterThan(30);
    expect([found.forwardShared, found.forwardKept]).toEqual([same, undefined]);

    const other = start(options);
    await other.remote.open(bundled);
    const fresh = await other.remote.explain({ text: edited, topK: 5 });
    expect(fresh.forwardShared).toBeUndefined();
    expect([found.tokens, found.topIds, found.rank, found.pieces]).toEqual([fresh.tokens, fresh.topIds, fresh.rank, fresh.pieces]);
    const near = (ours: Float32Array, theirs: Float32Array, what: string): void => {
      for (const [i, value] of theirs.entries()) {
        if (Number.isNaN(value)) expect(ours[i]).toBeNaN();
        else expect(Math.abs((ours[i] ?? NaN) - value), `${what} ${i}`).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
      }
    };
    for (const name of ['logprob', 'entropy', 'topProbs'] as const) near(found[name], fresh[name], name);
    const [own, theirs] = await Promise.all([remote, other.remote].map((one) => allHeads(one, found.run)));
    near(own?.metrics ?? new Float32Array(0), theirs?.metrics ?? new Float32Array(1), 'head metric');
    expect(own?.thumbnails.every((shade, i) => Math.abs(shade - (theirs?.thumbnails[i] ?? NaN)) <= 1)).toBe(true);
    // Asked again, it is kept, and still told as what it was.
    expect(await remote.explain({ text: edited, topK: 5 })).toEqual({ ...found, forwardKept: true });
  });

  it('keeps the model that works when another one cannot be opened', async () => {
    const { remote } = start(options);
    await remote.open(bundled);
    await expect(remote.open({ kind: 'folder', name: 'gpt2', path: join(root, 'test', 'fixtures', 'models', 'gpt2') })).rejects.toThrow(
      'The folder gpt2 has no tokenizer.json.',
    );
    await expect(remote.open({ kind: 'folder', name: 'nowhere', path: join(root, 'nowhere') })).rejects.toThrow(UserError);
    await expect(remote.open({ kind: 'folder', name: 'file', path: join(root, 'package.json') })).rejects.toThrow(
      /neither a folder nor a GGUF file/,
    );
    await expect(remote.explain({ text: '', topK: 1 })).rejects.toThrow(UserError);
    expect((await remote.explain({ text: 'still here', topK: 1 })).model.name).toBe('explain-tokens-9m');
  });

  it('opens a model whose files are in memory', async () => {
    const { remote } = start(options);
    const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
    const files = Object.fromEntries(
      names.map((name) => [name, new Uint8Array(readFileSync(join(root, 'media', 'models', 'explain-tokens-9m', name)))]),
    );
    await remote.open({ kind: 'files', name: 'in memory', files });
    const fromMemory = await remote.explain({ text, topK: 5 });
    await remote.open(bundled);
    const fromDisk = await remote.explain({ text, topK: 5 });
    expect(fromMemory.topIds).toEqual(fromDisk.topIds);
    expect(fromMemory.model.name).toBe('in memory');
  });

  it('refuses what lies outside the model, and goes on', async () => {
    const { remote } = start(options);
    await remote.open(bundled);
    const ids = Int32Array.of(0, 500, 600);
    await expect(remote.ask(runOf(ids, UNCHANGED), 'attention', { layer: 6, head: 0 })).rejects.toThrow('The layer 6 is outside 0..5.');
    await expect(remote.ask(runOf(ids, UNCHANGED), 'attention', { layer: 0, head: 8 })).rejects.toThrow('The head 8 is outside 0..7.');
    await expect(remote.ask(runOf(ids, UNCHANGED), 'distribution', { position: 3 })).rejects.toThrow('The position 3 is outside 0..2.');
    await expect(remote.ask(runOf(ids, UNCHANGED), 'projection', { layer: 7, skipFirst: false })).rejects.toThrow(
      'The layer 7 is outside -1..6.',
    );
    await expect(
      remote.ask(runOf(Int32Array.of(99999), UNCHANGED), 'lens', { layer: 0, layers: 1, position: 0, positions: 1 }),
    ).rejects.toThrow(UserError);
    expect((await remote.ask(runOf(ids, UNCHANGED), 'attention', { layer: 5, head: 7 })).weights.length).toBe(9);
  });

  it('tells every open call once when it is lost, and a new one answers', async () => {
    const dist = mkdtempSync(join(tmpdir(), 'explain-tokens-'));
    writeFileSync(join(dist, 'worker.js'), "setTimeout(() => process.exit(3), 200); process.on('message', () => undefined);");
    const connection = connect<WorkerApi>(startNodeWorker(dist, options));
    open.push(connection);
    const failures: string[] = [];
    connection.onFailure((error) => failures.push(error.message));
    const calls = [connection.remote.explain({ text, topK: 1 }), connection.remote.countTokens(text)].map((call) =>
      call.then(
        () => 'answered',
        (error: Error) => error.message,
      ),
    );
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['The model worker stopped unexpectedly (exit code 3).']));
    await expect(connection.remote.countTokens(text)).rejects.toThrow('stopped unexpectedly');
    expect(failures).toHaveLength(1);
    rmSync(dist, { recursive: true });
    const next = start(options);
    await next.remote.open(bundled);
    expect((await next.remote.countTokens('a')).count).toBe(1);
  });
});

describe('the native runtime', () => {
  it('is refused in one sentence where it is not installed', () => {
    expect(() => startNodeWorker(join(root, 'dist'), { runtime: 'native', nativeFolder: join(root, 'src') })).toThrow(
      `The native runtime was asked for, but the module onnxruntime-node is not installed in ${join(root, 'src')}.`,
    );
  });
});

describe('a model that is not open', () => {
  it('is described from its headers, and refused with the sentence that opening it gives', async () => {
    const { remote } = start({ runtime: 'wasm' });
    expect(await remote.describe(bundled)).toMatchObject({
      name: 'explain-tokens-9m',
      family: 'llama',
      layers: 6,
      heads: 8,
      dim: 256,
      contextLength: BUNDLED_CONTEXT,
      weightType: 'F16',
      bytes: 18_029_056,
    });
    const folder = mkdtempSync(join(tmpdir(), 'described-'));
    try {
      const location: ModelLocation = { kind: 'folder', name: 'mine', path: folder };
      for (const config of ['{"model_type":"mamba"}', '{"model_type":']) {
        writeFileSync(join(folder, 'config.json'), config);
        const refusal: unknown = await remote.open(location).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(UserError);
        await expect(remote.describe(location)).rejects.toEqual(refusal);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    const { runtime, free } = await remote.resources();
    expect(runtime).toBe('wasm');
    expect(free).toBeGreaterThan(0);
  });
});

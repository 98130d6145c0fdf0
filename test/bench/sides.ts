import { join } from 'node:path';
import { expect } from 'vitest';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import type { ModelInfo } from '../../src/core/trace.ts';
import { freeMemory } from '../../src/worker/freeMemory.node.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { askAllHeads } from '../allHeads.ts';
import type { Reference } from './reference.ts';
import { childrenOf, peakMegabytes } from './report.ts';
import { ROOT } from './text.ts';

const TOP = 10;
const SAMPLING = { temperature: 1, topK: 0, topP: 1, minP: 0 };
/** Of the free memory, what a text may take on the other side: the rest of the machine is still there. */
const MOST_MEMORY = 0.8;

/** A text that no side has read before, nor the start of: nothing is kept of it. */
export interface Reading {
  readonly text: string;
  readonly ids: Int32Array;
}

/** One engine with one model open. Times in milliseconds, NaN where the text does not fit into the memory there is. */
export interface Side {
  /** All that the panel shows first, and the map of one head; with the likeliest next tokens after the text. */
  shown(reading: Reading): Promise<{ readonly ms: number; readonly ids: readonly number[]; readonly probabilities: readonly number[] }>;
  /** A forward pass for the next token's distribution alone. */
  forward(reading: Reading): Promise<number>;
  /** Reads what is written on by `write`. */
  prompt(ids: Int32Array): Promise<unknown>;
  /** Time for each of `count` more tokens, one after another. */
  write(count: number): Promise<number>;
  /** Peak resident memory of its process so far. */
  peak(): number;
  end(): Promise<void>;
}

const startWorker = (runtime: 'native' | 'wasm') =>
  startNodeWorker(join(ROOT, 'dist'), { runtime, nativeFolder: join(ROOT, 'test/native') });

/** The worker as the panel uses it, its messages included in every time. */
export async function ourSide(runtime: 'native' | 'wasm', folder: string): Promise<Side & { readonly info: ModelInfo }> {
  const before = new Set(childrenOf(process.pid));
  const { remote, dispose } = connect<WorkerApi>(startWorker(runtime));
  const info = await remote.open({ kind: 'folder', name: 'model', path: folder });
  const pid = childrenOf(process.pid).find((child) => !before.has(child)) ?? 0;
  let written = new Int32Array();
  const step = (): Promise<unknown> =>
    remote.ask(runOf(written, UNCHANGED), 'step', { continuation: [], sampling: SAMPLING, seed: 1, topK: TOP, attention: false });
  return {
    info,
    shown: async ({ text, ids }) => {
      const start = performance.now();
      const { tokens, run, topIds, topProbs } = await remote.explain({ text, topK: TOP });
      if (tokens.length < ids.length) return { ms: Number.NaN, ids: [], probabilities: [] };
      await askAllHeads(remote, run, info);
      await remote.ask(run, 'attention', { layer: Math.floor(info.layers / 2), head: 0 });
      const ms = performance.now() - start;
      expect(run.ids).toEqual(ids);
      return { ms, ids: Array.from(topIds.slice(-TOP)), probabilities: Array.from(topProbs.slice(-TOP)) };
    },
    forward: ({ ids }) => timed(() => remote.ask(runOf(ids, UNCHANGED), 'distribution', { position: ids.length - 1 })),
    prompt: (ids) => {
      written = Int32Array.from(ids);
      return step();
    },
    write: (count) =>
      timed(async () => {
        for (let n = 0; n < count; n++) {
          written = Int32Array.from([...written, 100 + n]);
          await step();
        }
      }).then((ms) => ms / count),
    peak: () => peakMegabytes(pid),
    end: dispose,
  };
}

/** Time from the start of a native worker until the model in a folder has explained a token. */
export async function openingMs(folder: string): Promise<number> {
  const start = performance.now();
  const { remote, dispose } = connect<WorkerApi>(startWorker('native'));
  await remote.open({ kind: 'folder', name: 'model', path: folder });
  await remote.explain({ text: 'x', topK: TOP });
  const ms = performance.now() - start;
  await dispose();
  return ms;
}

/** Eager transformers, which has to fit into what is free: where it would not, it is not tried. */
export async function referenceSide(reference: Reference, folder: string, info: ModelInfo): Promise<Side> {
  await reference.call({ call: 'load', folder, threads: info.threads });
  const fits = async (tokens: number): Promise<boolean> => {
    // The weights of all heads; besides, a layer's scores, scaled and masked, and after them the logits and their softmax.
    const cells = info.heads * tokens ** 2;
    const numbers = cells * info.layers + Math.max(3 * cells, 3 * info.vocab * tokens);
    return 4 * numbers < MOST_MEMORY * (await freeMemory());
  };
  const ms = async (request: Parameters<Reference['call']>[0]): Promise<number> => (await reference.call<{ ms: number }>(request)).ms;
  return {
    shown: async ({ ids }) => {
      if (!(await fits(ids.length))) return { ms: Number.NaN, ids: [], probabilities: [] };
      return reference.call({ call: 'shown', ids: [...ids], top: TOP });
    },
    forward: ({ ids }) => ms({ call: 'forward', ids: [...ids] }),
    prompt: (ids) => reference.call({ call: 'prompt', ids: [...ids] }),
    write: (count) => ms({ call: 'write', count }),
    peak: () => peakMegabytes(reference.pid),
    end: async () => reference.end(),
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

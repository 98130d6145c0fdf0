import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Run } from '../../../src/core/run.ts';
import type { QueryArgs, QueryName, QueryResult } from '../../../src/protocol/queries.ts';
import { createEngine } from '../../../src/worker/engine.ts';
import { connect, serve, type Connection, type Port } from '../../../src/worker/rpc.ts';
import type { WorkerApi } from '../../../src/worker/workerApi.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { FAMILY_TEXT, LETTERS_TOKENIZER } from '../../webview/family.ts';
import { folder } from '../model/folder.ts';

/** A channel that moves buffers, as between a page and its worker. */
function movingPort(port: MessagePort): Port {
  return {
    post: (message, transfer = []) => port.postMessage(message, [...transfer]),
    onMessage: (listener) => void port.on('message', listener),
    onFailure: () => undefined,
    terminate: async () => port.close(),
  };
}

// Latent attention and experts: what is kept of both is answered as well.
describe('a question asked twice', () => {
  let connection: Connection<WorkerApi>;
  let run: Run;
  beforeAll(async () => {
    const runtime = await wasm();
    const files = folder(`${FIXTURES}/families/deepseek_v3.1`, { 'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER) });
    const { port1, port2 } = new MessageChannel();
    serve<WorkerApi>(movingPort(port2), createEngine({ runtime: () => runtime, runtimeKind: runtime.kind, openFiles: async () => files }));
    connection = connect<WorkerApi>(movingPort(port1));
    await connection.remote.open({ kind: 'folder', name: 'deepseek', path: 'deepseek' });
    ({ run } = await connection.remote.explain({ text: FAMILY_TEXT, topK: 3 }));
  });
  afterAll(() => connection?.dispose());

  const twice = async <Name extends QueryName>(name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>> => {
    const first = await connection.remote.ask(run, name, args);
    expect(await connection.remote.ask(run, name, args)).toEqual(first);
    return first;
  };

  const inside = { token: 5, layer: 1, head: 1, expert: 0 };
  test.each<[QueryName, () => Promise<unknown>]>([
    // How many layers from one on are answered at once depends on the machine: of the last, one.
    ['heads', () => twice('heads', { layer: 2 })],
    ['attention', () => twice('attention', { layer: 1, head: 1 })],
    ['attentionPicture', () => twice('attentionPicture', { layer: 1, head: 1 })],
    ['attentionRow', () => twice('attentionRow', { layer: 1, head: 1, query: 7 })],
    ['attentionCell', () => twice('attentionCell', { layer: 1, head: 1, query: 7, key: 3 })],
    ['experts', () => twice('experts', { layer: 1 })],
    ['latent', () => twice('latent', { layer: 1, token: 3 })],
    ['projection', () => twice('projection', { layer: -1, skipFirst: true })],
    ['lens', () => twice('lens', { layer: 0, layers: 2, position: 3, positions: 4 })],
    ['lensTop', () => twice('lensTop', { layer: 1, token: 3, count: 5 })],
    ['distribution', () => twice('distribution', { position: 3 })],
    ['direct', () => twice('direct', { position: 7, token: 5, rival: 6 })],
    ['directSources', () => twice('directSources', { position: 7, token: 5, rival: null, layer: 1, head: 1 })],
    ['forwardPath', () => twice('forwardPath', inside)],
    ['weightedSum', () => twice('weightedSum', { ...inside, stage: 'latent', index: 2 })],
    ['positions', () => twice('positions', { layer: 1, head: 1, query: 7, key: 3 })],
    ['similarity', () => twice('similarity', { layer: -1, frame: 'stored' })],
    ['wordByLayer', () => twice('wordByLayer', { first: { ids: null, token: 3 }, second: { ids: [4, 5, 6], token: 1 }, frame: 'centred' })],
    ['logits', () => twice('logits', { positions: Int32Array.of(1, 2) })],
    ['textOf', () => twice('textOf', { ids: [5, 6] })],
  ])('%s: is answered the same, in buffers of their own', async (_, ask) => {
    for (const array of arraysIn(await ask())) expect(array.buffer.byteLength).toBe(array.byteLength);
  });

  test('that compares a run with another is answered by the run’s own numbers', async () => {
    const positions = Int32Array.of(1, 2);
    const { bits } = await twice('divergence', { positions, other: { kind: 'run', run, positions } });
    expect([...bits]).toEqual([0, 0]);
  });

  test('that nobody knows is refused', async () => {
    for (const name of ['constructor', 'explain', 'toString'])
      await expect(connection.remote.ask(run, name as QueryName, {})).rejects.toThrow(`There is no question named ${name}.`);
  });
});

function arraysIn(value: unknown): readonly ArrayBufferView[] {
  if (ArrayBuffer.isView(value)) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(arraysIn) : [];
}

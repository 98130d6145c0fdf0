import { describe, expect, it } from 'vitest';
import { CancelledError } from '../../src/core/errors.ts';
import type { PanelMessage } from '../../src/protocol/messages.ts';
import type { QueryResult } from '../../src/protocol/queries.ts';
import { createHost, type Host } from '../../webview/vscodeApi.ts';
import { readFixture } from './readFixture.ts';

const { shown } = readFixture();
const map = (layer: number): QueryResult<'attention'> => ({ layer, head: 0, weights: new Float32Array(1) });

function setUp(): { host: Host; posted: PanelMessage[]; ids: () => number[] } {
  const posted: PanelMessage[] = [];
  const host = createHost({ postMessage: (message) => void posted.push(message) });
  host.receive({ type: 'explanation', shown });
  return { host, posted, ids: () => posted.flatMap((message) => (message.type === 'query' ? [message.id] : [])) };
}

describe('questions to the model', () => {
  it('carry the serial of the explanation and resolve with their own answer', async () => {
    const { host, posted, ids } = setUp();
    const first = host.query('map', 'attention', { layer: 0, head: 0 });
    const second = host.query('other', 'attention', { layer: 1, head: 0 });
    expect(posted[0]).toEqual({ type: 'query', id: ids()[0], serial: 1, query: { name: 'attention', args: { layer: 0, head: 0 } } });
    host.receive({ type: 'reply', id: ids()[1] ?? -1, serial: 1, result: map(1) });
    host.receive({ type: 'reply', id: ids()[0] ?? -1, serial: 1, result: map(0) });
    expect((await first).layer).toBe(0);
    expect((await second).layer).toBe(1);
  });

  it('are dropped, and said to be, when a newer one takes their place; a late answer changes nothing', async () => {
    const { host, posted, ids } = setUp();
    const older = host.query('map', 'attention', { layer: 0, head: 0 });
    const newer = host.query('map', 'attention', { layer: 1, head: 0 });
    await expect(older).rejects.toBeInstanceOf(CancelledError);
    expect(posted).toContainEqual({ type: 'dropQuery', id: ids()[0] });
    host.receive({ type: 'reply', id: ids()[0] ?? -1, serial: 1, result: map(0) });
    host.receive({ type: 'reply', id: ids()[1] ?? -1, serial: 1, result: map(1) });
    expect((await newer).layer).toBe(1);
  });

  it('are dropped by the name of their place, and said to be', async () => {
    const { host, posted, ids } = setUp();
    const dropped = host.query('map', 'attention', { layer: 0, head: 0 });
    const other = host.query('other', 'attention', { layer: 1, head: 0 });
    host.drop('map');
    await expect(dropped).rejects.toBeInstanceOf(CancelledError);
    expect(posted.filter(({ type }) => type === 'dropQuery')).toEqual([{ type: 'dropQuery', id: ids()[0] }]);
    host.receive({ type: 'reply', id: ids()[1] ?? -1, serial: 1, result: map(1) });
    expect((await other).layer).toBe(1);
  });

  it('asks once where a question is asked ahead and then in earnest, and answers both', async () => {
    const { host, posted, ids } = setUp();
    const ahead = host.query('ahead', 'attention', { layer: 3, head: 0 });
    const earnest = host.query('map', 'attention', { layer: 3, head: 0 });
    expect(posted.filter(({ type }) => type === 'query')).toHaveLength(1);
    // The question belongs to the later place now: another one asked ahead does not drop it.
    void host.query('ahead', 'attention', { layer: 4, head: 0 });
    expect(posted.filter(({ type }) => type === 'dropQuery')).toHaveLength(0);
    host.receive({ type: 'reply', id: ids()[0] ?? 0, serial: 1, result: map(3) });
    expect(await ahead).toEqual(map(3));
    expect(await earnest).toEqual(map(3));
  });

  it('end with a newer explanation, whose answers alone count', async () => {
    const { host, ids } = setUp();
    const old = host.query('map', 'attention', { layer: 0, head: 0 });
    host.receive({ type: 'explanation', shown: { ...shown, serial: 2 } });
    await expect(old).rejects.toBeInstanceOf(CancelledError);
    const asked = host.query('map', 'attention', { layer: 0, head: 0 });
    let settled = false;
    void asked.then(() => (settled = true));
    host.receive({ type: 'reply', id: ids()[1] ?? -1, serial: 1, result: map(0) });
    await Promise.resolve();
    expect(settled).toBe(false);
    host.receive({ type: 'reply', id: ids()[1] ?? -1, serial: 2, result: map(0) });
    expect((await asked).layer).toBe(0);
  });

  it('are answered from memory when asked again', async () => {
    const { host, posted, ids } = setUp();
    const first = host.query('map', 'attention', { layer: 0, head: 0 });
    host.receive({ type: 'reply', id: ids()[0] ?? -1, serial: 1, result: map(0) });
    const answer = await first;
    expect(await host.query('map', 'attention', { layer: 0, head: 0 })).toBe(answer);
    expect(posted.filter((message) => message.type === 'query')).toHaveLength(1);
  });

  it('keep only so many large answers', async () => {
    const { host, posted, ids } = setUp();
    for (let layer = 0; layer < 13; layer++) {
      const asked = host.query('map', 'attention', { layer, head: 0 });
      host.receive({ type: 'reply', id: ids().at(-1) ?? -1, serial: 1, result: map(layer) });
      await asked;
    }
    const before = posted.length;
    await host.query('map', 'attention', { layer: 12, head: 0 });
    expect(posted).toHaveLength(before);
    void host.query('map', 'attention', { layer: 0, head: 0 });
    expect(posted).toHaveLength(before + 1);
  });

  it('fail with the sentence of the host', async () => {
    const { host, ids } = setUp();
    const asked = host.query('map', 'attention', { layer: 0, head: 0 });
    host.receive({ type: 'replyError', id: ids()[0] ?? -1, message: 'The model has gone.' });
    await expect(asked).rejects.toThrow('The model has gone.');
  });
});

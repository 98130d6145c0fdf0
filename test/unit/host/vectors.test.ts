import { afterEach, describe, expect, it } from 'vitest';
import type { KeptVector } from '../../../src/core/steering.ts';
import { controlVectorBytes } from '../../../src/model/formats/gguf/controlVector.ts';
import { FakeUri } from './fakeEditor.ts';
import { endHosts, shown, startHost } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;

async function explained(): Promise<{ readonly host: Host; readonly serial: number; readonly dim: number; readonly layers: number }> {
  const host = await startHost();
  await host.explain();
  await host.settle();
  const { serial, explanation } = shown(host);
  return { host, serial, ...explanation.model };
}

const offered = (host: Host): readonly KeptVector[] =>
  host.posted().flatMap((message) => (message.type === 'vector' ? [message.vector] : []));

async function opened(host: Host, serial: number, bytes: Uint8Array): Promise<void> {
  host.files.set('/vectors/calm.gguf', bytes);
  host.window.showOpenDialog.mockResolvedValueOnce([FakeUri.file('/vectors/calm.gguf')]);
  host.say({ type: 'openVector', serial });
  await host.settle();
}

function vectorFile(dim: number, layer: number, name = ''): Uint8Array {
  const values = Float32Array.from({ length: dim }, (_, index) => (index - 1) / 8);
  return controlVectorBytes({ name, description: '', family: 'gpt2', directions: [{ layer, values }] });
}

describe('a control vector’s file', () => {
  it('is written where the user likes, and read back as it was, under its own name or the file’s', async () => {
    const { host, serial, dim } = await explained();
    const values = Array.from({ length: dim }, (_, index) => (index % 5) / 4 - 0.3125);
    const vector: KeptVector = { name: 'calm', description: 'Made of texts.', family: 'gpt2', directions: [{ layer: 2, values }] };
    host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file('/vectors/saved.gguf'));
    host.say({ type: 'saveVector', serial, vector });
    await host.settle();
    const saved = host.files.get('/vectors/saved.gguf') ?? expect.fail('Nothing was saved.');
    await opened(host, serial, saved);
    await opened(host, serial, vectorFile(dim, 2));
    expect(offered(host)[0]).toEqual(vector);
    expect(offered(host)[1]?.name).toBe('calm');
    expect(host.errors()).toEqual([]);
  });

  it('is left alone where the user declines, and where another text is shown meanwhile', async () => {
    const { host, serial, dim } = await explained();
    host.say({ type: 'openVector', serial });
    host.say({ type: 'openVector', serial: serial + 1 });
    host.say({ type: 'saveVector', serial, vector: { name: 'x', description: '', family: '', directions: [{ layer: 2, values: [1] }] } });
    await host.settle();
    expect(offered(host)).toEqual([]);
    expect([...host.files.keys()].filter((path) => path.endsWith('x.gguf'))).toEqual([]);
    expect(host.errors()).toEqual([]);
    expect(dim).toBeGreaterThan(1);
  });

  it('that cannot be used here is refused in one sentence', async () => {
    const { host, serial, dim, layers } = await explained();
    await opened(host, serial, new TextEncoder().encode('not a model at all'));
    expect(host.errors().join()).toContain('calm.gguf is not a GGUF file');
    await opened(host, serial, vectorFile(dim + 1, 2));
    expect(host.errors().join()).toContain(`calm.gguf holds vectors of ${dim + 1} numbers, and the model's residual has ${dim}.`);
    await opened(host, serial, vectorFile(dim, layers + 1));
    expect(host.errors().join()).toContain(`calm.gguf holds direction.${layers}, for the output of layer ${layers}, and the last is`);
    const whole = vectorFile(dim, 2);
    await opened(host, serial, whole.subarray(0, whole.length - 4 * dim));
    expect(host.errors()).toHaveLength(4);
    host.say({ type: 'saveVector', serial, vector: { name: 'x', description: '', family: '', directions: [{ layer: 1, values: [1] }] } });
    await host.settle();
    expect(host.errors().join()).toContain('A control-vector file has no direction for the residual at layer 1');
    expect(offered(host)).toEqual([]);
  });
});

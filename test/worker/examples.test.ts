import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import { setLanguage } from '../../webview/parts/format.ts';
import { examples } from '../../webview/parts/words.ts';

const root = join(import.meta.dirname, '..', '..');

interface Found {
  readonly tried: number;
  readonly worked: number;
}
interface Searched {
  readonly arithmetic: Found & { readonly best: readonly { readonly words: readonly string[]; readonly nearest: string }[] };
  readonly words: Found & { readonly best: readonly { readonly words: readonly string[] }[] };
  readonly context: Found & {
    readonly best: readonly { readonly word: string; readonly texts: readonly string[]; readonly 'same meaning': string }[];
  };
}
const searched = JSON.parse(readFileSync(join(root, 'training/examples.json'), 'utf8')) as Readonly<Record<'en' | 'zh', Searched>>;

describe.each(['en', 'zh'] as const)('the examples of %s', (language) => {
  const found = searched[language];
  let connection: Connection<WorkerApi>;
  beforeAll(async () => {
    setLanguage(language);
    connection = connect<WorkerApi>(startNodeWorker(join(root, 'dist'), { runtime: 'wasm' }));
    await connection.remote.open({ kind: 'folder', name: 'explain-tokens-9m', path: join(root, 'media/models/explain-tokens-9m') });
  });
  afterAll(async () => {
    setLanguage('en');
    await connection?.dispose();
  });
  const idsOf = async (words: readonly string[]): Promise<readonly (readonly number[])[]> =>
    (await connection.remote.ask(runOf([], UNCHANGED), 'words', { texts: words })).words.map(({ readings }) => readings[0]?.ids ?? []);

  it('are among the best that the search found, which says how many it tried', () => {
    const { arithmetic, words, texts, searched: said } = examples();
    expect(found.arithmetic.best.map((one) => one.words)).toContainEqual(arithmetic);
    expect(found.words.best.map((one) => one.words.join(' '))).toContain(words);
    expect(found.context.best.map((one) => one.texts)).toContainEqual(texts);
    for (const kind of ['arithmetic', 'words', 'context'] as const)
      expect(said[kind]).toEqual({ tried: found[kind].tried, worked: found[kind].worked });
  });

  it('work: the sum, the groups, and the two meanings', async () => {
    const { arithmetic, words, texts } = examples();
    const [a = [], b = [], c = []] = await idsOf(arithmetic);
    const near = await connection.remote.ask(runOf([], UNCHANGED), 'neighbours', {
      vector: [
        { ids: a, weight: 1 },
        { ids: b, weight: -1 },
        { ids: c, weight: 1 },
      ],
      frame: 'centred',
      count: 2,
    });
    const expected = found.arithmetic.best.find((one) => one.words.join() === arithmetic.join())?.nearest ?? '';
    expect([at(near.ids, 0)]).toEqual((await idsOf([expected]))[0]);

    const group = words.split(' ');
    const map = await connection.remote.ask(runOf([], UNCHANGED), 'vectorMap', {
      vectors: (await idsOf(group)).map((ids) => [{ ids, weight: 1 }]),
      frame: 'centred',
    });
    // The first four are one group.
    const inside: number[] = [];
    const across: number[] = [];
    for (let i = 0; i < group.length; i++)
      for (let j = 0; j < i; j++) (i < 4 === j < 4 ? inside : across).push(at(map.cosines, i * group.length + j));
    expect(Math.min(...inside)).toBeGreaterThan(Math.max(...across));

    const chosen = found.context.best.find((one) => one.texts.join() === texts.join()) ?? expect.fail('The texts are of the search.');
    const sides = await Promise.all(
      [...texts, chosen['same meaning']].map(async (text) =>
        Int32Array.from((await connection.remote.ask(runOf([], UNCHANGED), 'readText', { text })).tokens, ({ id }) => id),
      ),
    );
    const [first = new Int32Array(), other = new Int32Array(), same = new Int32Array()] = sides;
    const readings = (await connection.remote.ask(runOf([], UNCHANGED), 'words', { texts: [chosen.word] })).words[0]?.readings ?? [];
    const token = first.findIndex(
      (id) => other.includes(id) && same.includes(id) && readings.some(({ ids }) => ids.length === 1 && ids[0] === id),
    );
    const last = async (second: Int32Array): Promise<number> =>
      (
        await connection.remote.ask(runOf([], UNCHANGED), 'wordByLayer', {
          first: { ids: [...first], token },
          second: { ids: [...second], token: second.indexOf(at(first, token)) },
          frame: 'centred',
        })
      ).cosines.at(-1) ?? Number.NaN;
    expect((await last(same)) - (await last(other))).toBeGreaterThan(0.25);
  });
});

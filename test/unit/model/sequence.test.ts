import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import { openLanguageModel, type LanguageModel } from '../../../src/model/languageModel.ts';
import type { Trace } from '../../../src/model/run/forwardTrace.ts';
import { growingIds, growingRows } from '../../../src/model/run/rows.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { expectClose } from '../../golden/oracle.ts';
import { filesOf, folder } from './folder.ts';

const IDS = Int32Array.from({ length: 200 }, (_, i) => (i * 37) % 64);

describe('a sequence', () => {
  let model: LanguageModel;
  let whole: Trace;
  beforeAll(async () => {
    model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
    whole = await model.run(runOf(IDS, UNCHANGED));
  });
  afterAll(() => model?.dispose());

  test('outgrows the room made at first, and is read the same', async () => {
    const sequence = model.sequence();
    for (const end of [63, 64, 65, 127, 130, 131, 200]) await sequence.read(runOf(IDS.slice(0, end), UNCHANGED));
    expectTrace(sequence.trace(200), whole);
    expect(sequence.bytesPerLayer).toEqual([0, 1].map(() => 200 * model.info.kvHeads * model.info.headDim * 2 * 4));
    const start = sequence.trace(70);
    expect(start.run.ids).toEqual(IDS.slice(0, 70));
    expectTrace(start, await model.run(runOf(IDS.slice(0, 70), UNCHANGED)));
  });

  test('keeps what it holds when it is asked for what it cannot read', async () => {
    const sequence = model.sequence();
    await sequence.read(runOf(IDS.slice(0, 9), UNCHANGED));
    await expect(sequence.read(runOf(Int32Array.from([...IDS.slice(0, 9), 999]), UNCHANGED))).rejects.toThrow(UserError);
    await expect(sequence.read(runOf(new Int32Array(0), UNCHANGED))).rejects.toThrow(UserError);
    expect(await sequence.read(runOf(IDS.slice(0, 10), UNCHANGED))).toEqual({ run: 1, known: 9, reread: false });
    expect([
      sequence.covers(runOf(IDS.slice(0, 10), UNCHANGED)),
      sequence.covers(runOf(IDS.slice(0, 3), UNCHANGED)),
      sequence.covers(runOf(IDS.slice(0, 11), UNCHANGED)),
      sequence.covers(runOf(IDS.slice(1, 3), UNCHANGED)),
    ]).toEqual([true, true, false, false]);
  });

  test('of fewer tokens than are held runs none', async () => {
    const sequence = model.sequence();
    await sequence.read(runOf(IDS.slice(0, 20), UNCHANGED));
    expect(await sequence.read(runOf(IDS.slice(0, 12), UNCHANGED))).toEqual({ run: 0, known: 12, reread: false });
    expect(sequence.run.ids).toEqual(IDS.slice(0, 12));
  });

  test('reports progress for what it runs', async () => {
    const stages: string[] = [];
    await model.sequence().read(runOf(IDS.slice(0, 3), UNCHANGED), ({ stage, done, total }) => stages.push(`${stage} ${done}/${total}`));
    expect(stages).toEqual(['load 0/3', 'load 1/3', 'load 2/3', 'load 3/3', 'forward 0/2', 'forward 1/2', 'forward 2/2']);
  });
});

describe.each([
  // Past 16 tokens dynamic frequencies change with every token, those of longrope once.
  { name: 'rope_dynamic_above', reread: [17, 18, 20] },
  { name: 'rope_longrope_long', reread: [17] },
])('a sequence whose rotary frequencies depend on the length: $name', ({ name, reread }) => {
  test('is read anew where they change, says so, and equals one full pass', async () => {
    const files = filesOf({
      'config.json': await readFile(`${FIXTURES}/variants/${name}/config.json`),
      'model.safetensors': await readFile(`${FIXTURES}/weights/llama.safetensors`),
    });
    const model = await openLanguageModel(files, await wasm());
    const sequence = model.sequence();
    const anew: number[] = [];
    for (const end of [5, 15, 16, 17, 18, 20]) {
      const read = await sequence.read(runOf(IDS.slice(0, end), UNCHANGED));
      if (read.reread) anew.push(end);
      expect(read.run).toBe(read.reread ? end : end - read.known);
      expectTrace(sequence.trace(end), await model.run(runOf(IDS.slice(0, end), UNCHANGED)));
    }
    expect(anew).toEqual(reread);
    expect(sequence.covers(runOf(IDS.slice(0, 12), UNCHANGED))).toBe(false);
    expect(await sequence.read(runOf(IDS.slice(0, 12), UNCHANGED))).toEqual({ run: 12, known: 0, reread: true });
    await model.dispose();
  });
});

describe('growing rows', () => {
  test('keep the numbers of each group together', () => {
    const rows = growingRows(2, 3);
    rows.append(Float32Array.of(1, 2, 3, 7, 8, 9), 1);
    rows.append(Float32Array.of(4, 5, 6, 4.5, 5.5, 6.5, 10, 11, 12, 13, 14, 15), 2);
    expect(rows.slice(0, 3)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6, 4.5, 5.5, 6.5, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    rows.cut(2);
    rows.append(Float32Array.of(0, 0, 0, 1, 1, 1), 1);
    expect(rows.slice(1, 3)).toEqual(Float32Array.of(4, 5, 6, 0, 0, 0, 10, 11, 12, 1, 1, 1));
    expect(() => rows.append(Float32Array.of(1), 1)).toThrow(RangeError);
  });

  test('grow within the memory of all tokens that are expected, and beyond it', () => {
    const rows = growingRows(3, 2, { tokens: 200, room: 'asNeeded' });
    /** Of each group the tokens from..to - 1, whose numbers say where they belong. */
    const part = (from: number, to: number): Float32Array =>
      Float32Array.from([0, 1, 2].flatMap((group) => Array.from({ length: (to - from) * 2 }, (_, i) => 1000 * group + 2 * from + i)));
    rows.append(part(0, 64), 64);
    const { buffer } = rows.padded;
    expect(rows.padded).toEqual(part(0, 64));
    rows.append(part(64, 128), 64);
    expect(rows.padded).toEqual(part(0, 128));
    rows.append(part(128, 200), 72);
    expect(rows.padded.buffer).toBe(buffer);
    expect(rows.taken()).toEqual(part(0, 200));
    rows.append(part(200, 300), 100);
    expect(rows.slice(0, 300)).toEqual(part(0, 300));
  });

  test('hold whole numbers too, over any number of tokens', () => {
    const ids = growingIds(1);
    for (let i = 0; i < 500; i++) ids.append(Int32Array.of(i), 1);
    expect(ids.slice(0, 500)).toEqual(Int32Array.from({ length: 500 }, (_, i) => i));
  });
});

function expectTrace(found: Trace, expected: Trace): void {
  const parts = ({ embedding, resid, q, k, v }: Trace) => [embedding, ...resid, ...q, ...k, ...v];
  expect(parts(found)).toHaveLength(parts(expected).length);
  for (const [i, part] of parts(expected).entries()) {
    const own = parts(found)[i];
    if (own === undefined) throw new Error(`There is no part ${i}.`);
    expectClose(own, part, `part ${i}`, 1e-4);
  }
}

import { expect, test } from 'vitest';
import { topIndices } from '../../src/core/probability.ts';
import { openEmbeddingTable } from '../../src/model/run/embeddingTable.ts';
import { WEIGHT_BYTES, type WeightType } from '../../src/model/formats/widen.ts';
import { filesOf } from '../unit/model/folder.ts';
import { median, record } from './report.ts';

const VOCAB = 50_000;
const DIM = 768;
const REPEATS = 9;

test.each<WeightType>(['F32', 'F16', 'BF16'])('neighbours over the whole vocabulary, %s', async (dtype) => {
  const table = new Uint8Array(VOCAB * DIM * WEIGHT_BYTES[dtype]);
  const numbers = dtype === 'F32' ? new Float32Array(table.buffer) : new Uint16Array(table.buffer);
  // Half-precision numbers of either sign between about 2^-6 and 2^-1, and the same bits as BF16: only the size matters for time.
  for (let i = 0; i < numbers.length; i++)
    numbers[i] = dtype === 'F32' ? Math.sin(i) : 0x2400 + (Math.imul(i, 0x9e3779b1) >>> 20) + (i % 3 === 0 ? 0x8000 : 0);
  const calls = openEmbeddingTable(
    { embedding: { name: 'table', dtype, shape: [VOCAB, DIM], file: 'table', offset: 0, length: table.length } },
    filesOf({ table }),
  );
  const first = performance.now();
  await calls.embeddingCosines(new Float32Array(DIM).fill(1), await calls.embeddingMean());
  const read = performance.now() - first;
  const times: number[] = [];
  const cpu: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const vector = (await calls.embeddingRows(Int32Array.of(repeat * 100))).data;
    const used = process.cpuUsage();
    const start = performance.now();
    const best = topIndices(await calls.embeddingCosines(vector, await calls.embeddingMean()), 15);
    times.push(performance.now() - start);
    cpu.push(process.cpuUsage(used).user / 1000);
    expect(best[0]).toBe(repeat * 100);
  }
  record('neighbours', {
    vocabulary: VOCAB,
    dimensions: DIM,
    table: dtype,
    'first, reading the table, ms': read,
    'then ms': median(times),
    'then CPU ms': median(cpu),
  });
});

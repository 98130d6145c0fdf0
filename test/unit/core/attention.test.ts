import { expect, test } from 'vitest';
import { headMetrics, headShades, metricReading, metricSamples, shadeWeight } from '../../../src/core/headMetrics.ts';
import { thumbnails, type HeadReading, type LayerHeads } from '../../../src/core/headReading.ts';
import { at, tensor, type Tensor } from '../../../src/core/tensor.ts';
import { READING_OUTPUTS, readWeights } from '../../../src/model/graph/headReadingGraph.ts';
import { DATA_TYPE, OnnxGraph } from '../../../src/model/graph/onnx.ts';
import { wholeText } from '../../../src/model/graph/positionsGraph.ts';
import { partReading, unreadHeads } from '../../../src/model/run/partReading.ts';
import { metricsOfWeights, picturesOfWeights } from '../../attentionOracle.ts';
import { largestDifference } from '../../closeness.ts';
import { wasm } from '../../golden/compare.ts';
import { filesOf } from '../model/folder.ts';
import { reference } from './reference.ts';

const { ids, dims, metrics, size } = reference.heads;
const weights = tensor(dims, Float32Array.from(reference.heads.weights));

/** What a graph reads off weights [H, T, T] that are given to it. */
async function read({ dims, data }: Tensor, reading: HeadReading): Promise<LayerHeads> {
  const graph = new OnnxGraph();
  const given = graph.input('weights', DATA_TYPE.float32, ['H', 'T', 'S']);
  readWeights(graph, given, graph.op('Log', [graph.op('Max', [given, graph.float(1e-38)])]));
  const session = await (await wasm()).openSession(graph, filesOf({}));
  try {
    const heads = at(dims, 0);
    const found = unreadHeads(reading, heads);
    const { feeds, addTo } = partReading(reading, wholeText(reading.tokens), heads);
    addTo(found, await session.run({ weights: { dims, data }, ...feeds }, READING_OUTPUTS));
    return found;
  } finally {
    await session.release();
  }
}

async function metricsOf(of: Tensor, ids: readonly number[]): Promise<Float32Array> {
  const reading = metricReading(ids, 1);
  return headMetrics(reading, await read(of, reading));
}

test('head metrics follow their definitions', async () => {
  expect(largestDifference(await metricsOf(weights, ids), metrics.flat())).toBeLessThan(1e-6);
  expect(largestDifference(metricsOfWeights(weights, ids), metrics.flat())).toBeLessThan(1e-6);
});

test('induction is undefined where no token repeats', async () => {
  const [previous, induction, first, entropy] = await metricsOf(tensor([1, 2, 2], Float32Array.from([1, 0, 0.5, 0.5])), [4, 5]);
  expect([previous, induction, first, entropy]).toEqual([0.5, Number.NaN, 0.5, 0.5]);
});

test('attention to oneself is no induction: a doubled token follows itself', async () => {
  // 你好你好: the third token saw what followed the first 你; the doubled 7 saw nothing but itself.
  const uniform = async (ids: readonly number[]): Promise<number | undefined> => {
    const even = Float32Array.from({ length: ids.length ** 2 }, (_, i) =>
      i % ids.length <= Math.floor(i / ids.length) ? 1 / (1 + Math.floor(i / ids.length)) : 0,
    );
    return (await metricsOf(tensor([1, ids.length, ids.length], even), ids))[1];
  };
  expect(await uniform([7, 7])).toBeNaN();
  expect(await uniform([5, 7, 7])).toBeNaN();
  // The third 7 sees the second, which followed the first.
  expect(await uniform([7, 7, 7])).toBeCloseTo(1 / 3, 6);
  expect(await uniform([1, 2, 1, 2])).toBeCloseTo((1 / 3 + 1 / 4) / 2, 6);
});

test('the samples of a metric are the queries that it is the mean of', () => {
  expect(metricSamples([7, 7, 7, 3])).toEqual({ previous: 3, induction: 1, first: 3, entropy: 4 });
  expect(metricSamples([4])).toEqual({ previous: 0, induction: 0, first: 0, entropy: 1 });
});

test('a token repeated 20,000 times has 200 million weights to add up, and takes memory for 20,000', () => {
  const ids = new Int32Array(20_000).fill(7);
  expect(metricSamples(ids)).toEqual({ previous: 19_999, induction: 19_998, first: 19_999, entropy: 20_000 });
  const [, induction] = metricReading(ids, 1).sums;
  // The second follows itself alone, which is not counted.
  expect([1, 2, 19_999].map((query) => induction?.keys[query]?.length)).toEqual([0, 1, 19_998]);
  expect(new Set(induction?.keys.map((keys) => (keys as Int32Array).buffer)).size).toBe(1);
});

test('a picture tells weights apart down to one in ten thousand', () => {
  const { shades, largest, largestRest } = headShades(Float32Array.from([1, 0, 0, 0.9, 0.1, 0, 0.9987, 0.001, 0.0003]), 3);
  expect([largest, largestRest].map((weight) => weight.toFixed(4))).toEqual(['1.0000', '0.1000']);
  expect([...shades].map((shade) => shadeWeight(shade).toPrecision(1))).toEqual(['1', '0.9', '0.1', '1', '0.001', '0.0003']);
});

test('a thumbnail keeps the largest weight of each cell', async () => {
  expect([...thumbnails(await read(weights, metricReading(ids, size)))]).toEqual(reference.heads.thumbnails);
  expect([...picturesOfWeights(weights, size)]).toEqual(reference.heads.thumbnails);
});

test('a thumbnail as large as the text is the text', async () => {
  const found = await read(tensor([1, 2, 2], Float32Array.from([1, 0, 0.2, 0.8])), metricReading([4, 5], 2));
  expect([...thumbnails(found)]).toEqual([255, 0, 51, 204]);
});

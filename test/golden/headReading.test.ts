import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { HEAD_METRICS, headMetrics, metricReading } from '../../src/core/headMetrics.ts';
import { meansOfSums, thumbnails } from '../../src/core/headReading.ts';
import { repeatedReading } from '../../src/core/repeatedTokens.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import type { Feed, Runtime } from '../../src/model/run/runtime.ts';
import { metricsOfWeights, picturesOfWeights, scoresOfWeights } from '../attentionOracle.ts';
import { expectNear } from '../closeness.ts';
import { firstCases } from '../firstCases.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, wasm } from './compare.ts';
import { openGolden } from './oracle.ts';

/** Windows, ALiBi, sinks, soft caps, latent attention and grouped queries are among them. */
const CASES = ['gpt2', 'llama', ...readdirSync(`${FIXTURES}/families`).map((name) => `families/${name}`)];
/** ALiBi from either end, a soft cap, a window, sinks, and latent attention: each part has its own of the tables. */
const IN_PARTS = ['bloom.2', 'mpt.3', 'gemma2.3', 'mistral.3', 'gpt_oss.1', 'deepseek_v3.2'];
const TOLERANCE = 1e-5;
const RUNTIMES = [
  ['native', native],
  ['WASM', wasm],
] as const;

describe.each(RUNTIMES)('what a graph reads off heads, %s', (_, open) => {
  test.each(firstCases(CASES))('of %s is what the whole attention says', async (name) => {
    const path = `${FIXTURES}/${name}`;
    const ids = await (await openGolden(folder(path), 'golden.safetensors')).ids();
    const model = await openLanguageModel(folder(path), await open());
    try {
      // Cells of one token, of several, and of different numbers of tokens; and texts without a token before or a repeated one.
      for (const [length, side] of [
        [ids.length, ids.length],
        [ids.length, 5],
        [ids.length, 1],
        [2, 2],
        [1, 1],
      ] as const)
        await compare(model, ids.slice(0, length), side);
    } finally {
      await model.dispose();
    }
  });

  test.each(IN_PARTS)('of %s is the same in parts of its queries', async (name) => {
    const model = await openLanguageModel(folder(`${FIXTURES}/families/${name}`), await open());
    try {
      await compare(
        model,
        Int32Array.from({ length: 270 }, (_, i) => 5 + ((i * 7) % 23)),
        48,
      );
    } finally {
      await model.dispose();
    }
  });

  test('is given the keys of the whole text as they are, for each part', async () => {
    const runtime = await open();
    const keys: Feed[] = [];
    const model = await openLanguageModel(folder(`${FIXTURES}/llama`), {
      ...runtime,
      openSession: async (...given) => {
        const session = await runtime.openSession(...given);
        return {
          ...session,
          run: (feeds, fetches) => {
            if ('places' in feeds && feeds['k'] !== undefined) keys.push(feeds['k']);
            return session.run(feeds, fetches);
          },
        };
      },
    });
    try {
      const trace = await model.run(
        runOf(
          Int32Array.from({ length: 270 }, (_, i) => 5 + (i % 23)),
          UNCHANGED,
        ),
      );
      await model.readHeads(trace, 1, metricReading(trace.run.ids, 8));
      expect(keys.length).toBeGreaterThan(1);
      expect(keys.every(({ data }) => data === trace.k[1]?.data)).toBe(true);
    } finally {
      await model.dispose();
    }
  });

  test('of the bundled model is what the whole attention says, in parts of its queries and ragged cells', async () => {
    const model = await openLanguageModel(folder('media/models/explain-tokens-9m'), await open());
    try {
      for (const [length, side] of [
        [97, 48],
        [600, 48],
      ] as const)
        await compare(
          model,
          Int32Array.from({ length }, (_, i) => 300 + ((i * 37) % 211)),
          side,
        );
    } finally {
      await model.dispose();
    }
  });
});

async function compare(model: LanguageModel, ids: Int32Array, side: number): Promise<void> {
  const reading = metricReading(ids, side);
  const trace = await model.run(runOf(ids, UNCHANGED));
  for (let layer = 0; layer < model.info.layers; layer++) {
    const heads = await model.readHeads(trace, layer, reading);
    const weights = await model.attention(trace, layer);
    const what = `${ids.length} tokens, layer ${layer}`;
    const found = headMetrics(reading, heads);
    const wanted = metricsOfWeights(weights, ids);
    // A number that no query has is NaN in both.
    expect(Array.from(found, Number.isNaN), what).toEqual(Array.from(wanted, Number.isNaN));
    expectNear(numbersOf(found), numbersOf(wanted), TOLERANCE, `metrics (${HEAD_METRICS.join(', ')}), ${what}`);
    expect(thumbnails(heads), `pictures, ${what}`).toEqual(picturesOfWeights(weights, side));
  }
}

function numbersOf(numbers: Float32Array): Float32Array {
  return numbers.map((number) => (Number.isNaN(number) ? -1 : number));
}

test.each(RUNTIMES)('scores on random tokens given twice are what the whole attention says, %s', async (_, open) => {
  const model = await openLanguageModel(folder(`${FIXTURES}/llama`), await open());
  try {
    for (const begins of [0, 1]) {
      const half = [9, 3, 27, 14, 5];
      const ids = Int32Array.from([...(begins === 1 ? [1] : []), ...half, ...half]);
      const reading = repeatedReading(begins, half.length, 1);
      const trace = await model.run(runOf(ids, UNCHANGED));
      for (let layer = 0; layer < model.info.layers; layer++) {
        const found = meansOfSums(reading, await model.readHeads(trace, layer, reading));
        expectNear(found, scoresOfWeights(await model.attention(trace, layer), begins, half.length), TOLERANCE, `layer ${layer}`);
      }
    }
  } finally {
    await model.dispose();
  }
});

test.each(RUNTIMES)('nothing of the size of the attention leaves the graph, %s', async (_, open) => {
  const tokens = 600;
  const fetched: (readonly [name: string, length: number])[] = [];
  const model = await openLanguageModel(folder('media/models/explain-tokens-9m'), counting(await open(), fetched));
  try {
    const ids = Int32Array.from({ length: tokens }, (_, i) => 300 + ((i * 37) % 211));
    const trace = await model.run(runOf(ids, UNCHANGED));
    await model.readHeads(trace, 0, metricReading(ids, 48));
    expect(new Set(fetched.map(([name]) => name)).has('largest')).toBe(true);
    expect(fetched.filter(([, length]) => length >= tokens ** 2)).toEqual([]);
  } finally {
    await model.dispose();
  }
});

/** The runtime, which notes how many numbers each output that was fetched has. */
function counting(runtime: Runtime, fetched: (readonly [string, number])[]): Runtime {
  return {
    ...runtime,
    openSession: async (...args) => {
      const session = await runtime.openSession(...args);
      return {
        ...session,
        run: async (feeds, names) => {
          const out = await session.run(feeds, names);
          fetched.push(...names.map((name) => [name, out[name].length] as const));
          return out;
        },
      };
    },
  };
}

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metricReading } from '../../src/core/headMetrics.ts';
import { runOf, UNCHANGED, type Recipe } from '../../src/core/run.ts';
import { row, tensor } from '../../src/core/tensor.ts';
import { UserError } from '../../src/core/errors.ts';
import { appliedRecipe } from '../../src/analysis/appliedRecipe.ts';
import { attentionCell } from '../../src/analysis/headAnswers.ts';
import type { LanguageModel } from '../../src/model/languageModel.ts';
import { carriedIn, type Trace } from '../../src/model/run/forwardTrace.ts';
import { expectNearShare, itemOf, largestDifference } from '../closeness.ts';
import { firstCases } from '../firstCases.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase, wasm, type OpenCase } from './compare.ts';
import { noteWorst, writeWorst } from './familyTable.ts';
import { openGolden } from './oracle.ts';

const RECIPES = JSON.parse(readFileSync(`${FIXTURES}/interventions.json`, 'utf8')) as Readonly<Record<string, readonly StoredStep[]>>;
const SEVERAL = (RECIPES['several'] ?? []) as Recipe;

/** Recipes that are run token by token as well: one of each way in which they reach what comes later. */
const GROWN = new Set(['headScale', 'keyCutInHeads', 'edgeCut', 'means', 'sets', 'patterns', 'residual', 'several']);

/** A step whose `values` are a seed, as they are of another width in each model. */
type StoredStep = Recipe[number] | { readonly kind: string; readonly values: number };

/** The numbers that a seed stands for, as `vector` of the reference. */
function vectorOf(seed: number, width: number): readonly number[] {
  return Array.from({ length: width }, (_, i) => (((7 * i + 3 * seed) % 11) - 5) / 5);
}

function recipeFor(model: LanguageModel, steps: readonly StoredStep[]): Recipe {
  const { valueDims = [], dim = 0 } = model.recipeScope;
  return steps.map((step) =>
    'values' in step && typeof step.values === 'number'
      ? ({ ...step, values: vectorOf(step.values, step.kind === 'head' ? (valueDims[0] ?? 0) : dim) } as Recipe[number])
      : (step as Recipe[number]),
  );
}
/** Of the vocabulary: whose logit the gradient is of. */
const TOKEN = 5;
/** Share of the largest logit that a number may be off, as in the other golden cases. */
const TOLERANCE = 2e-5;

const expected = await openGolden(folder(FIXTURES), 'interventions.safetensors');
const CASES = [...new Set(expected.names.map((name) => name.slice(0, name.indexOf('/'))))];

/** Case -> worst difference of both runtimes. */
const worst = new Map<string, number>();
afterAll(() => writeWorst('interventions', worst));

const lastOf = (trace: Trace) => itemOf(carriedIn(trace), trace.resid.length - 1);

test('families that differ in what matters are among the cases', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(12);
});

describe.each([
  ['WASM', wasm],
  ['native', native],
] as const)('interventions, %s', (_, runtime) => {
  test.each(firstCases(CASES))('%s: logits equal those of transformers, run at once, in pieces and token by token', async (name) => {
    const { model, ids, golden } = await openCase(name, await runtime());
    // Uneven pieces: cuts lie within one and across two.
    const inPieces = await openCase(name, await runtime(), (__, past, tokens) =>
      [
        { from: 0, to: Math.min(3, tokens) },
        { from: 3, to: Math.min(7, tokens) },
        { from: 7, to: tokens },
      ].filter(({ from, to }) => past >= 0 && from < to),
    );
    try {
      for (const [title, stored] of Object.entries(RECIPES)) {
        const unapplied = recipeFor(model, stored);
        if (!expected.names.includes(`${name}/${title}/logits`)) {
          await expect(model.run(runOf(ids, unapplied)), `${name} ${title}`).rejects.toThrow(UserError);
          continue;
        }
        const recipe = await appliedRecipe(model, ids, unapplied, (run) => model.run(run));
        const logits = await expected.floats(`${name}/${title}/logits`);
        const run = runOf(ids, recipe);
        const found = (await model.logits(lastOf(await model.run(run)))).data;
        noteWorst(worst, name, expectNearShare(found, logits.data, TOLERANCE, `${name} ${title}`));
        expectNearShare(
          (await inPieces.model.logits(lastOf(await inPieces.model.run(run)))).data,
          logits.data,
          TOLERANCE,
          `${name} ${title} in pieces`,
        );
        if (!GROWN.has(title)) continue;
        const sequence = model.sequence();
        for (let end = 5; end <= ids.length; end++) await sequence.read(runOf(ids.slice(0, end), recipe));
        for (const position of [4, 7, ids.length - 1])
          expectNearShare(
            (await model.logits(sequence.final(position))).data,
            row(logits, position),
            TOLERANCE * 5,
            `${name} ${title} grown`,
          );
      }
      const plain = await golden.floats('logits');
      expectNearShare(
        (await model.logits(lastOf(await model.run(runOf(ids, UNCHANGED))))).data,
        plain.data,
        TOLERANCE,
        `${name} unchanged`,
      );
      expect(largestDifference((await expected.floats(`${name}/several/logits`)).data, plain.data)).toBeGreaterThan(1e-3);
    } finally {
      await model.dispose();
      await inPieces.model.dispose();
    }
  });

  test.each(firstCases(CASES))('%s: attention, gradients and parts of a logit are of the run', async (name) => {
    const { model, ids } = await openCase(name, await runtime());
    try {
      const trace = await model.run(runOf(ids, SEVERAL));
      const { layers, heads } = model.info;
      const length = ids.length;
      for (let layer = 0; layer < layers; layer++) {
        const weights = await expected.floats(`${name}/attentions.${layer}`);
        expectNearShare((await model.attention(trace, layer)).data, weights.data, TOLERANCE, `${name} attention ${layer}`);
        for (let head = 0; head < heads; head++) {
          const own = weights.data.subarray(head * length ** 2, (head + 1) * length ** 2);
          expectNearShare(
            (await model.headAttention(trace, layer, head)).weights.data,
            own,
            TOLERANCE,
            `${name} attention ${layer}.${head}`,
          );
        }
      }
      const position = length - 1;
      const { resid } = await model.gradient(trace, { kind: 'logit', position, token: TOKEN });
      // Under a final soft cap our logit is the one before it.
      if ((model.info.traits?.logitCap ?? null) === null)
        expectNearShare(itemOf(resid, 0).data, (await expected.floats(`${name}/gradient`)).data, 1e-4, `${name} gradient`);
      const { target, embedding, layers: parts, rest } = await model.direct(trace, { kind: 'logit', position, token: TOKEN, rival: 9 });
      const own = itemOf(parts, 0);
      expect(own.heads[3]).toBeCloseTo(0, 12);
      const all = [embedding, rest, ...parts.flatMap((part) => [...part.heads, part.mlp, part.perLayer ?? 0, part.rest])];
      const largest = Math.max(Math.abs(target), ...all.map(Math.abs));
      expect(Math.abs(all.reduce((sum, part) => sum + part, 0) - target) / largest).toBeLessThanOrEqual(1e-4);
      for (const part of parts) {
        for (const [head, whole] of part.heads.entries()) {
          const sources = row(part.sources, head).reduce((sum, value) => sum + value, 0);
          expect(Math.abs(sources - whole) / largest).toBeLessThanOrEqual(1e-4);
        }
      }
    } finally {
      await model.dispose();
    }
  });
});

describe.each(firstCases(CASES))('%s, read under a recipe', (name) => {
  let opened: OpenCase;
  let trace: Trace;
  beforeAll(async () => {
    opened = await openCase(name, await wasm());
    trace = await opened.model.run(runOf(opened.ids, SEVERAL));
    return () => opened.model.dispose();
  });

  test('has cells and rows of the attention of that run', async () => {
    const { model, ids } = opened;
    for (const [layer, head, query, key] of [
      [0, 0, 5, 1],
      [1, 0, 7, 2],
      [1, 2, 7, 6],
      [1, 1, 7, 6],
      [0, 1, 1, 1],
    ] as const) {
      const cell = await attentionCell(model, trace, layer, head, query, key);
      const weights = (await expected.floats(`${name}/attentions.${layer}`)).data;
      const at = (head * ids.length + query) * ids.length;
      expect(cell.weight).toBeCloseTo(weights[at + key] ?? NaN, 5);
      const sum = cell.rowScores.reduce((total, score) => total + Math.exp(score - cell.rowMax), 0);
      expect(sum / cell.rowSum).toBeCloseTo(
        weights.subarray(at, at + ids.length).reduce((total, weight) => total + weight, 0),
        5,
      );
    }
    const sequence = model.sequence();
    await sequence.read(trace.run);
    for (let layer = 0; layer < model.info.layers; layer++) {
      const { data } = await expected.floats(`${name}/attentions.${layer}`);
      const lasts = Array.from({ length: model.info.heads }, (_, head) => [
        ...data.subarray(((head + 1) * ids.length - 1) * ids.length, (head + 1) * ids.length * ids.length),
      ]).flat();
      expectNearShare((await sequence.lastRow(layer)).weights, lasts, 1e-4, `${name} last row ${layer}`);
    }
  });

  test('has heads that attend as they are told, however their attention is read', async () => {
    const { model, ids } = opened;
    const told = await model.run(runOf(ids, (RECIPES['patterns'] ?? []) as Recipe));
    const [layer, last] = [1, ids.length - 1];
    const weights = await model.attention(told, layer);
    const rowOf = (head: number, query: number) => [...row(weights, head * ids.length + query)];
    for (let query = 0; query < ids.length; query++) {
      // Key 2 is hidden from what comes after it.
      const seen = query === 0 || query === 3 ? query : query - 1;
      expect(rowOf(3, query)).toEqual(Array.from(ids, (_, key) => Number(key === seen)));
      const shares = rowOf(2, query).filter((weight) => weight > 0);
      for (const share of shares) expect(share).toBeCloseTo(1 / shares.length, 6);
    }
    const sequence = model.sequence();
    await sequence.read(told.run);
    const lasts = (await sequence.lastRow(layer)).weights;
    for (const head of [2, 3]) {
      const own = await model.headAttention(told, layer, head);
      expectNearShare(own.weights.data, weights.data.subarray(head * ids.length ** 2, (head + 1) * ids.length ** 2), 1e-6, `head ${head}`);
      expect(own.sink?.[last] ?? 0).toBe(0);
      expectNearShare(lasts.subarray(head * ids.length, (head + 1) * ids.length), rowOf(head, last), 1e-6, `last row ${head}`);
      for (const key of [last, last - 1, 2])
        expect((await attentionCell(model, told, layer, head, last, key)).weight).toBeCloseTo(rowOf(head, last)[key] ?? NaN, 6);
    }
  });

  test('has head metrics of that run', async () => {
    const { model, ids } = opened;
    const reading = metricReading(ids, 6);
    const { largest, sums } = await model.readHeads(trace, 1, reading);
    const { data } = await expected.floats(`${name}/attentions.1`);
    for (let head = 0; head < model.info.heads; head++) {
      const weights = tensor([ids.length, ids.length], data.slice(head * ids.length ** 2, (head + 1) * ids.length ** 2));
      for (const [index, { keys }] of reading.sums.entries()) {
        const sum = keys
          .flatMap((own, query) => Array.from(own, (key) => row(weights, query)[key] ?? NaN))
          .reduce((total, value) => total + value, 0);
        expect(sums[head * reading.sums.length + index]).toBeCloseTo(sum, 4);
      }
      expect(Math.max(...largest.subarray(head * 36, (head + 1) * 36))).toBeCloseTo(Math.max(...weights.data), 5);
    }
  });

  test('shares the tokens that a cut does not reach with the run without it', async () => {
    const { model, ids } = opened;
    const plain = await model.run(runOf(ids, UNCHANGED));
    const recipe = (RECIPES['keyCutInLayer'] ?? []) as Recipe;
    const run = runOf(ids, recipe);
    expect([0, 4]).toContain(model.sharedTokens(plain.run, run));
    const { data } = await expected.floats(`${name}/keyCutInLayer/logits`);
    expectNearShare((await model.logits(lastOf(await model.run(run, undefined, plain)))).data, data, TOLERANCE, name);
  });
});

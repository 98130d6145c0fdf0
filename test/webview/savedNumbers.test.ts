import { expect, it } from 'vitest';
import type { Rotation } from '../../src/core/positions.ts';
import {
  agreementNumbers,
  biasNumbers,
  comparedNumbers,
  countedAxis,
  deletionNumbers,
  distanceNumbers,
  expertNumbers,
  gridNumbers,
  histogramNumbers,
  keyNumbers,
  layerCosines,
  loadNumbers,
  pairNumbers,
  positionCosines,
  positionNumbers,
  productNumbers,
  rankNumbers,
  shareNumbers,
  stepNumbers,
  stepTimes,
  turnNumbers,
  wavelengthNumbers,
  wordCosines,
  wordNumbers,
} from '../../webview/figures/savedNumbers.ts';
import { figureJson, tokenAxis, type FigureData } from '../../webview/figures/figureData.ts';
import { comparisonRows } from '../../webview/figures/comparisonRows.ts';
import { agreementOf } from '../../webview/figures/patchFigures.ts';
import { readFixture } from './readFixture.ts';

const { explanation } = readFixture().shown;
const TOKENS = explanation.tokens.slice(0, 2);
const [FIRST = '', SECOND = ''] = TOKENS.map(({ text }) => text);
const AXIS = tokenAxis('token', TOKENS);

/** The numbers as they are saved, as JSON. */
const saved = (data: FigureData): unknown => JSON.parse(figureJson(data));
const valuesOf = (data: FigureData): unknown => (saved(data) as { readonly values: unknown }).values;

it('keeps grids whole, with what has no number as null', () => {
  expect(
    saved(
      expertNumbers(
        AXIS,
        [
          [null, 0.75, 0.25],
          [1, null, null],
        ],
        true,
      ),
    ),
  ).toEqual({
    value: 'weight',
    axes: [
      { name: 'token', labels: [FIRST, SECOND] },
      { name: 'expert', labels: ['0', '1', '2'] },
    ],
    values: [
      [null, 0.75, 0.25],
      [1, null, null],
    ],
  });
  expect(valuesOf(shareNumbers(countedAxis('head', 2), [1, NaN, -0.5, 0]))).toEqual([
    [1, null],
    [-0.5, 0],
  ]);
  expect(valuesOf(pairNumbers('difference', AXIS, AXIS, { count: 2, centre: 0, at: (row, column) => row - column }))).toEqual([
    [0, -1],
    [1, 0],
  ]);
  expect(saved(stepNumbers(Float32Array.of(1, 0, 0.5, 0.5, 0.25, 0.75), 2, ['a', 'b']))).toMatchObject({
    axes: [{ labels: ['layer 0, head 0', 'layer 0, head 1', 'layer 1, head 0'] }, { name: 'key', labels: ['a', 'b'] }],
    values: [
      [1, 0],
      [0.5, 0.5],
      [0.25, 0.75],
    ],
  });
  expect(valuesOf(biasNumbers(Float32Array.of(-1, 0, 9, -0.5, 0, 9), 2, 1))).toEqual([
    [-1, 0],
    [-0.5, 0],
  ]);
  expect(valuesOf(gridNumbers('x', countedAxis('row', 1), countedAxis('column', 1), () => undefined))).toEqual([[null]]);
});

it('keeps tables with a name for each column', () => {
  expect(saved(keyNumbers('weight', explanation.tokens, Float32Array.of(0.5, NaN)))).toEqual([
    { key: 0, text: FIRST, weight: 0.5 },
    { key: 1, text: SECOND, weight: null },
  ]);
  expect(saved(loadNumbers(Float64Array.of(0.5, 1.5)))).toEqual([
    { expert: 0, share: 0.5 },
    { expert: 1, share: 1.5 },
  ]);
  expect(saved(agreementNumbers(AXIS, agreementOf([0.5, 0, 1, 0.25], [0.25, 0, NaN, 0.75])))).toEqual([
    { layer: 0, token: 0, token_text: FIRST, estimated: 0.5, measured: 0.25 },
    { layer: 1, token: 1, token_text: SECOND, estimated: 0.25, measured: 0.75 },
  ]);
  const curve = { counts: Int32Array.of(0, 2), logprob: Float32Array.of(-1, -3) };
  expect(saved(deletionNumbers({ methods: [{ method: 'hidden', curve, mean: -2 }], random: [curve] }))).toEqual([
    { order: 'hidden', hidden: 0, logprob: -1 },
    { order: 'hidden', hidden: 2, logprob: -3 },
    { order: 'random-0', hidden: 0, logprob: -1 },
    { order: 'random-0', hidden: 2, logprob: -3 },
  ]);
  expect(saved(rankNumbers(Float32Array.of(0.25, 0.75), Float32Array.of(0.5, 0.5), Float32Array.of(0, 1)))).toEqual([
    { rank: 1, model: 0.75, at_temperature: 0.5, drawn_with: 1 },
    { rank: 2, model: 0.25, at_temperature: 0.5, drawn_with: 0 },
  ]);
  expect(saved(histogramNumbers({ step: 2, all: [3, 1], shown: [1, 0], unpredicted: 1 }))).toEqual([
    { from_bits: 0, to_bits: 2, all_rows: 3, shown_rows: 1 },
    { from_bits: 2, to_bits: 4, all_rows: 1, shown_rows: 0 },
  ]);
  const reading = { run: 3, known: 0, reread: false, runMs: 1.5, stepMs: 2 };
  expect(saved(stepTimes([{ position: 4, text: ' a', reading }, null]))).toEqual([
    { position: 4, text: ' a', tokens_run: 3, run_ms: 1.5, step_ms: 2 },
  ]);
  expect(saved(layerCosines({ cosines: Float32Array.of(1, 0.5, 0.25), typical: Float32Array.of(0, 0, NaN) }))).toEqual([
    { place: 'static', cosine: 1, any_two_tokens: 0 },
    { place: 'input', cosine: 0.5, any_two_tokens: 0 },
    { place: 'after block 0', cosine: 0.25, any_two_tokens: null },
  ]);
});

it('keeps the bits of both sides of a comparison, whose texts may be on one side alone', () => {
  const shorter = { ...explanation, tokens: explanation.tokens.slice(0, -1), logprob: explanation.logprob.slice(0, -1) };
  const rows = comparisonRows(explanation, {
    serial: 1,
    with: 1,
    kind: 'text',
    source: { uri: '', start: 0, end: 0, label: '' },
    model: null,
    explanation: shorter,
    notices: [],
    sameVocabulary: true,
    divergence: null,
  });
  const table = saved(comparedNumbers(rows)) as readonly Readonly<Record<string, unknown>>[];
  expect(table[1]).toMatchObject({ row: 1, first_text: SECOND, second_text: SECOND, difference: 0, kl_bits: null });
  expect(table.at(-1)).toMatchObject({ first_text: explanation.tokens.at(-1)?.text, second_text: '', second_bits: null });
});

it('keeps what rotation does, and vectors with the length that pictures leave out', () => {
  const rotation = {
    layer: 0,
    head: 0,
    q: Float32Array.of(1, 2),
    k: Float32Array.of(3, 4),
    qRotated: Float32Array.of(2, 1),
    kRotated: Float32Array.of(3, 4),
    pairs: Int32Array.of(0, 1),
    frequencies: Float32Array.of(0.5),
    byDistance: Float32Array.of(11, 8),
    scale: 0.5,
  } as Rotation;
  expect(saved(distanceNumbers(rotation))).toEqual([
    { distance: 0, score: 5.5 },
    { distance: 1, score: 4 },
  ]);
  expect(saved(productNumbers(rotation))).toEqual([{ pair: 0, not_rotated: 11, rotated: 10 }]);
  expect(saved(wavelengthNumbers(rotation))).toEqual([
    { pair: 0, radians_per_position: 0.5, tokens_per_turn: Number((4 * Math.PI).toPrecision(9)) },
  ]);
  expect(saved(wavelengthNumbers({ ...rotation, frequencies: Float32Array.of(0) }))).toMatchObject([{ tokens_per_turn: null }]);
  expect(valuesOf(turnNumbers(rotation, 2))).toEqual([[1, Number(Math.fround(Math.cos(0.5)).toPrecision(9))]]);
  const map = {
    points: Float32Array.of(1, 2, 3, 4, 5, 6),
    norms: Float32Array.of(7, 8),
    cosines: Float32Array.of(1, 0.5, 0.5, 1),
  };
  expect(saved(wordNumbers({ labels: ['a', 'b'], map }))).toEqual([
    { word: 'a', pc1: 1, pc2: 2, pc3: 3, norm: 7 },
    { word: 'b', pc1: 4, pc2: 5, pc3: 6, norm: 8 },
  ]);
  expect(valuesOf(wordCosines({ labels: ['a', 'b'], map }))).toEqual([
    [1, 0.5],
    [0.5, 1],
  ]);
  const table = {
    positions: Int32Array.of(0, 4),
    count: 8,
    dimensions: Int32Array.of(2),
    dim: 4,
    values: Float32Array.of(1, 2),
    cosine: Float32Array.of(1, 0, 0, 1),
  };
  expect(saved(positionNumbers(table))).toMatchObject({
    axes: [{ labels: ['0', '4'] }, { name: 'dimension', labels: ['2'] }],
    values: [[1], [2]],
  });
  expect(saved(positionCosines(table))).toMatchObject({ axes: [{ name: 'position' }, { name: 'other', labels: ['0', '4'] }] });
});

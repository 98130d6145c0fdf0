// The numbers of figures as they are saved: exact, whole, and with the names of what they are of.
import type { GenerationStep } from '../../src/core/generation.ts';
import type { PositionTable, Rotation } from '../../src/core/positions.ts';
import { wavelength } from '../../src/core/positions.ts';
import { at } from '../../src/core/tensor.ts';
import type { Token } from '../../src/core/trace.ts';
import type { VectorMap, WordByLayer } from '../../src/core/vectors.ts';
import type { ComparisonRow } from './comparisonRows.ts';
import type { DeletionCurves } from './deletionCurves.ts';
import type { ExpertGrid } from './expertGrid.ts';
import type { FigureData, GridAxis } from './figureData.ts';
import type { Agreement } from './patchFigures.ts';
import { pairParts, turnGrid } from './positionFigures.ts';
import type { PairNumbers } from './squareMap.ts';
import type { SurprisalHistogram } from './surprisalHistogram.ts';

/** An axis that counts from 0. */
export function countedAxis(name: string, count: number): GridAxis {
  return { name, labels: Array.from({ length: count }, (_, index) => String(index)) };
}

/** What is saved of an answer; null: there is none yet. */
export function savedOf<Answer>(answer: Answer | undefined, numbers: (answer: Answer) => FigureData): FigureData | null {
  return answer === undefined ? null : numbers(answer);
}

/** Numbers as rows of a grid; null and absent ones become NaN. */
export function gridNumbers(
  value: string,
  rows: GridAxis,
  columns: GridAxis,
  numberAt: (row: number, column: number) => number | null | undefined,
): FigureData {
  const across = columns.labels.length;
  const values = Float32Array.from(
    { length: rows.labels.length * across },
    (_, cell) => numberAt(Math.floor(cell / across), cell % across) ?? NaN,
  );
  return { kind: 'grid', value, rows, columns, values };
}

/** A number for every pair of tokens. */
export function pairNumbers(value: string, rows: GridAxis, columns: GridAxis, numbers: PairNumbers): FigureData {
  return gridNumbers(value, rows, columns, (row, column) => numbers.at(row, column));
}

/** What one query gives each key; NaN: none. */
export function keyNumbers(value: string, tokens: readonly Pick<Token, 'index' | 'text'>[], values: Float32Array): FigureData {
  return {
    kind: 'table',
    columns: ['key', 'text', value],
    rows: tokens.slice(0, values.length).map(({ index, text }) => [index, text, at(values, index)]),
  };
}

/** The weights with which each token was sent to each expert; without them (`isWeighted`) 1 where it was sent there. */
export function expertNumbers(tokens: GridAxis, grid: ExpertGrid, isWeighted: boolean): FigureData {
  return gridNumbers(
    isWeighted ? 'weight' : 'sent',
    tokens,
    countedAxis('expert', grid[0]?.length ?? 0),
    (token, expert) => grid[token]?.[expert],
  );
}

/** Shares of the tokens that each expert was sent. */
export function loadNumbers(loads: Float64Array): FigureData {
  return { kind: 'table', columns: ['expert', 'share'], rows: Array.from(loads, (share, expert) => [expert, share]) };
}

/** Bits of both sides of a comparison, a row each. */
export function comparedNumbers(rows: readonly ComparisonRow[]): FigureData {
  const textOf = (tokens: readonly Token[]): string => tokens.map(({ text }) => text).join('');
  return {
    kind: 'table',
    columns: ['row', 'first_text', 'second_text', 'first_bits', 'second_bits', 'difference', 'kl_bits'],
    rows: rows.map(({ a, b, aBits, bBits, difference, kl }, row) => [row, textOf(a), textOf(b), aBits, bBits, difference, kl]),
  };
}

/** Shares of a patching grid, [layers, columns]. */
export function shareNumbers(columns: GridAxis, shares: ArrayLike<number>): FigureData {
  const across = columns.labels.length;
  const layers = countedAxis('layer', across === 0 ? 0 : shares.length / across);
  return gridNumbers('share', layers, columns, (layer, column) => at(shares, layer * across + column));
}

/** Estimate and measurement of each measured cell. */
export function agreementNumbers(columns: GridAxis, { cells, estimates, shares }: Agreement): FigureData {
  const across = columns.labels.length;
  return {
    kind: 'table',
    columns: ['layer', columns.name, `${columns.name}_text`, 'estimated', 'measured'],
    rows: cells.map((cell, index) => {
      const column = cell % across;
      return [Math.floor(cell / across), column, columns.labels[column] ?? '', estimates[index] ?? NaN, shares[index] ?? NaN];
    }),
  };
}

/** Points of all curves of a prediction from which words are hidden; random orders are numbered from 0. */
export function deletionNumbers({ methods, random }: DeletionCurves): FigureData {
  const curves = [
    ...methods.map(({ method, curve }) => ({ order: method, curve })),
    ...random.map((curve, number) => ({ order: `random-${number}`, curve })),
  ];
  return {
    kind: 'table',
    columns: ['order', 'hidden', 'logprob'],
    rows: curves.flatMap(({ order, curve: { counts, logprob } }) =>
      Array.from(counts, (hidden, point) => [order, hidden, at(logprob, point)]),
    ),
  };
}

/** Probabilities by rank, of the whole vocabulary: the model's own, at the temperature, and after the filters. */
export function rankNumbers(own: Float32Array, probs: Float32Array, final: Float32Array): FigureData {
  const sorted = [own, probs, final].map((values) => values.slice().sort());
  const vocab = own.length;
  return {
    kind: 'table',
    columns: ['rank', 'model', 'at_temperature', 'drawn_with'],
    rows: Array.from({ length: vocab }, (_, place) => [place + 1, ...sorted.map((values) => at(values, vocab - 1 - place))]),
  };
}

/** How many rows have how many bits. */
export function histogramNumbers({ step, all, shown }: SurprisalHistogram): FigureData {
  return {
    kind: 'table',
    columns: ['from_bits', 'to_bits', 'all_rows', 'shown_rows'],
    rows: all.map((count, place) => [place * step, (place + 1) * step, count, shown[place] ?? 0]),
  };
}

/** The score of a rotated query and key by the tokens between them. */
export function distanceNumbers({ byDistance, scale }: Rotation): FigureData {
  return {
    kind: 'table',
    columns: ['distance', 'score'],
    rows: Array.from(byDistance, (product, distance) => [distance, product * scale]),
  };
}

/** What each pair of a rotated head adds to the product of query and key. */
export function productNumbers(rotation: Rotation): FigureData {
  const { before, after } = pairParts(rotation);
  return {
    kind: 'table',
    columns: ['pair', 'not_rotated', 'rotated'],
    rows: Array.from(before, (product, pair) => [pair, product, after[pair] ?? NaN]),
  };
}

/** How fast each pair of a rotated head turns; a pair that never turns has no wavelength. */
export function wavelengthNumbers({ frequencies }: Rotation): FigureData {
  return {
    kind: 'table',
    columns: ['pair', 'radians_per_position', 'tokens_per_turn'],
    rows: Array.from(frequencies, (frequency, pair) => [pair, frequency, wavelength(frequency)]),
  };
}

/** Cosines of the angles by which each pair has turned at each position of a text. */
export function turnNumbers({ frequencies }: Rotation, tokens: number): FigureData {
  const grid = turnGrid(frequencies, tokens);
  return gridNumbers(
    'cosine',
    countedAxis('pair', frequencies.length),
    countedAxis('position', tokens),
    (pair, position) => grid[pair]?.[position],
  );
}

/** Vectors of positions, as many of them as the table holds. */
export function positionNumbers({ positions, dimensions, values }: PositionTable): FigureData {
  return { kind: 'grid', value: 'value', rows: indexAxis('position', positions), columns: indexAxis('dimension', dimensions), values };
}

/** Cosines of every two positions. */
export function positionCosines({ positions, cosine }: PositionTable): FigureData {
  return { kind: 'grid', value: 'cosine', rows: indexAxis('position', positions), columns: indexAxis('other', positions), values: cosine };
}

/** The bias of each key of a query, by head. `bias` [heads, tokens]. */
export function biasNumbers(bias: Float32Array, heads: number, query: number): FigureData {
  const tokens = bias.length / heads;
  return gridNumbers('bias', countedAxis('head', heads), countedAxis('key', query + 1), (head, key) => at(bias, head * tokens + key));
}

/** Vectors with their names. */
interface NamedVectors {
  readonly labels: readonly string[];
  readonly map: Pick<VectorMap, 'points' | 'norms' | 'cosines'>;
}

/** Words over principal components, with the lengths of their vectors. */
export function wordNumbers({ labels, map: { points, norms } }: NamedVectors): FigureData {
  return {
    kind: 'table',
    columns: ['word', 'pc1', 'pc2', 'pc3', 'norm'],
    rows: labels.map((word, index) => [word, ...[0, 1, 2].map((axis) => at(points, 3 * index + axis)), at(norms, index)]),
  };
}

/** Cosines of all pairs of words. */
export function wordCosines({ labels, map: { cosines } }: NamedVectors): FigureData {
  return { kind: 'grid', value: 'cosine', rows: { name: 'word', labels }, columns: { name: 'other', labels }, values: cosines };
}

/** Cosines of a token's vectors at two places, and of any two tokens, by where in the residual stream they are compared. */
export function layerCosines({ cosines, typical }: WordByLayer): FigureData {
  const nameOf = (place: number): string => (place === 0 ? 'static' : place === 1 ? 'input' : `after block ${place - 2}`);
  return {
    kind: 'table',
    columns: ['place', 'cosine', 'any_two_tokens'],
    rows: Array.from(cosines, (cosine, place) => [nameOf(place), cosine, at(typical, place)]),
  };
}

/** Weights of the last token read, a row for each head of each layer. `weights` [layers * heads, tokens]. */
export function stepNumbers(weights: Float32Array, heads: number, labels: readonly string[]): FigureData {
  const rows = Array.from({ length: labels.length === 0 ? 0 : weights.length / labels.length }, (_, row) => {
    return `layer ${Math.floor(row / heads)}, head ${row % heads}`;
  });
  return { kind: 'grid', value: 'weight', rows: { name: 'head', labels: rows }, columns: { name: 'key', labels }, values: weights };
}

/** Tokens run and milliseconds of each step of a generation; a step without numbers is of an earlier session. */
export function stepTimes(steps: readonly (Pick<GenerationStep, 'position' | 'text' | 'reading'> | null)[]): FigureData {
  return {
    kind: 'table',
    columns: ['position', 'text', 'tokens_run', 'run_ms', 'step_ms'],
    rows: steps.flatMap((step) =>
      step === null ? [] : [[step.position, step.text, step.reading.run, step.reading.runMs, step.reading.stepMs]],
    ),
  };
}

function indexAxis(name: string, indices: Int32Array): GridAxis {
  return { name, labels: Array.from(indices, String) };
}

import { describe, expect, it } from 'vitest';
import type { Token } from '../../src/core/trace.ts';
import { cosine, cosineMatrix, meanCosine, type VectorMap } from '../../src/core/vectors.ts';
import { tensor } from '../../src/core/tensor.ts';
import { layerLinesFigure, placeLabel } from '../../webview/figures/layerLines.ts';
import { sharedTokens, snippet, validPick } from '../../webview/figures/occurrences.ts';
import { parallelogramFigure } from '../../webview/figures/parallelogram.ts';
import { cosineLegend, cosinePairs, cosineScale, similarityFigure } from '../../webview/figures/similarityMap.ts';
import { wholeMap } from '../../webview/figures/mapWindow.ts';
import { pooledRows } from '../../webview/figures/squareMap.ts';
import { css } from '../../webview/colour.ts';
import { readTheme, signedColours, type Theme } from '../../webview/theme.ts';

const theme = readTheme(() => '', 'dark');

describe('cosines', () => {
  const rows = tensor([3, 2], Float32Array.of(3, 0, 0, 2, -1, 0));

  it('are those of the definition, exactly 1 on the diagonal, NaN for a row of zeros', () => {
    expect([...cosineMatrix(rows)]).toEqual([1, 0, -1, 0, 1, 0, -1, 0, 1]);
    expect(cosine([1, 1], [2, 0])).toBeCloseTo(Math.SQRT1_2, 12);
    expect(Number.isNaN(cosine([0, 0], [1, 0]))).toBe(true);
    expect([...cosineMatrix(tensor([1, 2], new Float32Array(2)))]).toEqual([Number.NaN]);
  });

  it('have the mean of all pairs without the pairs of one', () => {
    expect(meanCosine(rows, 0)).toBeCloseTo(-1 / 3, 6);
    expect(meanCosine(rows, 1)).toBeCloseTo(0, 6);
    expect(meanCosine(rows, 2)).toBeNaN();
  });
});

describe('the matrix of cosines', () => {
  const typical = { mean: 0.5, deviation: 0.2 };

  it('has colours on both sides of 0 as far as the farthest pair, and none on the diagonal', () => {
    const cosines = Float32Array.of(1, -0.25, -0.25, 1);
    const scale = cosineScale(cosines, 'centred', typical);
    const rows = pooledRows(cosinePairs(cosines, scale), 1, wholeMap(2, false));
    const figure = similarityFigure(rows, scale, { labels: ['a', '<b>'], selected: 1, width: 400 }, theme);
    expect(figure.data[0]).toMatchObject({
      z: [Float32Array.of(Number.NaN, -0.25), Float32Array.of(-0.25, Number.NaN)],
      zmin: -0.25,
      zmax: 0.25,
    });
    expect(figure.layout['yaxis']).toMatchObject({ ticktext: ['a', '&lt;b&gt;'] });
    expect(figure.layout['shapes']).toMatchObject([{ y0: 0.5, y1: 1.5 }]);
  });

  it('has them around what pairs have anyway where the common part is left in', () => {
    expect(cosineScale(Float32Array.of(1, 0.75, 0.75, 1), 'stored', typical)).toEqual({ centre: 0.5, reach: 0.25 });
    expect(cosineLegend({ centre: 0.5, reach: 0.75 }, theme)).toMatchObject({ low: -0.25, high: 1 });
    // What is above the centre has the colour that positive numbers have everywhere.
    const coloured: Theme = { ...theme, accent: [0, 90, 200], warm: [200, 90, 0] };
    const most = [cosineLegend({ centre: 0, reach: 0.5 }, coloured).colours, signedColours(coloured)].map((all) =>
      css(all.at(-1) ?? [0, 0, 0]),
    );
    expect(most[0]).toBe(most[1]);
  });

  it('stays faint where all are alike, and has a scale where there is no pair', () => {
    expect(cosineScale(Float32Array.of(1, 0.001, 0.001, 1), 'centred', typical)).toEqual({ centre: 0, reach: 0.1 });
    expect(cosineScale(Float32Array.of(1), 'stored', { mean: Number.NaN, deviation: Number.NaN })).toEqual({ centre: 0, reach: 0.1 });
  });
});

describe('the parallelogram', () => {
  const map: VectorMap = {
    points: Float32Array.of(2, 3, 0, 0, 0, 0, 5, 1, 0, 7, 4, 0, 6.5, 4.5, 0),
    explained: Float32Array.of(0.6, 0.3, 0.1),
    norms: new Float32Array(5),
    cosines: new Float32Array(25),
    typical: { mean: 0, deviation: 0.1 },
  };
  const figure = parallelogramFigure(
    map,
    { labels: ['a', 'b', 'c', 'a − b + c', 'd'], axisTitles: ['1', '2'], width: 500, height: 400 },
    theme,
  );

  it('joins b with a, c with the sum, and the sum with the nearest token', () => {
    expect(figure.data.slice(0, 5).map((line) => [line['x'], line['y']])).toEqual([
      [
        [0, 2],
        [0, 3],
      ],
      [
        [5, 7],
        [1, 4],
      ],
      [
        [0, 5],
        [0, 1],
      ],
      [
        [2, 7],
        [3, 4],
      ],
      [
        [7, 6.5],
        [4, 4.5],
      ],
    ]);
    expect(figure.data[5]).toMatchObject({ x: [2, 0, 5, 7, 6.5], y: [3, 0, 1, 4, 4.5] });
  });

  it('has the same unit to the right and up, with all points inside', () => {
    const { xaxis, yaxis } = figure.layout as {
      readonly xaxis: { readonly range: [number, number] };
      readonly yaxis: { readonly range: [number, number] };
    };
    const unit = (range: [number, number], pixels: number): number => (range[1] - range[0]) / pixels;
    expect(unit(xaxis.range, 500 - 48 - 24)).toBeCloseTo(unit(yaxis.range, 400 - 28 - 44), 9);
    expect(xaxis.range[0]).toBeLessThan(0);
    expect(xaxis.range[1]).toBeGreaterThan(7);
  });
});

describe('lines over the layers', () => {
  it('name the static table and the input, and keep 0 and 1 in sight', () => {
    const figure = layerLinesFigure(
      [
        { name: 'word', values: [1, 0.9, 0.8], kind: 'main' },
        { name: 'typical', values: [Number.NaN, 0.1, 0.2], kind: 'reference' },
      ],
      600,
      theme,
    );
    expect(figure.layout['xaxis']).toMatchObject({ ticktext: ['static', 'input', '0'] });
    // Blocks stand at even distances, and the two places with names where there is room.
    const ticks = (places: number, width: number): unknown =>
      layerLinesFigure([{ name: 'word', values: new Float32Array(places), kind: 'main' }], width, theme).layout['xaxis'];
    expect(ticks(8, 390)).toMatchObject({ ticktext: ['static', 'input', '0', '1', '2', '3', '4', '5'] });
    expect(ticks(26, 390)).toMatchObject({ ticktext: ['static', '0', '2', '4', '6', '8', '10', '12', '14', '16', '18', '20', '23'] });
    expect(figure.data[0]).toMatchObject({ y: [1, 0.9, 0.8], mode: 'lines+markers' });
    const { range } = figure.layout['yaxis'] as { readonly range: [number, number] };
    expect(range[0]).toBeLessThanOrEqual(0);
    expect(range[1]).toBeGreaterThan(1);
    expect(placeLabel(2)).toBe('0');
  });
});

describe('a token at two places', () => {
  const textOf = (...texts: readonly string[]): readonly Token[] =>
    texts.map((text, index) => ({
      index,
      id: Array.from(text).reduce((sum, character) => sum * 31 + character.charCodeAt(0), 7),
      text,
      bytes: [...new TextEncoder().encode(text)],
      start: 0,
      end: 0,
      special: text === '<s>',
      partial: false,
    }));
  const text = textOf('<s>', 'a', ' b', ' apple', ' b', ' apple', '<s>');

  it('is found in one text where it comes twice, the longest word first, added tokens left out', () => {
    const shared = sharedTokens(text, null);
    expect(shared.map((one) => [one.text, one.first])).toEqual([
      ['·apple', [3, 5]],
      ['·b', [2, 4]],
    ]);
    expect(validPick(shared, null, null, true)).toMatchObject({ first: 3, second: 5 });
    expect(validPick(shared, null, 4, true)).toMatchObject({ first: 2, second: 4 });
    expect(validPick([], null, null, true)).toBeNull();
  });

  it('keeps a pick that holds, and mends one that does not', () => {
    const shared = sharedTokens(text, null);
    const id = shared[1]?.id ?? -1;
    expect(validPick(shared, { id, first: 4, second: 2 }, null, true)).toEqual({ id, first: 4, second: 2 });
    expect(validPick(shared, { id, first: -1, second: -1 }, null, true)).toEqual({ id, first: 2, second: 4 });
    expect(validPick(shared, { id, first: 2, second: 2 }, null, true)).toEqual({ id, first: 2, second: 4 });
  });

  it('is found in two texts', () => {
    const other = textOf(' an', ' apple');
    const shared = sharedTokens(text, other);
    expect(shared.map((one) => [one.text, one.first, one.second])).toEqual([['·apple', [3, 5], [1]]]);
    expect(validPick(shared, null, null, false)).toMatchObject({ first: 3, second: 1 });
  });

  it('is shown among its neighbours', () => {
    expect(snippet(text, 3, 2)).toBe('3: …a·b [·apple] ·b·apple…');
  });
});

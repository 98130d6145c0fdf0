// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { at } from '../../src/core/tensor.ts';
import { largestHead, largestOfAll, largestSize, total, waterfall, waterfallRange } from '../../webview/figures/directWaterfall.ts';
import { headTermRows, headTermsFigure } from '../../webview/figures/headTerms.ts';
import { whyCandidates, whyQuestion } from '../../webview/figures/whyQuestion.ts';
import { setLanguage, signedDecimal } from '../../webview/parts/format.ts';
import { chipTemplate, drawInto, sentenceTemplate } from '../../webview/parts/templates.ts';
import { readTheme, signedColours } from '../../webview/theme.ts';
import { INITIAL_SETTINGS, type Settings } from '../../webview/viewSettings.ts';
import { readFixture } from './readFixture.ts';

/** Two layers of three heads. */
const PARTS = {
  target: 1.5,
  embedding: 0.5,
  heads: Float32Array.of(1, -2, 0.25, 0.5, 0, 0.75),
  mlp: Float32Array.of(-1, 2),
  rest: -0.5,
};

describe('the waterfall of a logit', () => {
  it('adds the parts in the order in which the model does, and ends at their sum', () => {
    const steps = waterfall(PARTS, {});
    expect(steps.map(({ part, layer, value, after }) => [part, layer, value, after])).toEqual([
      ['embedding', -1, 0.5, 0.5],
      ['attention', 0, -0.75, -0.25],
      ['mlp', 0, -1, -1.25],
      ['attention', 1, 1.25, 0],
      ['mlp', 1, 2, 2],
      ['rest', -1, -0.5, 1.5],
    ]);
    for (const [index, { before }] of steps.entries()) expect(before).toBe(steps[index - 1]?.after ?? 0);
    expect(total(steps.map(({ value }) => value))).toBe(PARTS.target);
  });

  it('has room for every sum on the way, and for 0', () => {
    expect(waterfallRange(waterfall(PARTS, {}))).toEqual([-1.25, 2]);
    expect(waterfallRange([{ part: 'rest', layer: -1, value: 3, before: 0, after: 3 }])).toEqual([0, 3]);
  });

  it('knows the largest head, whatever its sign', () => {
    expect([largestHead(PARTS, 0), largestHead(PARTS, 1)]).toEqual([1, 2]);
    expect(largestOfAll(PARTS)).toEqual([0, 1]);
    expect([largestSize([0.5, -3]), largestSize([0, 0])]).toEqual([3, 1]);
  });
});

describe('the grid of heads', () => {
  const theme = readTheme(() => '', 'dark');

  it('has a row a layer, colours that are as far below 0 as above, and the chosen head framed', () => {
    const z = headTermRows(PARTS, {});
    expect(z).toEqual([
      [1, -2, 0.25],
      [0.5, 0, 0.75],
    ]);
    const { data, layout } = headTermsFigure(z, { layer: 1, head: 2, width: 400 }, theme);
    expect(data[0]).toMatchObject({ z, zmin: -2, zmax: 2 });
    expect(layout['shapes']).toMatchObject([{ x0: 1.5, x1: 2.5, y0: 0.5, y1: 1.5 }]);
  });

  it('has a dash in place of numbers where a layer has no attention weights, and nothing of it in the colours', () => {
    const attends = { window: null, ropeTheta: null, experts: null };
    const recurrence = { kind: 'mlpAlone', maps: 0, reach: null, kept: 0, normed: false } as const;
    const layers = [{ ...attends, recurrence }, attends];
    const z = headTermRows(PARTS, { traits: { layers, sinks: false, latentRank: null, scoreCap: null, logitCap: null } });
    expect(z).toEqual([
      [null, null, null],
      [0.5, 0, 0.75],
    ]);
    const { data, layout } = headTermsFigure(z, { layer: 0, head: 2, width: 400 }, theme);
    expect(data[0]).toMatchObject({ zmin: -0.75, zmax: 0.75 });
    expect(layout['annotations']).toMatchObject([{ text: expect.any(String) as string }, { text: '–', x: 0, y: 0 }]);
  });

  it('has the accent for numbers above 0, as bars have, and the same colours for the same theme', () => {
    const scale = signedColours(theme);
    expect(scale).toBe(signedColours(theme));
    expect(scale[(scale.length - 1) / 2]).toEqual(theme.background.map((channel) => expect.closeTo(channel, 0) as number));
  });
});

describe('the question', () => {
  const { explanation } = readFixture().shown;
  const { tokens, topK, topIds, logprob } = explanation;
  const settings = (change: Partial<Settings>): Settings => ({ ...INITIAL_SETTINGS, selected: 5, ...change });
  const candidates = whyCandidates(explanation, 5);
  const next = tokens[6]?.id ?? -1;

  it('offers the text’s next token first, once, with its probability, and then the likeliest', () => {
    expect(candidates[0]).toMatchObject({ id: next, follows: true, probability: Math.exp(at(logprob, 6)) });
    expect(candidates.slice(1).map(({ id }) => id)).toEqual([...topIds.subarray(5 * topK, 6 * topK)].filter((id) => id !== next));
    expect(candidates.filter(({ follows }) => follows)).toHaveLength(1);
  });

  it('is why the text goes on as it does, rather than with the best other candidate', () => {
    const best = candidates.slice(1).reduce((a, b) => (b.probability > a.probability ? b : a)).id;
    expect(whyQuestion(settings({}), candidates)).toEqual({ position: 5, token: next, rival: best });
  });

  it('is why the likeliest after the last token, rather than the second', () => {
    const last = tokens.length - 1;
    const ids = [...topIds.subarray(last * topK, last * topK + 2)];
    expect(whyQuestion(settings({ selected: last }), whyCandidates(explanation, last))).toEqual({
      position: last,
      token: ids[0],
      rival: ids[1],
    });
  });

  it('is the chosen one at its position, with no rival where none was chosen', () => {
    const [, second, third] = candidates.map(({ id }) => id);
    const asked = { position: 5, token: third ?? -1, rival: second ?? -1 };
    expect(whyQuestion(settings({ whyAsked: asked }), candidates)).toEqual(asked);
    expect(whyQuestion(settings({ whyAsked: { ...asked, rival: null } }), candidates)).toEqual({ ...asked, rival: null });
    expect(whyQuestion(settings({ whyAsked: { ...asked, position: 4 } }), candidates)?.token).toBe(next);
  });

  it('is the first one where what was chosen is no candidate any more', () => {
    const found = whyQuestion(settings({ whyAsked: { position: 5, token: 16_383, rival: 16_382 } }), candidates);
    expect([found?.token, candidates.some(({ id }) => id === found?.rival)]).toEqual([next, true]);
    expect(whyQuestion(settings({}), [])).toBeNull();
    expect(whyQuestion(settings({}), candidates.slice(0, 1))).toEqual({ position: 5, token: next, rival: null });
  });
});

it('a sentence has its tokens where its language wants them', () => {
  const place = document.createElement('p');
  const said = (text: string): string => {
    drawInto(place, sentenceTemplate(text, chipTemplate('A'), chipTemplate('B')));
    return place.textContent;
  };
  expect(said('Why {0} here, rather than {1}?')).toBe('Why A here, rather than B?');
  expect(said('不是 {1}，而是 {0}')).toBe('不是 B，而是 A');
});

it('a signed number says its sign, but not of what is shown as zero', () => {
  setLanguage('en');
  expect([1.2345, -2, 0.0004, -0.0004, Number.NaN].map((value) => signedDecimal(value, 3))).toEqual([
    '+1.235',
    '−2.000',
    '0.000',
    '0.000',
    '–',
  ]);
});

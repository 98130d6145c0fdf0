import { describe, expect, it } from 'vitest';
import type { GenerationStep } from '../../src/core/generation.ts';
import { draw, sample } from '../../src/core/sampling.ts';
import { softmax } from '../../src/core/probability.ts';
import {
  EMPTY_TREE,
  branchesOf,
  idsTo,
  numbersOf,
  pathTo,
  promptKey,
  selecting,
  stopAt,
  withStep,
  withToken,
  type DrawSettings,
  type GeneratedToken,
  type GenerationTree,
} from '../../webview/generation/generationTree.ts';
import { keepGeneration, parseGeneration } from '../../webview/generation/keptGeneration.ts';
import { drawSettings, endOf } from '../../webview/generation/generator.ts';
import { INITIAL_SETTINGS } from '../../webview/viewSettings.ts';
import { initialState, persisted, reduce } from '../../webview/state.ts';
import { readTheme } from '../../webview/theme.ts';
import { readFixture } from './readFixture.ts';

const GREEDY: DrawSettings = { sampling: { temperature: 0, topK: 0, topP: 1, minP: 0 }, seed: 0 };
const WARM: DrawSettings = { sampling: { temperature: 0.8, topK: 3, topP: 0.9, minP: 0.01 }, seed: 7 };
const { shown } = readFixture();
const theme = readTheme(() => '', 'dark');

/** What the worker would answer for these logits: of four tokens, all named. */
function stepOf(logits: readonly number[], { sampling }: DrawSettings, position: number, uniform = 0.5): GenerationStep {
  const all = Float32Array.from(logits);
  const { probs, final, steps, keptCount, entropyBefore, entropyAfter } = sample(all, sampling);
  const { index: id, ...drawn } = draw(final, sampling.temperature > 0 ? uniform : 0);
  const order = Int32Array.from([...all.keys()].sort((a, b) => (all[b] ?? 0) - (all[a] ?? 0)));
  const pick = (from: Float32Array): Float32Array => Float32Array.from(order, (one) => from[one] ?? 0);
  const own = softmax(all);
  return {
    position,
    id,
    text: `t${id}`,
    prob: own[id] ?? 0,
    tempered: probs[id] ?? 0,
    final: final[id] ?? 0,
    rank: order.indexOf(id) + 1,
    entropy: 0,
    entropyTempered: entropyBefore,
    entropyFinal: entropyAfter,
    topIds: order,
    topProbs: pick(own),
    topTempered: pick(probs),
    topFinal: pick(final),
    pieces: Object.fromEntries([...order].map((one) => [one, `t${one}`])),
    filters: steps,
    keptCount,
    draw: sampling.temperature > 0 ? drawn : null,
    stop: null,
    reading: { run: 1, known: position - 1, reread: false, runMs: 1, stepMs: 2 },
    cache: { positions: position, bytesPerLayer: [8], bytes: 8 },
  };
}
const LOGITS = [2, 1, 0, -1];
const token = (id: number, parent: number, settings = GREEDY): GeneratedToken => ({
  id,
  parent,
  taken: false,
  settings,
  wroteMs: null,
  step: stepOf(LOGITS, settings, 10),
});
const grow = (...tokens: readonly GeneratedToken[]): GenerationTree => tokens.reduce(withToken, { ...EMPTY_TREE, prompt: 'p' });
/** 0 - 0 - 0, and from its second token on 1 - 2, of which 3 instead of 2. */
const forked = grow(token(0, -1), token(0, 0), token(0, 1), token(1, 0), token(2, 3), token(3, 3));

describe('a tree of generated tokens', () => {
  it('shows the branch that grew last, with its newest token selected', () => {
    expect([forked.end, forked.selected]).toEqual([5, 5]);
    expect(idsTo(forked, forked.end)).toEqual([0, 1, 3]);
  });

  it('walks on to a token that is there already, and has its newer step', () => {
    const again = withToken(forked, token(0, 0, WARM));
    expect(again.tokens).toHaveLength(forked.tokens.length);
    expect([again.selected, again.end]).toEqual([1, 2]);
    expect(again.tokens[1]?.settings).toBe(WARM);
    expect(withToken(forked, token(0, -1, WARM)).end).toBe(5);
  });

  it('keeps its branch when a token on it is selected, and shows another when one of that is', () => {
    expect(selecting(forked, 3)).toMatchObject({ selected: 3, end: 5 });
    expect(selecting(forked, 1)).toMatchObject({ selected: 1, end: 2 });
    expect(selecting(forked, -1)).toMatchObject({ selected: -1, end: 5 });
  });

  it('lists its branches, each with its fork and the model’s log-probability of the whole', () => {
    const own = softmax(Float32Array.from(LOGITS));
    const logprob = (...ids: readonly number[]): unknown =>
      expect.closeTo(
        ids.reduce((sum, id) => sum + Math.log(own[id] ?? 0), 0),
        5,
      );
    expect(branchesOf(forked)).toEqual([
      { tokens: [0, 1, 2], forkedAfter: 0, depth: 0, end: 2, logprob: logprob(0, 0, 0) },
      { tokens: [3, 4], forkedAfter: 1, depth: 1, end: 4, logprob: logprob(0, 1, 2) },
      { tokens: [5], forkedAfter: 2, depth: 2, end: 5, logprob: logprob(0, 1, 3) },
    ]);
  });

  it('lists other first tokens as branches from the text’s end', () => {
    expect(
      branchesOf(grow(token(0, -1), token(2, -1), token(1, -1))).map(({ tokens, forkedAfter, depth }) => [tokens, forkedAfter, depth]),
    ).toEqual([
      [[0], 0, 0],
      [[1], 0, 1],
      [[2], 0, 1],
    ]);
  });

  it('gives a candidate that was taken its own numbers, and knows none before its step is known', () => {
    const taken = { ...token(2, -1, WARM), taken: true };
    const own = softmax(Float32Array.from(LOGITS));
    expect(numbersOf(taken)).toMatchObject({ text: 't2', rank: 3, prob: own[2] });
    const unknown = { ...taken, step: null };
    expect(numbersOf(unknown)).toBeNull();
    expect(branchesOf(grow(unknown))[0]?.logprob).toBeNull();
    expect(numbersOf(withStep(grow(unknown), 0, stepOf(LOGITS, WARM, 10)).tokens[0] ?? unknown)?.rank).toBe(3);
  });

  it('stops at the model’s end token, and where its context is full', () => {
    const { explanation } = shown;
    const model = { ...explanation.model, eos: [3], contextLength: explanation.tokens.length + 3 };
    expect(stopAt(forked, 5, { ...explanation, model })).toBe('eos');
    expect(stopAt(forked, 2, { ...explanation, model })).toBe('context');
    expect(stopAt(forked, 1, { ...explanation, model })).toBeNull();
    expect(stopAt(EMPTY_TREE, -1, { ...explanation, model: { ...model, contextLength: explanation.tokens.length } })).toBe('context');
  });
});

describe('a kept tree', () => {
  it('comes back with its ids, branches and settings, its steps unknown', () => {
    const tree = grow(token(0, -1), { ...token(1, 0, WARM), taken: true }, token(2, 0));
    const back = parseGeneration(JSON.parse(JSON.stringify(keepGeneration(tree))));
    expect(back).toEqual({ ...tree, tokens: tree.tokens.map((one) => ({ ...one, step: null })) });
  });

  it('of too many tokens is its shown branch, or nothing', () => {
    const long = Array.from({ length: 4100 }, (_, index) => ({ ...token(index % 4, index - 1), step: null }));
    expect(keepGeneration({ prompt: 'p', tokens: long, end: 4099, selected: 4099 })).toBeUndefined();
    const kept = parseGeneration(keepGeneration({ prompt: 'p', tokens: long, end: 9, selected: 4 }));
    expect([kept.tokens.length, kept.end, kept.selected]).toEqual([10, 9, 4]);
  });

  it.each([
    null,
    7,
    'tree',
    {},
    { prompt: 'p', ids: [1], parents: [0], taken: [false], settings: [GREEDY], uses: [0], end: 0, selected: 0 },
    { prompt: 'p', ids: [1], parents: [-1], taken: [false], settings: [], uses: [0], end: 0, selected: 0 },
    { prompt: 'p', ids: [-1], parents: [-1], taken: [false], settings: [GREEDY], uses: [0], end: 0, selected: 0 },
    { prompt: 'p', ids: [1], parents: [-1], taken: [false], settings: [GREEDY], uses: [0], end: 1, selected: 0 },
    {
      prompt: 'p',
      ids: [1],
      parents: [-1],
      taken: [false],
      settings: [{ sampling: { temperature: null }, seed: 0 }],
      uses: [0],
      end: 0,
      selected: 0,
    },
  ])('that is none, %j, is empty', (value) => expect(parseGeneration(value)).toEqual(EMPTY_TREE));
});

describe('the state of a generation', () => {
  const explained = reduce(initialState(theme, undefined), { type: 'host', message: { type: 'explanation', shown } });
  const tree = { ...forked, prompt: promptKey(shown.explanation) };
  const generated = reduce(explained, { type: 'generation', change: { tree } });

  it('lives through a reload of the page', () => {
    const kept: unknown = JSON.parse(JSON.stringify(persisted(generated)));
    const again = reduce(initialState(theme, kept), { type: 'host', message: { type: 'explanation', shown } });
    expect(idsTo(again.generation.tree, again.generation.tree.end)).toEqual([0, 1, 3]);
    expect(again.generation).toMatchObject({ running: false, ended: null });
  });

  it('ends with another text, or another model, and says which', () => {
    const { explanation } = shown;
    const other = { ...explanation, text: 'other', tokens: explanation.tokens.slice(0, 3) };
    const byText = reduce(generated, {
      type: 'host',
      message: { type: 'explanation', shown: { ...shown, serial: 2, explanation: other } },
    });
    expect(byText.generation).toMatchObject({ ended: 'text', tree: { tokens: [], end: -1 } });
    const model = { ...explanation, model: { ...explanation.model, name: 'another' } };
    const byModel = reduce(generated, {
      type: 'host',
      message: { type: 'explanation', shown: { ...shown, serial: 2, explanation: model } },
    });
    expect(byModel.generation.ended).toBe('model');
    expect(reduce(generated, { type: 'host', message: { type: 'explanation', shown: { ...shown, serial: 2 } } }).generation.tree).toBe(
      tree,
    );
  });

  it('goes on to the limit of new tokens and no further', () => {
    expect(endOf(generated)).toBeNull();
    expect(endOf(reduce(generated, { type: 'settings', change: { newTokens: 3 } }))).toBe('limit');
    expect(pathTo(tree, tree.end)).toHaveLength(3);
  });

  it('keeps what was generated apart from the text it was given', () => {
    const { explanation } = shown;
    const first = explanation.tokens.at(-2);
    const whole = { ...shown, explanation: { ...explanation, generated: 2 } };
    const kept = persisted(reduce(initialState(theme, undefined), { type: 'host', message: { type: 'explanation', shown: whole } }));
    expect(kept?.text).toBe(explanation.text.slice(0, first?.start));
    expect(kept?.continuation).toEqual({
      model: explanation.model.name,
      chat: false,
      ids: explanation.tokens.slice(-2).map(({ id }) => id),
    });
  });

  it('draws greedily, or by the settings', () => {
    expect(drawSettings({ ...INITIAL_SETTINGS, greedy: true, topK: 5, seed: 3 })).toEqual({ sampling: GREEDY.sampling, seed: 3 });
    expect(drawSettings({ ...INITIAL_SETTINGS, ...WARM.sampling, seed: 7 })).toEqual(WARM);
  });
});

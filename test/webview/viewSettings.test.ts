import { describe, expect, it } from 'vitest';
import { INITIAL_SETTINGS, parseSettings, withinModel, type Settings } from '../../webview/viewSettings.ts';
import { readFixture } from './readFixture.ts';

/** As a page of version 0.1.0 kept them: every setting at another value than the initial one. */
const KEPT = {
  tab: 'attention',
  stripColour: 'rank',
  selected: 7,
  layer: 3,
  head: 5,
  headChosen: true,
  metric: 'induction',
  headsOn: 'repeated',
  repeatedScore: 'duplicate',
  headMeasure: 'cut',
  hideFirst: false,
  logScale: true,
  locked: { query: 6, key: 2 },
  embeddingLayer: 4,
  editorAttention: 'value-weighted',
  dimensions: 3,
  yaw: -2.5,
  pitch: 1.25,
  temperature: 0,
  topK: 40,
  topP: 1,
  minP: 0.05,
  greedy: true,
  seed: 2 ** 40,
  newTokens: 3,
  pastEnd: true,
  lensColour: 'kl',
  lensRows: 'steps',
  addedColour: 'next',
  expertLayer: 2,
  pathStep: 'softmax',
  pathExpert: 1,
  positionKey: 0,
  sinusoidDim: 2,
  sinusoidLength: 512,
  embeddingView: 'context',
  frame: 'stored',
  neighbourWord: '词 <b>',
  arithmetic: ['a', '', 'c'],
  wordSet: '',
  contextIn: 'typed',
  contextTexts: ['one', ''],
  contextPick: { id: 9, first: -1, second: 4 },
  readings: { constructor: 1, 词: 0 },
  whyAsked: { position: 7, token: 300, rival: null },
  whySpan: { position: 7, end: 9 },
  recipe: [{ step: { kind: 'head', layer: 1, head: 2, action: 'zero' }, on: false }],
  whyMethod: 'rollout',
  whyUnit: 'sentence',
  steerBy: 'kept',
  vectors: [{ name: 'calm', description: '', family: 'gpt2', directions: [{ layer: 2, values: [0.5, -1] }] }],
  vector: 'calm',
  patchGrid: 'heads',
  stripFolded: true,
  pathShown: true,
  station: 'layers',
  stationsDone: ['tokens', 'attention'],
  tableUnit: 'word',
  tableSort: { column: 'bits', descending: true },
  tableText: 'the',
  tableId: 7,
  tableBits: 2.5,
  tableDetails: true,
  folds: { histogram: true, 'stage-query': false },
  notes: [{ text: 'why here?', token: 3, head: { layer: 1, head: 2 }, key: 0 }],
} satisfies Settings;

/** What none of the settings can be, whatever it is. */
const WRONG: readonly unknown[] = [
  undefined,
  Number.NaN,
  Infinity,
  -1e9,
  1e300,
  'nonsense',
  'x'.repeat(3000),
  [],
  [1, 2, 3],
  ['a', 2, 'c'],
  () => 0,
  { query: -1, key: 0.5 },
  { id: 'nine' },
];

describe('settings that were kept', () => {
  it('are read back as they were, every one', () => {
    expect(Object.keys(KEPT).sort()).toEqual(Object.keys(INITIAL_SETTINGS).sort());
    for (const [name, value] of Object.entries(KEPT)) expect(value, name).not.toEqual(INITIAL_SETTINGS[name as keyof Settings]);
    expect(parseSettings(JSON.parse(JSON.stringify(KEPT)))).toEqual(KEPT);
  });

  it.each(Object.keys(KEPT) as (keyof Settings)[])('fall back alone where %s is missing or wrong', (name) => {
    const { [name]: _, ...others } = KEPT;
    // Whether a head was chosen is told by the others where it is not said.
    const expected = { ...KEPT, [name]: name === 'headChosen' ? true : INITIAL_SETTINGS[name] };
    expect(parseSettings(others)).toEqual(expected);
    for (const value of WRONG) {
      if (typeof value === 'string' && value.length < 20 && typeof KEPT[name] === 'string' && INITIAL_SETTINGS[name] === '') continue;
      const parsed = parseSettings({ ...KEPT, [name]: value });
      expect({ ...parsed, [name]: null }, JSON.stringify(value)).toEqual({ ...KEPT, [name]: null });
      if (name !== 'readings' && !(name === 'wordSet' && value === 'nonsense'))
        expect(parsed[name], JSON.stringify(value)).toEqual(expected[name]);
    }
  });

  it('are the initial ones of no object, and hold nothing unknown', () => {
    for (const kept of [null, undefined, 'text', 5, true, []]) expect(parseSettings(kept)).toEqual(INITIAL_SETTINGS);
    const hostile = JSON.parse('{"__proto__": {"tab": "generate"}, "evil": "<script>", "toString": 1}') as unknown;
    expect(parseSettings(hostile)).toEqual(INITIAL_SETTINGS);
    expect(({} as { readonly tab?: string }).tab).toBeUndefined();
  });

  it('keep of the readings those that are indices, and not without end', () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, word) => [`w${word}`, word]));
    expect(Object.keys(parseSettings({ readings: many }).readings)).toHaveLength(500);
    expect(parseSettings({ readings: { a: 1, b: -1, c: 'x', d: 0.5 } }).readings).toEqual({ a: 1 });
  });
});

describe('steps of the walkthrough', () => {
  it.each([
    ['mix', 'z'],
    ['join', 'concatenate'],
    ['attentionBehind', 'attentionPostNorm'],
    ['attentionAfter', 'attentionStreamNorm'],
    ['mlpBehind', 'mlpPostNorm'],
    ['mlpAfter', 'mlpStreamNorm'],
    ['softmax', 'softmax'],
    ['constructor', 'embedding'],
  ])('kept by version 0.1.0 as %s is %s', (pathStep, step) => {
    expect(parseSettings({ pathStep }).pathStep).toBe(step);
  });
});

describe('settings inside a model', () => {
  it('are moved to what there is, and left where they fit', () => {
    const { explanation } = readFixture().shown;
    const { model, tokens } = explanation;
    const far = { ...KEPT, selected: 1e6, layer: 1e6, head: 1e6, embeddingLayer: 1e6, topK: 1e9, locked: { query: 1e6, key: 0 } };
    expect(withinModel({ ...far, positionKey: 1e6, tab: 'experts' }, explanation)).toEqual({
      ...far,
      tab: 'tokens',
      selected: tokens.length - 1,
      layer: model.layers - 1,
      head: model.heads - 1,
      embeddingLayer: model.layers,
      topK: model.vocab,
      locked: null,
      positionKey: null,
      expertLayer: 0,
    });
    const inside = { ...KEPT, expertLayer: 0 };
    expect(withinModel(inside, explanation)).toEqual(inside);
    const served = {
      engine: 'vllm',
      version: null,
      address: 'http://localhost:8000',
      readOnTheWay: false,
      alternatives: 5,
      requestEach: false,
      listedAlone: false,
    };
    const elsewhere = { ...explanation, model: { ...explanation.model, layers: 0, heads: 0, vocab: 0, served } };
    const { layer, head, embeddingLayer, topK } = withinModel(inside, elsewhere);
    expect({ layer, head, embeddingLayer, topK }).toEqual({
      layer: inside.layer,
      head: inside.head,
      embeddingLayer: inside.embeddingLayer,
      topK: inside.topK,
    });
  });
});

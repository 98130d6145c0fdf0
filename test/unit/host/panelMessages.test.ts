import { describe, expect, test } from 'vitest';
import { PANEL_COMMANDS } from '../../../src/protocol/messages.ts';
import { parsePanelMessage, parsePersistedState } from '../../../src/host/panel/panelMessages.ts';

describe('messages of the page', () => {
  test.each([
    { type: 'ready' },
    { type: 'cancel' },
    { type: 'dismiss' },
    { type: 'example', name: 'catGirl' },
    { type: 'select', token: 3 },
    { type: 'mark', tokens: [0, 5] },
    { type: 'pick', tokens: [0, 5] },
    { type: 'copy', text: 'a\tb' },
    { type: 'saveFile', name: 'layer-3-head-2-attention.svg', content: '<svg/>' },
    { type: 'saveFile', name: 'similarity.npy', content: Uint8Array.of(1, 2) },
    { type: 'dropQuery', id: 4 },
    { type: 'editorAttention', choice: { kind: 'value-weighted', layer: 1, head: 0, hideFirst: false } },
    { type: 'query', id: 1, serial: 2, query: { name: 'attention', args: { layer: 0, head: 1 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'attentionPicture', args: { layer: 0, head: 1 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'attentionRow', args: { layer: 0, head: 1, query: 2 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'attentionCell', args: { layer: 0, head: 1, query: 2, key: 3 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'projection', args: { layer: -1, skipFirst: true } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'lens', args: { layer: 2, layers: 1, position: 0, positions: 1 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'experts', args: { layer: 2 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'latent', args: { layer: 2, token: 0 } } },
    { type: 'chat', on: true },
    { type: 'recipe', serial: 2, recipe: [{ kind: 'head', layer: 1, head: 2, action: 'zero' }] },
    { type: 'exportRecipe', recipe: [{ kind: 'key', key: 3, action: 'cut' }] },
    { type: 'importRecipe', serial: 2 },
    { type: 'openVector', serial: 2 },
    { type: 'saveVector', serial: 2, vector: { name: 'a', description: '', family: '', directions: [{ layer: 2, values: [1, -0.5] }] } },
    { type: 'query', id: 1, serial: 2, query: { name: 'whatIf', args: { position: 2, token: 5, rival: null, count: 5 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'copyLoss', args: { text: 'a b c', heads: [{ layer: 1, head: 2 }] } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'lens', args: { layer: 2, layers: 1, position: 0, positions: 1 } }, side: 'second' },
    ...PANEL_COMMANDS.map((name) => ({ type: 'command', name })),
    { type: 'notes', notes: [{ text: 'a', token: 1, head: null, key: null }] },
    { type: 'compareAgain' },
    { type: 'cancelComparison' },
    { type: 'closeComparison' },
    { type: 'query', id: 1, serial: 2, query: { name: 'distribution', args: { position: 2 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'direct', args: { position: 2, token: 5, rival: null } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: { name: 'directSources', args: { position: 2, token: 5, rival: 6, layer: 1, head: 0 } },
    },
    { type: 'query', id: 1, serial: 2, query: { name: 'forwardPath', args: { token: 3, layer: 1, head: 2, expert: 0 } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: { name: 'weightedSum', args: { token: 3, layer: 1, head: 2, expert: 0, stage: 'hidden', index: 7 } },
    },
    { type: 'query', id: 1, serial: 2, query: { name: 'positions', args: { layer: 1, head: 2, query: 3, key: 0 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'readText', args: { text: 'a text' } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'words', args: { texts: ['king', '国王'] } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: {
        name: 'neighbours',
        args: {
          vector: [
            { ids: [1, 2], weight: 1 },
            { ids: [3], weight: -1 },
          ],
          frame: 'centred',
          count: 10,
        },
      },
    },
    { type: 'query', id: 1, serial: 2, query: { name: 'vectorMap', args: { vectors: [[{ ids: [1], weight: 1 }]], frame: 'stored' } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'lensTop', args: { layer: 0, token: 3, count: 10 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'similarity', args: { layer: -1, frame: 'centred' } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: { name: 'wordByLayer', args: { first: { ids: null, token: 2 }, second: { ids: [1, 2], token: 1 }, frame: 'centred' } },
    },
    { type: 'query', id: 1, serial: 2, query: { name: 'repeatedHeads', args: { sequence: 7 } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: {
        name: 'step',
        args: {
          continuation: [4, 5],
          sampling: { temperature: 0.5, topK: 3, topP: 1, minP: 0 },
          seed: 9,
          topK: 20,
          attention: true,
        },
      },
    },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: {
        name: 'steps',
        args: {
          continuation: [],
          sampling: { temperature: 0, topK: 0, topP: 1, minP: 0 },
          seed: 0,
          topK: 20,
          pastEnd: true,
          most: 8,
        },
      },
    },
    { type: 'query', id: 1, serial: 2, query: { name: 'textOf', args: { ids: [1] } } },
    { type: 'window', serial: 2, index: 38 },
    { type: 'surprisalScale', scale: 'excess' },
    { type: 'whyWords', serial: 2, words: { position: 3, token: 7, rival: null, end: 5, values: [0.5, -1, 0, 2], units: null } },
    { type: 'whyWords', serial: 2, words: { position: 3, token: 7, rival: null, end: null, values: [0.5, -1, 0, 2], units: null } },
    {
      type: 'whyWords',
      serial: 2,
      words: {
        position: 3,
        token: 7,
        rival: 8,
        end: null,
        values: [0.5, null],
        units: [
          { first: 0, end: 3 },
          { first: 3, end: 4 },
        ],
      },
    },
    { type: 'insertGenerated', serial: 2, continuation: [7] },
    { type: 'explainGenerated', serial: 2, continuation: [7, 8] },
  ])('$type is believed as it is', (message) => {
    expect(parsePanelMessage(message)).toEqual(message);
  });

  test('fields that no one asked for are left behind', () => {
    expect(parsePanelMessage({ type: 'ready', evil: 1 })).toEqual({ type: 'ready' });
  });

  test.each([
    null,
    undefined,
    'ready',
    7,
    [],
    {},
    { type: 'recipe', serial: 2, recipe: [{ kind: 'head', layer: -1, head: 2, action: 'zero' }] },
    { type: 'recipe', serial: 2, recipe: [{ kind: 'head', layer: 1, head: 2, action: 'zero', more: 1 }] },
    { type: 'recipe', recipe: [] },
    { type: 'exportRecipe', recipe: 'steps' },
    { type: 'openVector' },
    { type: 'saveVector', serial: 2, vector: { name: 'a', description: '', family: '', directions: [] } },
    { type: 'saveVector', serial: 2, vector: { name: 'a', description: '', family: '', directions: [{ layer: 2, values: [NaN] }] } },
    { type: 'query', id: 1, serial: 2, query: { name: 'copyLoss', args: { text: '', heads: [] } } },
    { type: 'eval' },
    { type: 'command' },
    { type: 'command', name: 'removeHubToken' },
    { type: 'command', name: 'constructor' },
    { type: 'example', name: 'constructor' },
    { type: 'showLog' },
    { type: 'select', token: -1 },
    { type: 'select', token: 1.5 },
    { type: 'select', token: '1' },
    { type: 'mark', tokens: [0, null] },
    { type: 'pick', tokens: [-1] },
    { type: 'copy', text: 7 },
    { type: 'mark', tokens: Array.from({ length: 5000 }, () => 1) },
    { type: 'query', id: 1, serial: 2, query: { name: 'open', args: { path: '/' } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'lens', args: { layer: -1, layers: 1, position: 0, positions: 1 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'experts', args: { layer: 1.5 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'latent', args: { layer: 2 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'forwardPath', args: { token: 3, layer: 1, head: 2 } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: { name: 'weightedSum', args: { token: 3, layer: 1, head: 2, expert: 0, stage: 'constructor', index: 7 } },
    },
    { type: 'query', id: 1, serial: 2, query: { name: 'readText', args: { text: '' } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'words', args: { texts: Array.from({ length: 100 }, () => 'a') } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'words', args: { texts: ['x'.repeat(1000)] } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: { name: 'neighbours', args: { vector: [{ ids: [1], weight: Number.NaN }], frame: 'stored', count: 10 } },
    },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: { name: 'neighbours', args: { vector: [{ ids: [-1], weight: 1 }], frame: 'stored', count: 10 } },
    },
    { type: 'query', id: 1, serial: 2, query: { name: 'neighbours', args: { vector: [], frame: 'stored', count: 10 } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: { name: 'neighbours', args: { vector: [{ ids: [1], weight: 1 }], frame: 'stored', count: 1e9 } },
    },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: { name: 'neighbours', args: { vector: [{ ids: [1], weight: 1 }], frame: 'other', count: 10 } },
    },
    { type: 'query', id: 1, serial: 2, query: { name: 'repeatedHeads', args: { sequence: -1 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'similarity', args: { layer: -2, frame: 'centred' } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: { name: 'wordByLayer', args: { first: { ids: null, token: 2 }, second: { ids: ['1'], token: 1 }, frame: 'centred' } },
    },
    { type: 'chat' },
    { type: 'window', serial: 2, index: -1 },
    { type: 'window', index: 1 },
    { type: 'surprisalScale', scale: 'rank' },
    { type: 'chat', on: 1 },
    { type: 'query', id: 1, serial: 2, query: { name: 'projection', args: { layer: -2, skipFirst: false } } },
    { type: 'insertGenerated', serial: 2, continuation: [] },
    { type: 'insertGenerated', continuation: [1] },
    { type: 'explainGenerated', serial: 2, continuation: [2 ** 31] },
    { type: 'query', id: 1, serial: 2, query: { name: 'textOf', args: { ids: ['1'] } } },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: {
        name: 'step',
        args: {
          continuation: [4],
          sampling: { temperature: Number.NaN, topK: 3, topP: 1, minP: 0 },
          seed: 9,
          topK: 20,
          attention: true,
        },
      },
    },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: {
        name: 'step',
        args: {
          continuation: [4],
          sampling: { temperature: 1, topK: 3, topP: 1, minP: 0 },
          seed: -1,
          topK: 20,
          attention: true,
        },
      },
    },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: {
        name: 'step',
        args: {
          continuation: [4],
          sampling: { temperature: 1, topK: 3, topP: 1, minP: 0 },
          seed: 9,
          topK: 20_000,
          attention: true,
        },
      },
    },
    {
      type: 'query',
      id: 1,
      serial: 2,
      query: {
        name: 'steps',
        args: {
          continuation: [],
          sampling: { temperature: 0, topK: 0, topP: 1, minP: 0 },
          seed: 0,
          topK: 20,
          pastEnd: false,
          most: 1000,
        },
      },
    },
    { type: 'query', id: 1, query: { name: 'lens', args: { layer: 1, layers: 1, position: 0, positions: 1 } } },
    { type: 'query', id: Number.NaN, serial: 2, query: { name: 'lens', args: { layer: 1, layers: 1, position: 0, positions: 1 } } },
  ])('%j is not believed', (message) => {
    expect(parsePanelMessage(message)).toBeUndefined();
  });
});

describe('the state a page left behind', () => {
  const source = { uri: 'untitled:Untitled-1', start: 2, end: 9, label: 'Untitled-1' };
  const state = { version: 1, source, text: 'a text', view: { tab: 'tokens' } };

  test('is believed as it is', () => {
    expect(parsePersistedState(state)).toEqual(state);
    expect(parsePersistedState({ ...state, at: 512 })).toEqual({ ...state, at: 512 });
    expect(parsePersistedState({ ...state, at: -1 })).toEqual(state);
    const continued = { ...state, continuation: { model: 'tiny', chat: false, ids: [3, 4] } };
    expect(parsePersistedState(continued)).toEqual(continued);
    expect(parsePersistedState({ ...state, continuation: { model: 'tiny', chat: false, ids: [-3] } })).toEqual(state);
  });

  test.each([
    { kind: 'text', source, text: 'another' },
    { kind: 'model', model: '/models/gpt2' },
    { kind: 'model', model: '' },
  ])('knows what it was compared with: %j', (compared) => {
    expect(parsePersistedState({ ...state, compared })).toEqual({ ...state, compared });
  });

  test.each([
    { kind: 'text', text: 'no source' },
    { kind: 'text', source, text: '' },
    { kind: 'model', model: 5 },
    { kind: 'other' },
    'text',
  ])('leaves a comparison behind that is none: %j', (compared) => {
    expect(parsePersistedState({ ...state, compared })).toEqual(state);
  });

  test.each([
    undefined,
    'text',
    { ...state, version: 2 },
    { ...state, text: '' },
    { ...state, text: 5 },
    { ...state, text: 'x'.repeat(400_001) },
    { ...state, source: { ...source, uri: 'no scheme' } },
    { ...state, source: { ...source, start: 10 } },
    { ...state, source: { ...source, end: Number.POSITIVE_INFINITY } },
    { ...state, source: undefined },
  ])('of another shape is refused', (value) => {
    expect(parsePersistedState(value)).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import { parsePanelMessage, parsePersistedState } from '../../../src/host/panelMessages.ts';

describe('messages of the page', () => {
  test.each([
    { type: 'ready' },
    { type: 'cancel' },
    { type: 'select', token: 3 },
    { type: 'mark', tokens: [0, 5] },
    { type: 'dropQuery', id: 4 },
    { type: 'query', id: 1, serial: 2, query: { name: 'attention', layer: 0, head: 1 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'attentionPicture', layer: 0, head: 1 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'attentionRow', layer: 0, head: 1, query: 2 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'attentionCell', layer: 0, head: 1, query: 2, key: 3 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'projection', layer: -1, skipFirst: true } },
    { type: 'query', id: 1, serial: 2, query: { name: 'lens', layer: 2 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'experts', layer: 2 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'latent', layer: 2, token: 0 } },
    { type: 'chat', on: true },
    { type: 'query', id: 1, serial: 2, query: { name: 'lens', layer: 2 }, side: 'second' },
    { type: 'compareWith' },
    { type: 'compareModel' },
    { type: 'compareAgain' },
    { type: 'cancelComparison' },
    { type: 'closeComparison' },
    { type: 'query', id: 1, serial: 2, query: { name: 'distribution', position: 2 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'forwardPath', token: 3, layer: 1, head: 2, expert: 0 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'weightedSum', token: 3, layer: 1, head: 2, expert: 0, stage: 'hidden', index: 7 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'positions', layer: 1, head: 2, query: 3, key: 0 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'readText', text: 'a text' } },
    { type: 'query', id: 1, serial: 2, query: { name: 'words', texts: ['king', '国王'] } },
    { type: 'query', id: 1, serial: 2, query: { name: 'neighbours', vector: [{ ids: [1, 2], weight: 1 }, { ids: [3], weight: -1 }], count: 10 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'vectorMap', vectors: [[{ ids: [1], weight: 1 }]] } },
    { type: 'query', id: 1, serial: 2, query: { name: 'lensTop', layer: 0, token: 3, count: 10 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'similarity', layer: -1 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'wordByLayer', first: { ids: null, token: 2 }, second: { ids: [1, 2], token: 1 } } },
    { type: 'query', id: 1, serial: 2, query: { name: 'step', continuation: [4, 5], sampling: { temperature: 0.5, topK: 3, topP: 1, minP: 0 }, seed: 9, topK: 20, attention: true } },
    { type: 'query', id: 1, serial: 2, query: { name: 'steps', continuation: [], sampling: { temperature: 0, topK: 0, topP: 1, minP: 0 }, seed: 0, topK: 20, most: 8 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'textOf', ids: [1] } },
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
    { type: 'eval' },
    { type: 'select', token: -1 },
    { type: 'select', token: 1.5 },
    { type: 'select', token: '1' },
    { type: 'mark', tokens: [0, null] },
    { type: 'mark', tokens: Array.from({ length: 5000 }, () => 1) },
    { type: 'query', id: 1, serial: 2, query: { name: 'open', path: '/' } },
    { type: 'query', id: 1, serial: 2, query: { name: 'lens', layer: -1 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'experts', layer: 1.5 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'latent', layer: 2 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'forwardPath', token: 3, layer: 1, head: 2 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'weightedSum', token: 3, layer: 1, head: 2, expert: 0, stage: 'constructor', index: 7 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'readText', text: '' } },
    { type: 'query', id: 1, serial: 2, query: { name: 'words', texts: Array.from({ length: 100 }, () => 'a') } },
    { type: 'query', id: 1, serial: 2, query: { name: 'words', texts: ['x'.repeat(1000)] } },
    { type: 'query', id: 1, serial: 2, query: { name: 'neighbours', vector: [{ ids: [1], weight: Number.NaN }], count: 10 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'neighbours', vector: [{ ids: [-1], weight: 1 }], count: 10 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'neighbours', vector: [], count: 10 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'neighbours', vector: [{ ids: [1], weight: 1 }], count: 1e9 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'similarity', layer: -2 } },
    { type: 'query', id: 1, serial: 2, query: { name: 'wordByLayer', first: { ids: null, token: 2 }, second: { ids: ['1'], token: 1 } } },
    { type: 'chat' },
    { type: 'chat', on: 1 },
    { type: 'query', id: 1, serial: 2, query: { name: 'projection', layer: -2, skipFirst: false } },
    { type: 'insertGenerated', serial: 2, continuation: [] },
    { type: 'insertGenerated', continuation: [1] },
    { type: 'explainGenerated', serial: 2, continuation: [2 ** 31] },
    { type: 'query', id: 1, serial: 2, query: { name: 'textOf', ids: ['1'] } },
    { type: 'query', id: 1, serial: 2, query: { name: 'step', continuation: [4], sampling: { temperature: Number.NaN, topK: 3, topP: 1, minP: 0 }, seed: 9, topK: 20, attention: true } },
    { type: 'query', id: 1, serial: 2, query: { name: 'step', continuation: [4], sampling: { temperature: 1, topK: 3, topP: 1, minP: 0 }, seed: -1, topK: 20, attention: true } },
    { type: 'query', id: 1, serial: 2, query: { name: 'step', continuation: [4], sampling: { temperature: 1, topK: 3, topP: 1, minP: 0 }, seed: 9, topK: 20_000, attention: true } },
    { type: 'query', id: 1, serial: 2, query: { name: 'steps', continuation: [], sampling: { temperature: 0, topK: 0, topP: 1, minP: 0 }, seed: 0, topK: 20, most: 1000 } },
    { type: 'query', id: 1, query: { name: 'lens', layer: 1 } },
    { type: 'query', id: Number.NaN, serial: 2, query: { name: 'lens', layer: 1 } },
  ])('%j is not believed', (message) => {
    expect(parsePanelMessage(message)).toBeUndefined();
  });
});

describe('the state a page left behind', () => {
  const source = { uri: 'untitled:Untitled-1', start: 2, end: 9, label: 'Untitled-1' };
  const state = { version: 1, source, text: 'a text', view: { tab: 'tokens' } };

  test('is believed as it is', () => {
    expect(parsePersistedState(state)).toEqual(state);
    const continued = { ...state, continuation: { model: 'tiny', chat: false, ids: [3, 4] } };
    expect(parsePersistedState(continued)).toEqual(continued);
    expect(parsePersistedState({ ...state, continuation: { model: 'tiny', chat: false, ids: [-3] } })).toEqual(state);
  });

  test.each([{ kind: 'text', source, text: 'another' }, { kind: 'model', model: '/models/gpt2' }, { kind: 'model', model: '' }])('knows what it was compared with: %j', (compared) => {
    expect(parsePersistedState({ ...state, compared })).toEqual({ ...state, compared });
  });

  test.each([{ kind: 'text', text: 'no source' }, { kind: 'text', source, text: '' }, { kind: 'model', model: 5 }, { kind: 'other' }, 'text'])('leaves a comparison behind that is none: %j', (compared) => {
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

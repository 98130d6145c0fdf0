// What comes from the page is data from outside: it is believed only after it was looked at.
import { isStageName } from '../core/forwardPath.ts';
import type { Continuation } from '../core/generation.ts';
import type { SamplingSettings } from '../core/sampling.ts';
import type { ComparedState, PanelMessage, PersistedState, Query, TextSource } from '../protocol/messages.ts';
import { isCount, isFields, parseVectorQuery } from './vectorQueries.ts';

/** Marked tokens beyond this are no use to the eye. */
const MAX_MARKED = 4096;
/** Generated tokens: more than any model reads at once. */
const MAX_GENERATED = 1 << 20;
const MAX_ID = 2 ** 31 - 1;
/** Steps answered together. */
const MAX_STEPS = 64;
/** Candidates of a step that are named. */
const MAX_NAMED = 200;
/** UTF-16 units of a persisted text: more was never explained at once. */
const MAX_TEXT = 400_000;
const MAX_PATH = 4096;

/** `value` as a message of the page, or undefined where it is none. */
export function parsePanelMessage(value: unknown): PanelMessage | undefined {
  if (!isFields(value)) return undefined;
  switch (value['type']) {
    case 'ready':
    case 'cancel':
    case 'runAgain':
    case 'chooseModel':
    case 'compareWith':
    case 'compareModel':
    case 'compareAgain':
    case 'cancelComparison':
    case 'closeComparison':
    case 'showLog':
      return { type: value['type'] };
    case 'select': {
      const token = value['token'];
      return isCount(token) ? { type: 'select', token } : undefined;
    }
    case 'chat': {
      const on = value['on'];
      return typeof on === 'boolean' ? { type: 'chat', on } : undefined;
    }
    case 'mark': {
      const tokens = value['tokens'];
      return Array.isArray(tokens) && tokens.length <= MAX_MARKED && tokens.every(isCount) ? { type: 'mark', tokens } : undefined;
    }
    case 'dropQuery': {
      const id = value['id'];
      return isCount(id) ? { type: 'dropQuery', id } : undefined;
    }
    case 'insertGenerated':
    case 'explainGenerated': {
      const { type, serial, continuation } = value;
      return isCount(serial) && isIds(continuation) && continuation.length > 0 ? { type, serial, continuation } : undefined;
    }
    case 'query': {
      const { id, serial } = value;
      const query = parseQuery(value['query']);
      return isCount(id) && isCount(serial) && query ? { type: 'query', id, serial, query, ...(value['side'] === 'second' ? { side: 'second' } : {}) } : undefined;
    }
    default:
      return undefined;
  }
}

function parseQuery(value: unknown): Query | undefined {
  if (!isFields(value)) return undefined;
  const { name, layer, head, query, key, token, skipFirst, position, expert, stage, index } = value;
  switch (name) {
    case 'attention':
    case 'attentionPicture':
      return isCount(layer) && isCount(head) ? { name, layer, head } : undefined;
    case 'attentionRow':
      return isCount(layer) && isCount(head) && isCount(query) ? { name, layer, head, query } : undefined;
    case 'attentionCell':
      return isCount(layer) && isCount(head) && isCount(query) && isCount(key) ? { name, layer, head, query, key } : undefined;
    case 'experts':
    case 'lens':
      return isCount(layer) ? { name, layer } : undefined;
    case 'latent':
      return isCount(layer) && isCount(token) ? { name, layer, token } : undefined;
    case 'projection':
      return (isCount(layer) || layer === -1) && typeof skipFirst === 'boolean' ? { name, layer, skipFirst } : undefined;
    case 'distribution':
      return isCount(position) ? { name, position } : undefined;
    case 'forwardPath':
      return isCount(token) && isCount(layer) && isCount(head) && isCount(expert) ? { name, token, layer, head, expert } : undefined;
    case 'weightedSum':
      return isCount(token) && isCount(layer) && isCount(head) && isCount(expert) && isStageName(stage) && isCount(index) ? { name, token, layer, head, expert, stage, index } : undefined;
    case 'positions':
      return isCount(layer) && isCount(head) && isCount(query) && isCount(key) ? { name, layer, head, query, key } : undefined;
    case 'step': {
      const { continuation, seed, topK, attention } = value;
      const sampling = parseSampling(value['sampling']);
      const known = isIds(continuation) && isCount(seed) && isCount(topK) && topK <= MAX_NAMED && typeof attention === 'boolean';
      return known && sampling ? { name, continuation, sampling, seed, topK, attention } : undefined;
    }
    case 'steps': {
      const { continuation, seed, topK, most } = value;
      const sampling = parseSampling(value['sampling']);
      const known = isIds(continuation) && isCount(seed) && isCount(topK) && topK <= MAX_NAMED && isCount(most) && most <= MAX_STEPS;
      return known && sampling ? { name, continuation, sampling, seed, topK, most } : undefined;
    }
    case 'textOf': {
      const { ids } = value;
      return isIds(ids) ? { name, ids } : undefined;
    }
    default:
      return parseVectorQuery(value);
  }
}

/** `value` as the state a page left behind, or undefined where it is none of this version. */
export function parsePersistedState(value: unknown): PersistedState | undefined {
  if (!isFields(value) || value['version'] !== 1) return undefined;
  const source = parseSource(value['source']);
  const text = value['text'];
  const continuation = parseContinuation(value['continuation']);
  if (!source || typeof text !== 'string' || text.length === 0 || text.length > MAX_TEXT) return undefined;
  const compared = parseCompared(value['compared']);
  return { version: 1, source, text, ...(value['chat'] === true ? { chat: true } : {}), ...(continuation ? { continuation } : {}), ...(compared ? { compared } : {}), view: value['view'] };
}

function parseCompared(value: unknown): ComparedState | undefined {
  if (!isFields(value)) return undefined;
  const { kind, text, model } = value;
  if (kind === 'model') return typeof model === 'string' && model.length <= MAX_PATH ? { kind, model } : undefined;
  const source = parseSource(value['source']);
  return kind === 'text' && source && typeof text === 'string' && text.length > 0 && text.length <= MAX_TEXT ? { kind, source, text } : undefined;
}

function parseSampling(value: unknown): SamplingSettings | undefined {
  if (!isFields(value)) return undefined;
  const { temperature, topK, topP, minP } = value;
  return isNumber(temperature) && isNumber(topK) && isNumber(topP) && isNumber(minP) ? { temperature, topK, topP, minP } : undefined;
}

function parseContinuation(value: unknown): Continuation | undefined {
  if (!isFields(value)) return undefined;
  const { model, chat, ids } = value;
  return typeof model === 'string' && typeof chat === 'boolean' && isIds(ids) ? { model, chat, ids } : undefined;
}

function parseSource(value: unknown): TextSource | undefined {
  if (!isFields(value)) return undefined;
  const { uri, start, end, label } = value;
  if (typeof uri !== 'string' || !/^[a-z][a-z0-9+.-]*:/i.test(uri) || typeof label !== 'string') return undefined;
  return isCount(start) && isCount(end) && start <= end ? { uri, start, end, label } : undefined;
}

function isIds(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= MAX_GENERATED && value.every((id) => isCount(id) && id <= MAX_ID);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

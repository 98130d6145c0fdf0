// Messages from the page are untrusted: each is validated before it is used.
import type { Continuation } from '../../core/generation.ts';
import {
  PANEL_COMMANDS,
  type ComparedState,
  type KeptRecipe,
  type PanelMessage,
  type PersistedState,
  type TextSource,
} from '../../protocol/messages.ts';
import { ATTENTION_KINDS } from '../../core/attentionRows.ts';
import { SURPRISAL_SCALES } from '../../core/surprisalScale.ts';
import { stepsOf } from '../../core/recipe.ts';
import { isRecord } from '../../core/records.ts';
import type { TokenRun } from '../../core/textUnits.ts';
import { count, fields, flag, isCount, list, number, oneOf, orNull, whole, type Check } from '../../protocol/checks.ts';
import { EXAMPLE_NAMES } from '../../protocol/exampleTexts.ts';
import { generatedIds, keptVectorCheck, logit, parseQuery } from '../../protocol/queries.ts';

/** Most tokens marked at once, more than an eye can use. */
const MAX_MARKED = 4096;
/** Most UTF-16 units of a persisted text, more than are ever explained at once. */
const MAX_TEXT = 400_000;
const MAX_PATH = 4096;
/** Most tokens of which the page tells how much they count, or that are selected at once. */
const MAX_WORDS = 131_072;
/** Most UTF-16 units of a text that is copied: a table of that many tokens. */
const MAX_COPIED = 64_000_000;

/** Most UTF-16 units or bytes of a file that is saved. */
const MAX_SAVED = 512_000_000;

/** Whether a name is that of a file of ours: no path, and one of the endings that the page writes. */
function isSavedName(name: string): boolean {
  return name.length <= 200 && /^[a-z0-9][a-z0-9-]*\.(png|svg|csv|tsv|json|npy|py)$/.test(name);
}

function isSavedContent(content: unknown): content is string | Uint8Array<ArrayBuffer> {
  return (typeof content === 'string' || content instanceof Uint8Array) && content.length <= MAX_SAVED;
}

const tokens = list(count, MAX_WORDS);
const editorAttention = fields({ kind: oneOf(ATTENTION_KINDS), layer: count, head: count, hideFirst: flag });
const units = list(fields({ first: count, end: whole(1, MAX_WORDS) }), MAX_WORDS);
/** Units of a text, each of one token at least, that follow one another from the first token on. */
const unitsInOrder: Check<readonly TokenRun[]> = (value) => {
  const found = units(value);
  return found?.every(({ first, end }, index) => first < end && first === (found[index - 1]?.end ?? 0)) === true ? found : undefined;
};
const whyWords = fields({ ...logit, end: orNull(count), values: list(orNull(number), MAX_WORDS), units: orNull(unitsInOrder) });

/** `value` as a message from the page, or undefined if it is not one. */
export function parsePanelMessage(value: unknown): PanelMessage | undefined {
  if (!isRecord(value)) return undefined;
  switch (value['type']) {
    case 'ready':
    case 'cancel':
    case 'dismiss':
    case 'compareAgain':
    case 'cancelComparison':
    case 'closeComparison':
    case 'closeSizes':
    case 'readAgain':
      return { type: value['type'] };
    case 'view':
      return { type: 'view', view: value['view'] };
    case 'notes':
      return { type: 'notes', notes: value['notes'] };
    case 'command': {
      const name = PANEL_COMMANDS.find((one) => one === value['name']);
      return name === undefined ? undefined : { type: 'command', name };
    }
    case 'example': {
      const name = EXAMPLE_NAMES.find((one) => one === value['name']);
      return name && { type: 'example', name };
    }
    case 'select': {
      const token = value['token'];
      return isCount(token) ? { type: 'select', token } : undefined;
    }
    case 'window': {
      const { serial, index } = value;
      return isCount(serial) && isCount(index) ? { type: 'window', serial, index } : undefined;
    }
    case 'recipe': {
      const { serial } = value;
      const recipe = stepsOf(value['recipe']);
      return isCount(serial) && recipe ? { type: 'recipe', serial, recipe } : undefined;
    }
    case 'exportRecipe': {
      const recipe = stepsOf(value['recipe']);
      return recipe && { type: 'exportRecipe', recipe };
    }
    case 'importRecipe': {
      const { serial } = value;
      return isCount(serial) ? { type: 'importRecipe', serial } : undefined;
    }
    case 'openVector': {
      const { serial } = value;
      return isCount(serial) ? { type: 'openVector', serial } : undefined;
    }
    case 'saveVector': {
      const { serial } = value;
      const vector = keptVectorCheck(value['vector']);
      return isCount(serial) && vector ? { type: 'saveVector', serial, vector } : undefined;
    }
    case 'chat': {
      const on = value['on'];
      return typeof on === 'boolean' ? { type: 'chat', on } : undefined;
    }
    case 'surprisalScale': {
      const scale = SURPRISAL_SCALES.find((one) => one === value['scale']);
      return scale === undefined ? undefined : { type: 'surprisalScale', scale };
    }
    case 'whyWords': {
      const serial = value['serial'];
      const words = whyWords(value['words']);
      return isCount(serial) && words ? { type: 'whyWords', serial, words } : undefined;
    }
    case 'editorAttention': {
      const choice = editorAttention(value['choice']);
      return choice && { type: 'editorAttention', choice };
    }
    case 'mark': {
      const tokens = value['tokens'];
      return Array.isArray(tokens) && tokens.length <= MAX_MARKED && tokens.every(isCount) ? { type: 'mark', tokens } : undefined;
    }
    case 'pick': {
      const picked = tokens(value['tokens']);
      return picked && { type: 'pick', tokens: picked };
    }
    case 'copy': {
      const { text } = value;
      return typeof text === 'string' && text.length <= MAX_COPIED ? { type: 'copy', text } : undefined;
    }
    case 'saveFile': {
      const { name, content } = value;
      return typeof name === 'string' && isSavedName(name) && isSavedContent(content) ? { type: 'saveFile', name, content } : undefined;
    }
    case 'dropQuery': {
      const id = value['id'];
      return isCount(id) ? { type: 'dropQuery', id } : undefined;
    }
    case 'insertGenerated':
    case 'explainGenerated': {
      const { type, serial } = value;
      const continuation = generatedIds(value['continuation']);
      return isCount(serial) && continuation && continuation.length > 0 ? { type, serial, continuation } : undefined;
    }
    case 'query': {
      const { id, serial } = value;
      const query = parseQuery(value['query']);
      return isCount(id) && isCount(serial) && query
        ? { type: 'query', id, serial, query, ...(value['side'] === 'second' ? { side: 'second' } : {}) }
        : undefined;
    }
    default:
      return undefined;
  }
}

/** `value` as the saved state of a page, or undefined if it is not one of this version. */
export function parsePersistedState(value: unknown): PersistedState | undefined {
  if (!isRecord(value) || value['version'] !== 1) return undefined;
  const source = parseSource(value['source']);
  const text = value['text'];
  const continuation = parseContinuation(value['continuation']);
  if (!source || typeof text !== 'string' || text.length === 0 || text.length > MAX_TEXT) return undefined;
  const recipe = parseRecipe(value['recipe']);
  const compared = parseCompared(value['compared']);
  const { at } = value;
  return {
    version: 1,
    source,
    text,
    ...(isCount(at) ? { at } : {}),
    ...(value['chat'] === true ? { chat: true } : {}),
    ...(continuation ? { continuation } : {}),
    ...(recipe ? { recipe } : {}),
    ...(compared ? { compared } : {}),
    view: value['view'],
  };
}

function parseCompared(value: unknown): ComparedState | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, text, model } = value;
  if (kind === 'model') return typeof model === 'string' && model.length <= MAX_PATH ? { kind, model } : undefined;
  const source = parseSource(value['source']);
  return kind === 'text' && source && typeof text === 'string' && text.length > 0 && text.length <= MAX_TEXT
    ? { kind, source, text }
    : undefined;
}

function parseContinuation(value: unknown): Continuation | undefined {
  if (!isRecord(value)) return undefined;
  const { model, chat } = value;
  const ids = generatedIds(value['ids']);
  return typeof model === 'string' && typeof chat === 'boolean' && ids ? { model, chat, ids } : undefined;
}

function parseRecipe(value: unknown): KeptRecipe | undefined {
  if (!isRecord(value)) return undefined;
  const { model } = value;
  const steps = stepsOf(value['steps']);
  return typeof model === 'string' && steps ? { model, steps } : undefined;
}

function parseSource(value: unknown): TextSource | undefined {
  if (!isRecord(value)) return undefined;
  const { uri, start, end, label } = value;
  if (typeof uri !== 'string' || !/^[a-z][a-z0-9+.-]*:/i.test(uri) || typeof label !== 'string') return undefined;
  return isCount(start) && isCount(end) && start <= end ? { uri, start, end, label } : undefined;
}

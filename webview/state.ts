import type { Continuation } from '../src/core/generation.ts';
import type { Explanation } from '../src/core/trace.ts';
import type { ComparedState, ComparisonWork, HostMessage, PersistedState, ShownComparison, ShownExplanation } from '../src/protocol/messages.ts';
import { EMPTY_TREE, promptKey, selecting, type GenerationTree } from './generation.ts';
import { keepGeneration, parseGeneration } from './keptGeneration.ts';
import { INITIAL_SETTINGS, parseSettings, type Settings } from './settings.ts';
import { expertLayers } from './figures/experts.ts';
import type { Theme } from './theme.ts';

/** What the model is doing for this panel. */
export type Activity =
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly message: string; readonly fraction: number | null }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'cancelled' };

/** What was generated after the text, and how that goes. */
export interface Generation {
  readonly tree: GenerationTree;
  readonly running: boolean;
  readonly failure: string | null;
  /** What put an end to the generation before: another text, or another model for the same text. */
  readonly ended: 'text' | 'model' | null;
  /** Its text can be put into the document. */
  readonly insertable: boolean;
}

/** Everything the page shows; replaced as a whole, never changed in place. */
export interface ViewState {
  readonly shown: ShownExplanation | null;
  readonly activity: Activity;
  /** The second side, where the explanation is compared. */
  readonly comparison: ShownComparison | null;
  readonly comparing: ComparisonWork;
  /** What it was compared with last, to compare again; null: nothing. */
  readonly compareAgain: string | null;
  /** Tokens whose text was edited since. */
  readonly stale: ReadonlySet<number>;
  /** Tokens under the pointer, here or as a heatmap's query and key. */
  readonly marked: readonly number[];
  readonly generation: Generation;
  readonly settings: Settings;
  readonly theme: Theme;
}

export type Action =
  | { readonly type: 'host'; readonly message: HostMessage }
  | { readonly type: 'theme'; readonly theme: Theme }
  | { readonly type: 'mark'; readonly tokens: readonly number[] }
  | { readonly type: 'settings'; readonly change: Partial<Settings> }
  | { readonly type: 'generation'; readonly change: Partial<Generation> }
  /** Select a generated token; -1: none. */
  | { readonly type: 'selectGenerated'; readonly index: number };

export function initialState(theme: Theme, kept: unknown): ViewState {
  const settings = isPersisted(kept) ? parseSettings(kept.view) : INITIAL_SETTINGS;
  const tree = isPersisted(kept) && isRecord(kept.view) ? parseGeneration(kept.view['generation']) : EMPTY_TREE;
  return {
    shown: null, activity: { kind: 'idle' }, comparison: null, comparing: { kind: 'idle' }, compareAgain: null, stale: new Set(), marked: [],
    generation: { tree, running: false, failure: null, ended: null, insertable: false }, settings, theme,
  };
}

/** The state after an action. Actions that change nothing give the same object. */
export function reduce(state: ViewState, action: Action): ViewState {
  switch (action.type) {
    case 'theme':
      return { ...state, theme: action.theme };
    case 'mark':
      return sameItems(state.marked, action.tokens) ? state : { ...state, marked: action.tokens };
    case 'settings': {
      const settings = withinModel({ ...state.settings, ...action.change }, state.shown);
      return { ...state, settings };
    }
    case 'generation':
      return { ...state, generation: { ...state.generation, ...action.change } };
    case 'selectGenerated':
      return { ...state, generation: { ...state.generation, tree: selecting(state.generation.tree, action.index) } };
    default:
      return reduceHost(state, action.message);
  }
}

/** What is kept through hiding and reloading, or undefined before there is anything to keep. */
export function persisted(state: ViewState): PersistedState | undefined {
  if (state.shown === null) return undefined;
  const { source, explanation } = state.shown;
  const compared = state.comparison === null ? {} : { compared: comparedState(state.comparison) };
  const generation = keepGeneration(state.generation.tree);
  const chat = explanation.chat === true;
  const { text, continuation } = continuationOf(explanation);
  const view = { ...state.settings, ...(generation === undefined ? {} : { generation }) };
  return { version: 1, source, text, ...(chat ? { chat } : {}), ...(continuation.ids.length > 0 ? { continuation } : {}), ...compared, view };
}

function comparedState({ kind, source, model, explanation }: ShownComparison): ComparedState {
  return kind === 'model' && model !== null ? { kind, model } : { kind: 'text', source, text: explanation.text };
}

function reduceHost(state: ViewState, message: HostMessage): ViewState {
  switch (message.type) {
    case 'explanation': {
      const before = state.shown?.explanation;
      const next = message.shown.explanation;
      const first = before === undefined;
      const sameText = before?.text === next.text;
      const last = Math.max(0, next.tokens.length - 1);
      // After a reload the kept selection stands; a new text is read from its end, where the next token is drawn.
      const keep = sameText || (first && state.settings.selected > 0);
      const settings = { ...state.settings, selected: keep ? state.settings.selected : last, locked: sameText || first ? state.settings.locked : null };
      return { ...state, shown: message.shown, activity: { kind: 'idle' }, stale: new Set(), marked: [], generation: generationAfter(state, message.shown), settings: withinModel(settings, message.shown) };
    }
    case 'comparison':
      return message.comparison === null && state.comparison === null ? state : { ...state, comparison: message.comparison };
    case 'comparing': {
      const begun = message.work.kind === 'working' && message.work.open && state.comparing.kind !== 'working';
      const settings: Settings = begun ? { ...state.settings, tab: 'compare' } : state.settings;
      return { ...state, comparing: message.work, compareAgain: message.again, settings };
    }
    case 'progress':
      return { ...state, activity: { kind: 'working', message: message.message, fraction: message.fraction } };
    case 'failure':
      return { ...state, activity: { kind: 'failed', message: message.message } };
    case 'cancelled':
      return { ...state, activity: { kind: 'cancelled' } };
    case 'select':
      if (message.token === null || message.token === state.settings.selected) return state;
      return { ...state, settings: withinModel({ ...state.settings, selected: message.token }, state.shown) };
    case 'insertable':
      return { ...state, generation: { ...state.generation, insertable: message.possible } };
    case 'stale':
      return { ...state, stale: new Set(message.tokens) };
    default:
      return state;
  }
}

/** The text that was given to be explained, and the tokens that were generated after it. */
function continuationOf({ text, tokens, generated = 0, chat = false, model }: Explanation): { readonly text: string; readonly continuation: Continuation } {
  const added = tokens.slice(tokens.length - generated);
  return { text: text.slice(0, added[0]?.start ?? text.length), continuation: { model: model.name, chat, ids: added.map(({ id }) => id) } };
}

/** The generation goes on from the same text read by the same model, and ends with any other. */
function generationAfter({ shown: before, generation }: ViewState, { explanation }: ShownExplanation): Generation {
  const prompt = promptKey(explanation);
  if (generation.tree.prompt === prompt) return { ...generation, running: false, failure: null, ended: null };
  const other = before !== null && before.explanation.text === explanation.text && before.explanation.model.name !== explanation.model.name ? 'model' : 'text';
  return { ...generation, tree: { ...EMPTY_TREE, prompt }, running: false, failure: null, ended: generation.tree.tokens.length === 0 ? null : other };
}

/** Settings moved inside what the explanation has: a smaller model or a shorter text may follow a larger. */
function withinModel(settings: Settings, shown: ShownExplanation | null): Settings {
  if (shown === null) return settings;
  const { model, tokens } = shown.explanation;
  const { locked } = settings;
  const routed = expertLayers(model);
  const inside = locked !== null && locked.query < tokens.length && locked.key < tokens.length;
  return {
    ...settings,
    tab: settings.tab === 'experts' && routed.length === 0 ? INITIAL_SETTINGS.tab : settings.tab,
    expertLayer: routed.includes(settings.expertLayer) ? settings.expertLayer : (routed[0] ?? 0),
    selected: clamp(settings.selected, 0, tokens.length - 1),
    layer: clamp(settings.layer, 0, model.layers - 1),
    head: clamp(settings.head, 0, model.heads - 1),
    embeddingLayer: clamp(settings.embeddingLayer, -1, model.layers),
    topK: clamp(settings.topK, 0, model.vocab),
    locked: inside ? locked : null,
    positionKey: settings.positionKey !== null && settings.positionKey < tokens.length ? settings.positionKey : null,
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

function sameItems(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function isPersisted(kept: unknown): kept is PersistedState {
  return typeof kept === 'object' && kept !== null && 'version' in kept && kept.version === 1 && 'view' in kept;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** One state and whoever shows it. */
export interface Store {
  readonly state: () => ViewState;
  readonly dispatch: (action: Action) => void;
}

export function createStore(initial: ViewState, changed: (state: ViewState) => void): Store {
  let state = initial;
  return {
    state: () => state,
    dispatch: (action) => {
      const next = reduce(state, action);
      if (next === state) return;
      state = next;
      changed(next);
    },
  };
}

import { generatedOf, promptOf, type Continuation } from '../src/core/generation.ts';
import { nearestRotated } from '../src/core/positions.ts';
import { DEFAULT_SURPRISAL_SCALE, type SurprisalScale } from '../src/core/surprisalScale.ts';
import type { Explanation, HeadSummaries, Token } from '../src/core/trace.ts';
import { isRecord } from '../src/core/records.ts';
import type { KeptVector } from '../src/core/steering.ts';
import { parseNotes } from '../src/report/notes.ts';
import type {
  ComparedState,
  ComparisonWork,
  HostMessage,
  PersistedState,
  Refusal,
  ShownComparison,
  ShownExplanation,
  ShownReport,
  ShownSizes,
  WorkSubject,
} from '../src/protocol/messages.ts';
import { EMPTY_TREE, promptKey, selecting, type GenerationTree } from './generation/generationTree.ts';
import { keepGeneration, parseGeneration } from './generation/keptGeneration.ts';
import { INITIAL_SETTINGS, parseSettings, TABS, withinModel, type Settings } from './viewSettings.ts';
import { keeping } from './figures/keptVectors.ts';
import { listOf } from './figures/recipeList.ts';
import { bestHead, headsOfText, withLayers, type MeasuredHeads } from './figures/heads.ts';
import { arriving, startOf } from './stations/stationStart.ts';
import type { Theme } from './theme.ts';

/** Current work of the model for this panel. `fraction`: 0..1, null if unknown. `about`: the text and model it concerns. */
export type Activity =
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly message: string; readonly fraction: number | null; readonly about: WorkSubject | null }
  | { readonly kind: 'failed'; readonly message: string; readonly about: WorkSubject | null }
  | { readonly kind: 'cancelled' };

/** Tokens generated after the text, and the state of the generation. */
export interface Generation {
  readonly tree: GenerationTree;
  readonly running: boolean;
  readonly failure: string | null;
  /** Why the previous generation ended: another text, or for the same text another model or other interventions. Null: nothing ended it. */
  readonly ended: 'text' | 'model' | 'recipe' | null;
  /** Whether the generated text can be inserted into the document. */
  readonly insertable: boolean;
}

/** Everything the page shows; replaced as a whole, never changed in place. */
export interface ViewState {
  readonly shown: ShownExplanation | null;
  /** The saved report that is shown; null: a model answers. */
  readonly report: ShownReport | null;
  /** Whether something was asked of a report that needs a model. */
  readonly needsModel: boolean;
  /** How far the report's numbers are from those of a model that has read it again; null: none has. */
  readonly readAgain: Extract<HostMessage, { readonly type: 'readAgain' }> | null;
  /** What is known so far of the heads in what is shown; null: nothing. */
  readonly heads: MeasuredHeads | null;
  readonly activity: Activity;
  /** Tokens of the text that the model is reading, which is not shown yet; null: not known, or nothing is read. */
  readonly reading: readonly Token[] | null;
  /** Name of the model of this machine that is nearest to the engine's on show; null: not known, or none is on show. */
  readonly nearest: string | null;
  /** Model named in the settings that could not be opened. */
  readonly refusal: Refusal | null;
  /** Second side of the comparison, if there is one. */
  readonly comparison: ShownComparison | null;
  readonly comparing: ComparisonWork;
  /** The text through models of several sizes; null: none. */
  readonly sizes: ShownSizes | null;
  /** Name of what the text was last compared with, to compare again; null: nothing. */
  readonly compareAgain: string | null;
  /** Tokens whose text has been edited since the explanation. */
  readonly stale: ReadonlySet<number>;
  /** Tokens under the pointer: the one pointed at, or query and key of a heatmap's cell. */
  readonly marked: readonly number[];
  /** Tokens of the rows that are selected in the table of tokens, beside the one that all views are about; empty: that one alone. */
  readonly picked: ReadonlySet<number>;
  readonly generation: Generation;
  /** Name of a steering vector that was not kept, as there is no room for it; null: there is none. */
  readonly vectorLeftOut: string | null;
  readonly settings: Settings;
  /** VS Code setting that the editor's colours follow as well. */
  readonly surprisalScale: SurprisalScale;
  readonly theme: Theme;
}

const NONE: ReadonlySet<number> = new Set();

/** Change to the view state. */
export type Action =
  | { readonly type: 'host'; readonly message: HostMessage }
  | { readonly type: 'theme'; readonly theme: Theme }
  /** Heads of more layers of the explanation `of` were measured; null: the others cannot be. */
  | { readonly type: 'heads'; readonly of: ShownExplanation; readonly part: HeadSummaries | null }
  /** Dismisses the notice of a failure or cancellation. */
  | { readonly type: 'dismiss' }
  | { readonly type: 'mark'; readonly tokens: readonly number[] }
  | { readonly type: 'pick'; readonly tokens: ReadonlySet<number> }
  | { readonly type: 'settings'; readonly change: Partial<Settings> }
  | { readonly type: 'generation'; readonly change: Partial<Generation> }
  /** Keeps a steering vector by its name, and chooses it. */
  | { readonly type: 'vector'; readonly vector: KeptVector }
  /** Selects a generated token; -1: none. */
  | { readonly type: 'selectGenerated'; readonly index: number };

/** State of a page before its first message. `kept`: what an earlier page persisted; ignored if invalid. */
export function initialState(theme: Theme, kept: unknown): ViewState {
  const settings = isPersisted(kept) ? parseSettings(kept.view) : INITIAL_SETTINGS;
  const tree = isPersisted(kept) && isRecord(kept.view) ? parseGeneration(kept.view['generation']) : EMPTY_TREE;
  return {
    shown: null,
    report: null,
    needsModel: false,
    readAgain: null,
    heads: null,
    activity: { kind: 'idle' },
    reading: null,
    nearest: null,
    refusal: null,
    comparison: null,
    comparing: { kind: 'idle' },
    sizes: null,
    compareAgain: null,
    stale: new Set(),
    marked: [],
    picked: NONE,
    generation: { tree, running: false, failure: null, ended: null, insertable: false },
    vectorLeftOut: null,
    settings,
    surprisalScale: DEFAULT_SURPRISAL_SCALE,
    theme,
  };
}

/** The state after an action. Actions that change nothing return the same object. */
export function reduce(state: ViewState, action: Action): ViewState {
  switch (action.type) {
    case 'theme':
      return { ...state, theme: action.theme };
    case 'heads': {
      const { of, part } = action;
      // Of what was shown before: that is gone.
      if (of !== state.shown) return state;
      const heads = withLayers(state.heads, of.explanation.model, part);
      return { ...state, heads, settings: settled(state.settings, of, heads) };
    }
    case 'dismiss':
      return state.activity.kind === 'working' ? state : { ...state, activity: { kind: 'idle' } };
    case 'mark':
      return sameItems(state.marked, action.tokens) ? state : { ...state, marked: action.tokens };
    case 'pick':
      return state.picked.size === 0 && action.tokens.size === 0 ? state : { ...state, picked: action.tokens };
    case 'settings': {
      const { layer, head } = action.change;
      const pointed = layer !== undefined || head !== undefined;
      const settings = { ...state.settings, ...action.change, ...(pointed ? { headChosen: true } : {}) };
      return { ...state, settings: settled(settings, state.shown, state.heads) };
    }
    case 'generation':
      return { ...state, generation: { ...state.generation, ...action.change } };
    case 'vector':
      return keepVector(state, action.vector);
    case 'selectGenerated':
      return { ...state, generation: { ...state.generation, tree: selecting(state.generation.tree, action.index) } };
    default:
      return reduceHost(state, action.message);
  }
}

/** Whether the results shown are older than the explanation requested last. */
export function isOutdated({ shown, activity }: ViewState): boolean {
  return shown !== null && activity.kind !== 'idle';
}

/** State kept while the panel is hidden or reloaded; undefined before the first explanation. */
export function persisted(state: ViewState): PersistedState | undefined {
  if (state.shown === null) return undefined;
  const { source, explanation } = state.shown;
  const compared = state.comparison === null ? {} : { compared: comparedState(state.comparison) };
  const generation = keepGeneration(state.generation.tree);
  const chat = explanation.chat === true;
  const { recipe } = explanation.run;
  const { text, continuation } = continuationOf(explanation);
  const { window } = explanation;
  const view = { ...state.settings, ...(generation === undefined ? {} : { generation }) };
  return {
    version: 1,
    source,
    text,
    ...(window === undefined ? {} : { at: window.windows[window.index]?.start ?? 0 }),
    ...(chat ? { chat } : {}),
    ...(continuation.ids.length > 0 ? { continuation } : {}),
    ...(recipe.length > 0 ? { recipe: { model: explanation.model.name, steps: recipe } } : {}),
    ...compared,
    view,
  };
}

function comparedState({ kind, source, model, explanation }: ShownComparison): ComparedState {
  return kind === 'model' && model !== null ? { kind, model } : { kind: 'text', source, text: explanation.text };
}

function reduceHost(state: ViewState, message: HostMessage): ViewState {
  switch (message.type) {
    case 'init':
      return message.report === undefined ? state : { ...state, report: message.report };
    case 'goTo': {
      const { tab, layer, head, token } = message.place;
      const known = TABS.find((name) => name === tab);
      const change: Partial<Settings> = {
        ...(known === undefined ? {} : { tab: known }),
        ...(layer === undefined ? {} : { layer, headChosen: true }),
        ...(head === undefined ? {} : { head, headChosen: true }),
        ...(token === undefined ? {} : { selected: token, locked: null }),
      };
      return { ...state, settings: settled({ ...state.settings, ...change }, state.shown, state.heads) };
    }
    case 'needsModel':
      return { ...asShown(state), needsModel: true };
    case 'notes':
      return { ...state, settings: { ...state.settings, notes: [...parseNotes(message.notes)] } };
    case 'readAgain':
      return { ...state, readAgain: message };
    case 'explanation': {
      const before = state.shown?.explanation;
      const next = message.shown.explanation;
      const first = before === undefined;
      const sameText = before?.text === next.text;
      // After a reload the kept selection stays; a new text is read from its first token on.
      const keep = sameText || (first && state.settings.selected > 0);
      const selected = keep ? state.settings.selected : firstOwn(next);
      const sameModel = before?.model.name === next.model.name;
      const settings = {
        ...state.settings,
        selected,
        locked: sameText || first ? state.settings.locked : null,
        // A question names tokens of this text by their ids in this model.
        whyAsked: first || (sameText && sameModel) ? state.settings.whyAsked : null,
        whySpan: first || (sameText && sameModel) ? state.settings.whySpan : null,
        recipe: [...listOf(state.settings.recipe, next, before)],
        // Notes name tokens of this text, and heads of this model.
        notes: first || (sameText && sameModel) ? state.settings.notes : [],
      };
      // Another text than the station began with; after a reload all is as it was left.
      const begins =
        settings.pathShown && !sameText && !first && next.model.served === undefined ? startOf(settings.station, next, settings) : {};
      return {
        ...state,
        shown: message.shown,
        heads: null,
        nearest: null,
        activity: { kind: 'idle' },
        reading: null,
        stale: new Set(),
        marked: [],
        picked: NONE,
        generation: generationAfter(state, message.shown),
        settings: settled({ ...settings, ...begins }, message.shown, null),
      };
    }
    case 'comparison':
      return message.comparison === null && state.comparison === null ? state : { ...state, comparison: message.comparison };
    case 'sizes':
      if (message.sizes === null && state.sizes === null) return state;
      return { ...state, sizes: message.sizes, settings: message.open ? { ...state.settings, tab: 'compare' } : state.settings };
    case 'comparing': {
      const begun = message.work.kind === 'working' && message.work.open && state.comparing.kind !== 'working';
      const settings: Settings = begun ? { ...state.settings, tab: 'compare' } : state.settings;
      return { ...state, comparing: message.work, compareAgain: message.again, settings };
    }
    case 'progress':
      return {
        ...state,
        activity: { kind: 'working', message: message.message, fraction: message.fraction, about: message.about ?? null },
        reading: message.tokens === undefined ? state.reading : message.tokens,
      };
    case 'failure':
      return { ...asShown(state), activity: { kind: 'failed', message: message.message, about: message.about ?? null }, reading: null };
    case 'cancelled':
      return { ...asShown(state), activity: { kind: 'cancelled' }, reading: null };
    case 'nearest':
      return { ...state, nearest: message.name };
    case 'refused':
      return { ...state, refusal: message.refusal };
    case 'select':
      if (message.token === null || message.token === state.settings.selected) return state;
      return { ...state, settings: settled({ ...state.settings, selected: message.token }, state.shown, state.heads) };
    case 'why': {
      const settings: Settings = { ...state.settings, tab: 'why', selected: message.position, whyAsked: null, whySpan: null };
      return { ...state, settings: settled(settings, state.shown, state.heads) };
    }
    case 'path': {
      if (state.shown === null) return state;
      const settings = { ...state.settings, ...arriving(state.settings.station, state.shown.explanation, state.settings) };
      return { ...state, settings: settled(settings, state.shown, state.heads) };
    }
    case 'vector':
      return keepVector(state, message.vector);
    case 'generatedFailure':
      return { ...state, generation: { ...state.generation, failure: message.message } };
    case 'surprisalScale':
      return message.scale === state.surprisalScale ? state : { ...state, surprisalScale: message.scale };
    case 'insertable':
      return { ...state, generation: { ...state.generation, insertable: message.possible } };
    case 'stale':
      return { ...state, stale: new Set(message.tokens) };
    default:
      return state;
  }
}

/** The state with a steering vector kept and chosen, or left out where there is no room. */
function keepVector(state: ViewState, vector: KeptVector): ViewState {
  const vectors = keeping(state.settings.vectors, vector);
  if (vectors === null) return { ...state, vectorLeftOut: vector.name };
  return { ...state, vectorLeftOut: null, settings: { ...state.settings, vectors: [...vectors], steerBy: 'kept', vector: vector.name } };
}

/** The state whose interventions are on as in what is shown: those asked for since did not come about. */
function asShown(state: ViewState): ViewState {
  const explanation = state.shown?.explanation;
  if (explanation === undefined) return state;
  return { ...state, settings: { ...state.settings, recipe: [...listOf(state.settings.recipe, explanation, explanation)] } };
}

/** The text given to be explained, and the tokens generated after it. */
function continuationOf(explanation: Explanation): {
  readonly text: string;
  readonly continuation: Continuation;
} {
  const { chat = false, model } = explanation;
  const ids = generatedOf(explanation).map(({ id }) => id);
  return { text: promptOf(explanation).text, continuation: { model: model.name, chat, ids } };
}

/** Index of the first token of the text itself, after those added by the tokenizer or chat template. */
function firstOwn({ tokens }: Explanation): number {
  return Math.max(
    0,
    tokens.findIndex(({ special }) => !special),
  );
}

/** The generation after a new explanation: continued for the same text and model, dropped for any other. */
function generationAfter({ shown: before, generation }: ViewState, { explanation }: ShownExplanation): Generation {
  const prompt = promptKey(explanation);
  if (generation.tree.prompt === prompt) return { ...generation, running: false, failure: null, ended: null };
  const sameText = before !== null && before.explanation.text === explanation.text;
  const other = !sameText ? 'text' : before.explanation.model.name !== explanation.model.name ? 'model' : 'recipe';
  return {
    ...generation,
    tree: { ...EMPTY_TREE, prompt },
    running: false,
    failure: null,
    ended: generation.tree.tokens.length === 0 ? null : other,
  };
}

/**
 * Settings within the bounds of the explanation shown. Until the user points at a layer or head: in the attention view the head is the best
 * by the chosen metric, once all are measured, as layer 0, head 0 is seldom worth seeing; in that of rotary positions the layer is one that
 * rotates.
 */
function settled(settings: Settings, shown: ShownExplanation | null, heads: MeasuredHeads | null): Settings {
  if (shown === null) return settings;
  const opening = !settings.headChosen && settings.tab === 'attention' && heads?.layers === shown.explanation.model.layers;
  const best = opening ? bestHead(headsOfText(shown.explanation, heads), settings.metric) : undefined;
  const { model } = shown.explanation;
  const turning = !settings.headChosen && settings.tab === 'positions' && model.positions === 'rotary';
  const turned = turning ? { layer: nearestRotated(model, settings.layer) } : {};
  const place = best === undefined ? turned : { layer: best.layer, head: best.head };
  return withinModel({ ...settings, ...place }, shown.explanation);
}

function sameItems(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function isPersisted(kept: unknown): kept is PersistedState {
  return typeof kept === 'object' && kept !== null && 'version' in kept && kept.version === 1 && 'view' in kept;
}

/** Holder of the view state, which only dispatched actions change. */
export interface Store {
  readonly state: () => ViewState;
  readonly dispatch: (action: Action) => void;
}

/** Creates a store. `changed` is called with each new state, but not for actions that change nothing. */
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

import type { AttentionChoice } from '../core/attentionRows.ts';
import type { Divergence } from '../core/comparison.ts';
import type { LogitQuestion } from '../core/directParts.ts';
import type { Continuation } from '../core/generation.ts';
import type { SurprisalScale } from '../core/surprisalScale.ts';
import type { SizedReading } from '../core/modelSizes.ts';
import type { Recipe } from '../core/run.ts';
import type { KeptVector } from '../core/steering.ts';
import type { TokenRun } from '../core/textUnits.ts';
import type { LineRange } from '../core/textWindows.ts';
import type { Explanation, Token } from '../core/trace.ts';
import type { ExampleName } from './exampleTexts.ts';
import type { PageQueryName, Query, QueryResult } from './queries.ts';

/** Origin of a text, by which a panel finds it again after the window was reloaded. */
export interface TextSource {
  /** URI of the document. */
  readonly uri: string;
  /** Range of the text in the document, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Name in the panel's header: a file's base name. */
  readonly label: string;
}

/** An explanation as the panel shows it. */
export interface ShownExplanation {
  /** Increases by one with each explanation; answers to queries about an older one are dropped. */
  readonly serial: number;
  readonly source: TextSource;
  readonly explanation: Explanation;
  /** Sentences about differences between the selection and the explained text (paragraph taken, part left out). */
  readonly notices: readonly string[];
  /** Names of the windows of `explanation.window`, and of none else. */
  readonly windows?: WindowNames;
}

/** How the windows of a long text are named: by its lines, counted as in the editor. */
export interface WindowNames {
  /** Sentence that says why there are windows, and how they lie. */
  readonly rule: string;
  /** The lines of each window. */
  readonly lines: readonly LineRange[];
  /** Those of the whole text. */
  readonly whole: LineRange;
}

/** Second side of a comparison with the explanation now shown: another text, or the same text read by another model. */
export interface ShownComparison {
  /** Increases by one with each comparison. */
  readonly serial: number;
  /** Serial of the explanation that is the first side. */
  readonly with: number;
  readonly kind: 'text' | 'model';
  /** Origin of the second text; with another model, that of the first side. */
  readonly source: TextSource;
  /** The other model as written in the settings, empty for the bundled one; null: the same model. */
  readonly model: string | null;
  readonly explanation: Explanation;
  readonly notices: readonly string[];
  /** Whether token ids mean the same on both sides. */
  readonly sameVocabulary: boolean;
  /** Divergence for each span of `alignTokens`; null if the vocabularies differ, or an engine serves one of the models. */
  readonly divergence: Divergence | null;
}

/** A text as one of several models reads it. */
export interface SizedModel extends SizedReading {
  readonly name: string;
  readonly family: string;
}

/** One text through models of several sizes, smallest first. */
export interface ShownSizes {
  /** Serial of the explanation whose text it is. */
  readonly with: number;
  /** The text, as far as all models read it. */
  readonly text: string;
  readonly models: readonly SizedModel[];
  /** Sentences about what is left out. */
  readonly notices: readonly string[];
}

/** State of the work on a comparison. */
export type ComparisonWork =
  | { readonly kind: 'idle' }
  /** `open`: whether the user has just asked for it, so that its tab opens. */
  | { readonly kind: 'working'; readonly message: string; readonly fraction: number | null; readonly open: boolean }
  /** `what`: name of the second side: a file or a model's folder. */
  | { readonly kind: 'failed'; readonly message: string; readonly what: string }
  | { readonly kind: 'cancelled' };

/** The text and the model that the current work is about, by names that the user knows. */
export interface WorkSubject {
  /** Name of the text: a file's base name. */
  readonly text: string;
  /** Location of the text: a file's path, or a URI. */
  readonly place: string;
  /** The model as written in the settings: a folder or file; empty: the bundled one. */
  readonly model: string;
}

/** A model chosen in the settings that could not be opened; the previous model stays in use. */
export interface Refusal {
  /** The refused model as written in the settings. */
  readonly model: string;
  /** Name of the model in use. */
  readonly kept: string;
  /** Why the model could not be opened. */
  readonly message: string;
}

/** What a page that shows a saved report says of it. */
export interface ShownReport {
  /** Version of the product that made it, and when it was made: ISO 8601, in UTC. */
  readonly product: string;
  readonly created: string;
  /** Whether it can be read again by a model. */
  readonly readsAgain: boolean;
  /** Whether notes that are written or removed can be kept in its file. */
  readonly keepsNotes: boolean;
}

/** What of a view a link names; absent: as it is. `tab`: one of the page's tabs, which alone knows them. */
export interface LinkedPlace {
  readonly tab?: string;
  readonly layer?: number;
  readonly head?: number;
  readonly token?: number;
}

/** How far numbers of one kind that were read again are from those that were kept. */
export interface Difference {
  /** The question and the field of its answer, such as "lens.topProbs". */
  readonly quantity: string;
  /** Numbers, or ids and texts, that were compared. */
  readonly compared: number;
  /** The largest difference. Of ids and texts null: they are equal or not. */
  readonly largest: number | null;
  /** The same as a share of the largest kept number; of ids and texts the share that is not equal. Infinity: other numbers are there. */
  readonly share: number;
}

/** A message from the host to the page. */
export type HostMessage =
  /**
   * First message after `ready`. `strings` maps English UI texts to the display language (empty for English); `follows`: whether an
   * explanation or the state of work follows immediately. `report`: present if the page shows a saved one; `view`: settings of a page that
   * has kept none of its own.
   */
  | {
      readonly type: 'init';
      readonly strings: Readonly<Record<string, string>>;
      readonly language: string;
      readonly follows: boolean;
      readonly report?: ShownReport;
      readonly view?: unknown;
    }
  /** Show this: a link was followed. */
  | { readonly type: 'goTo'; readonly place: LinkedPlace }
  /** What was asked for needs a model, and the page shows a saved report. */
  | { readonly type: 'needsModel' }
  /** Send your settings, as a report is being saved. */
  | { readonly type: 'tellView' }
  /** The notes on the report on show, as they are now: opaque to the protocol. */
  | { readonly type: 'notes'; readonly notes: unknown }
  /** The report on show was read again by this model. `leftOut`: the other model of its comparison, if that is not here; null: nothing. */
  | { readonly type: 'readAgain'; readonly model: string; readonly differences: readonly Difference[]; readonly leftOut: string | null }
  /** The current explanation. */
  | { readonly type: 'explanation'; readonly shown: ShownExplanation }
  /** `fraction` in 0..1, null if unknown. `tokens`: those of the text being read; null: not known yet; absent: as told before. */
  | {
      readonly type: 'progress';
      readonly message: string;
      readonly fraction: number | null;
      readonly about?: WorkSubject;
      readonly tokens?: readonly Token[] | null;
    }
  /** An explanation failed. */
  | { readonly type: 'failure'; readonly message: string; readonly about?: WorkSubject }
  /** An explanation was cancelled. */
  | { readonly type: 'cancelled' }
  /** Name of the model of this machine that is nearest to the engine's that is on show. */
  | { readonly type: 'nearest'; readonly name: string }
  /** A refused model; null: none any more. */
  | { readonly type: 'refused'; readonly refusal: Refusal | null }
  /** Token at the editor's cursor; null: the cursor is outside the text. */
  | { readonly type: 'select'; readonly token: number | null }
  /** Asked in the editor: why the text goes on as it does after this token. Opens the tab with that question. */
  | { readonly type: 'why'; readonly position: number }
  /** Asked for by a command: show the path through the panel. */
  | { readonly type: 'path' }
  /** Tokens whose text has been edited since it was explained; empty: none. */
  | { readonly type: 'stale'; readonly tokens: readonly number[] }
  /** The comparison on show; null: none. */
  | { readonly type: 'comparison'; readonly comparison: ShownComparison | null }
  /** One text through models of several sizes; null: none. `open`: whether its tab opens. */
  | { readonly type: 'sizes'; readonly sizes: ShownSizes | null; readonly open: boolean }
  /** `again`: name of the last second side, if it is not shown and can be compared again; null otherwise. */
  | { readonly type: 'comparing'; readonly work: ComparisonWork; readonly again: string | null }
  /** Scale of the surprisal colours, in panel and editor. */
  | { readonly type: 'surprisalScale'; readonly scale: SurprisalScale }
  /** Whether generated text can be inserted after the explained text: its document is open and the text is unchanged there. */
  | { readonly type: 'insertable'; readonly possible: boolean }
  /** The control vector of a file that the user chose. */
  | { readonly type: 'vector'; readonly vector: KeptVector }
  /** Generated text could not be inserted or explained. */
  | { readonly type: 'generatedFailure'; readonly message: string }
  /** Answer to query `id`, about the explanation `serial`. */
  | { readonly type: 'reply'; readonly id: number; readonly serial: number; readonly result: QueryResult<PageQueryName> }
  /** Failure of query `id`. */
  | { readonly type: 'replyError'; readonly id: number; readonly message: string };

/** How much each token from the start of the text counts for one prediction, or each unit of several tokens, above 0 for its token. */
export interface WhyWords extends LogitQuestion {
  /** The last position of a span, whose next tokens are explained together by their log-probabilities; null: it is one logit. */
  readonly end: number | null;
  /** Null: not known (yet). */
  readonly values: readonly (number | null)[];
  /** What each value is of; null: of one token. */
  readonly units: readonly TokenRun[] | null;
}

/** Whose attention the editor shows while that is on. */
export interface EditorAttention extends AttentionChoice {
  /** Whether the first token is left out. */
  readonly hideFirst: boolean;
}

/** Commands that the page may run. */
export const PANEL_COMMANDS = [
  'explain',
  'runAgain',
  'toggleAttention',
  'compareWith',
  'compareModel',
  'compareSizes',
  'chooseModel',
  'downloadModel',
  'readHere',
  'showLog',
] as const;
/** Name of a command that the page may run. */
export type PanelCommand = (typeof PANEL_COMMANDS)[number];

/** A message from the page to the host. */
export type PanelMessage =
  /** The page listens: send it everything. */
  | { readonly type: 'ready' }
  /** A question about the explanation `serial`. `side`: present if it is about the second side of the comparison. */
  | { readonly type: 'query'; readonly id: number; readonly serial: number; readonly query: Query; readonly side?: 'second' }
  /** Drop a query whose answer is no longer wanted. */
  | { readonly type: 'dropQuery'; readonly id: number }
  /** Open one of the examples as a new document, and explain it. */
  | { readonly type: 'example'; readonly name: ExampleName }
  /** Cancel the explanation in progress. */
  | { readonly type: 'cancel' }
  /** The user dismissed a failure or a cancelled run: the earlier results are current again. */
  | { readonly type: 'dismiss' }
  /** Run again, reading the text as a user's message in the model's chat template (`on`) or as it is. */
  | { readonly type: 'chat'; readonly on: boolean }
  /** Run again with these interventions, whose positions are those of explanation `serial`. */
  | { readonly type: 'recipe'; readonly serial: number; readonly recipe: Recipe }
  /** Open a recipe as a new JSON document, to look at and to save. */
  | { readonly type: 'exportRecipe'; readonly recipe: Recipe }
  /** Let the user choose a recipe's file, for explanation `serial`. */
  | { readonly type: 'importRecipe'; readonly serial: number }
  /** Let the user choose a control vector's file, for the model of explanation `serial`. */
  | { readonly type: 'openVector'; readonly serial: number }
  /** Let the user choose where to save a control vector, made with the model of explanation `serial`. */
  | { readonly type: 'saveVector'; readonly serial: number; readonly vector: KeptVector }
  /** The user chose a window of the text of explanation `serial`. */
  | { readonly type: 'window'; readonly serial: number; readonly index: number }
  /** The user chose a token: reveal and mark it in the editor. */
  | { readonly type: 'select'; readonly token: number }
  /** The pointer is over a token or a heatmap cell: mark these tokens in the editor; empty: mark none. */
  | { readonly type: 'mark'; readonly tokens: readonly number[] }
  /** The user selected rows in the table of tokens: mark their tokens in the editor until other ones are selected; empty: none. */
  | { readonly type: 'pick'; readonly tokens: readonly number[] }
  /** Let the user choose where to save a file: a picture or the numbers of what is shown. */
  | { readonly type: 'saveFile'; readonly name: string; readonly content: string | Uint8Array<ArrayBuffer> }
  /** The page's settings, opaque to the host: what was asked for by `tellView`. */
  | { readonly type: 'view'; readonly view: unknown }
  /** The user has written or removed a note on the report on show: all of its notes, opaque to the protocol. */
  | { readonly type: 'notes'; readonly notes: unknown }
  /** Read the report on show again by the model of the settings. */
  | { readonly type: 'readAgain' }
  /** Copy a text to the clipboard. */
  | { readonly type: 'copy'; readonly text: string }
  /** The tab Why shows how much each word counts: the editor may show it too. */
  | { readonly type: 'whyWords'; readonly serial: number; readonly words: WhyWords }
  /** The head or layer that the page shows, and the kind of attention that was chosen for the editor. */
  | { readonly type: 'editorAttention'; readonly choice: EditorAttention }
  /** The user chose the scale of the surprisal colours: a setting that applies to the editor too. */
  | { readonly type: 'surprisalScale'; readonly scale: SurprisalScale }
  | { readonly type: 'compareAgain' }
  | { readonly type: 'cancelComparison' }
  | { readonly type: 'closeComparison' }
  | { readonly type: 'closeSizes' }
  /** Insert these tokens' text after the explained text in its document, or explain both together. */
  | { readonly type: 'insertGenerated'; readonly serial: number; readonly continuation: readonly number[] }
  | { readonly type: 'explainGenerated'; readonly serial: number; readonly continuation: readonly number[] }
  /** A button that runs a command. */
  | { readonly type: 'command'; readonly name: PanelCommand };

/** State that the webview keeps while hidden and through reloads. The host restores the panel from it. */
export interface PersistedState {
  readonly version: 1;
  readonly source: TextSource;
  readonly text: string;
  /** UTF-16 offset of `text` in the text at `source`, of which it is a window. Absent: it is its beginning, or all of it. */
  readonly at?: number;
  /** Whether the text was read as a user's message. Absent: as it is. */
  readonly chat?: boolean;
  /** Interventions on the model, and its name. Absent: none. */
  readonly recipe?: KeptRecipe;
  /** Second side of the comparison. Absent: none. */
  readonly compared?: ComparedState;
  /** Tokens that were generated after the text and explained with it. */
  readonly continuation?: Continuation;
  /** The webview's own view settings, opaque to the host. */
  readonly view: unknown;
}

/** Interventions that were on, with the name of the model that they are of. */
export interface KeptRecipe {
  readonly model: string;
  readonly steps: Recipe;
}

/** The part of a comparison that is needed to make it again. */
export type ComparedState =
  { readonly kind: 'text'; readonly source: TextSource; readonly text: string } | { readonly kind: 'model'; readonly model: string };

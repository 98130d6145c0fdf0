import type { Divergence } from '../core/comparison.ts';
import type { ForwardPath, StageName, WeightedSum } from '../core/forwardPath.ts';
import type { Continuation, GenerationStep } from '../core/generation.ts';
import type { PositionView } from '../core/positions.ts';
import type { SamplingSettings } from '../core/sampling.ts';
import type { AttentionCell, AttentionMap, AttentionPicture, AttentionRow, Distribution, ExpertRouting, Explanation, LatentVector, LensLayer, Projection, Token } from '../core/trace.ts';
import type { LensTop, Neighbours, Similarity, TableVector, VectorMap, WordByLayer, Words } from '../core/vectors.ts';

/** What a view may ask of the model, by name: arguments and result. All about the explanation now shown. */
export interface ViewQueries {
  attention: { args: { readonly layer: number; readonly head: number }; result: AttentionMap };
  attentionPicture: { args: { readonly layer: number; readonly head: number }; result: AttentionPicture };
  attentionRow: { args: { readonly layer: number; readonly head: number; readonly query: number }; result: AttentionRow };
  attentionCell: { args: { readonly layer: number; readonly head: number; readonly query: number; readonly key: number }; result: AttentionCell };
  experts: { args: { readonly layer: number }; result: ExpertRouting };
  latent: { args: { readonly layer: number; readonly token: number }; result: LatentVector };
  projection: { args: { readonly layer: number; readonly skipFirst: boolean }; result: Projection };
  lens: { args: { readonly layer: number }; result: LensLayer };
  distribution: { args: { readonly position: number }; result: Distribution };
  forwardPath: { args: { readonly token: number; readonly layer: number; readonly head: number; readonly expert: number }; result: ForwardPath };
  weightedSum: { args: { readonly token: number; readonly layer: number; readonly head: number; readonly expert: number; readonly stage: StageName; readonly index: number }; result: WeightedSum };
  positions: { args: { readonly layer: number; readonly head: number; readonly query: number; readonly key: number }; result: PositionView };
  /** A text of the panel's own, as the model reads it. */
  readText: { args: { readonly text: string }; result: { readonly tokens: readonly Token[]; readonly length: number } };
  words: { args: { readonly texts: readonly string[] }; result: Words };
  neighbours: { args: { readonly vector: TableVector; readonly count: number }; result: Neighbours };
  vectorMap: { args: { readonly vectors: readonly TableVector[] }; result: VectorMap };
  lensTop: { args: { readonly layer: number; readonly token: number; readonly count: number }; result: LensTop };
  similarity: { args: { readonly layer: number }; result: Similarity };
  wordByLayer: { args: { readonly first: QueryPlace; readonly second: QueryPlace }; result: WordByLayer };
  /** The token after the explained ones and `continuation`, which was generated. */
  step: { args: { readonly continuation: readonly number[]; readonly sampling: SamplingSettings; readonly seed: number; readonly topK: number; readonly attention: boolean }; result: GenerationStep };
  /** The tokens after those, one from the other, at most so many: as many as are drawn in a short while. */
  steps: { args: { readonly continuation: readonly number[]; readonly sampling: SamplingSettings; readonly seed: number; readonly topK: number; readonly most: number }; result: { readonly steps: readonly GenerationStep[] } };
  /** What tokens spell together. */
  textOf: { args: { readonly ids: readonly number[] }; result: { readonly text: string } };
}

/** One token of a text: `ids` are those of another text than the explained one, null of that one. */
export interface QueryPlace {
  readonly ids: readonly number[] | null;
  readonly token: number;
}

export type QueryName = keyof ViewQueries;
export type QueryArgs<Name extends QueryName> = ViewQueries[Name]['args'];
export type QueryResult<Name extends QueryName> = ViewQueries[Name]['result'];

/** Any query, tagged by its name. */
export type Query = { [Name in QueryName]: { readonly name: Name } & QueryArgs<Name> }[QueryName];

/** Where the text came from, so that a panel can find it again after the window was reloaded. */
export interface TextSource {
  readonly uri: string;
  /** UTF-16 offsets in the document. */
  readonly start: number;
  readonly end: number;
  /** Shown in the panel's header: a file's base name. */
  readonly label: string;
}

/** An explanation as the panel keeps it. */
export interface ShownExplanation {
  /** Grows by one with every explanation of a panel; answers to older queries are dropped. */
  readonly serial: number;
  readonly source: TextSource;
  readonly explanation: Explanation;
  /** Sentences about what was done to the selection (paragraph taken, part left out). */
  readonly notices: readonly string[];
}

/** The second side of a comparison, beside the explanation now shown: another text, or the same text read by another model. */
export interface ShownComparison {
  /** Grows by one with every comparison of a panel. */
  readonly serial: number;
  /** Serial of the explanation that is the first side. */
  readonly with: number;
  readonly kind: 'text' | 'model';
  /** Where the second text is from; for another model, the first's own source. */
  readonly source: TextSource;
  /** Folder of the other model as the settings name it, empty for the bundled one; null: the same model. */
  readonly model: string | null;
  readonly explanation: Explanation;
  readonly notices: readonly string[];
  /** Ids mean the same on both sides. */
  readonly sameVocabulary: boolean;
  /** Null where the vocabularies differ. Spans are those of `alignTokens`. */
  readonly divergence: Divergence | null;
}

/** How the making of a comparison goes. */
export type ComparisonWork =
  | { readonly kind: 'idle' }
  /** `open`: the user asked for it just now, and is to see it. */
  | { readonly kind: 'working'; readonly message: string; readonly fraction: number | null; readonly open: boolean }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'cancelled' };

export type HostMessage =
  /** First message after `ready`. `strings` maps English UI texts to the display language (empty for English). */
  | { readonly type: 'init'; readonly strings: Readonly<Record<string, string>>; readonly language: string }
  | { readonly type: 'explanation'; readonly shown: ShownExplanation }
  /** `fraction` in 0..1, or null where unknown. */
  | { readonly type: 'progress'; readonly message: string; readonly fraction: number | null }
  | { readonly type: 'failure'; readonly message: string }
  | { readonly type: 'cancelled' }
  /** The editor's cursor is on this token (null: outside the text). */
  | { readonly type: 'select'; readonly token: number | null }
  /** Tokens whose text was edited since; empty when all are as they were. */
  | { readonly type: 'stale'; readonly tokens: readonly number[] }
  | { readonly type: 'comparison'; readonly comparison: ShownComparison | null }
  /** `again`: what was last compared with, where it can be compared with once more. */
  | { readonly type: 'comparing'; readonly work: ComparisonWork; readonly again: string | null }
  /** Whether generated text can be put after the explained one: its document is open and the text as it was. */
  | { readonly type: 'insertable'; readonly possible: boolean }
  | { readonly type: 'reply'; readonly id: number; readonly serial: number; readonly result: QueryResult<QueryName> }
  | { readonly type: 'replyError'; readonly id: number; readonly message: string };

export type PanelMessage =
  | { readonly type: 'ready' }
  /** `side`: about the comparison's second side. */
  | { readonly type: 'query'; readonly id: number; readonly serial: number; readonly query: Query; readonly side?: 'second' }
  /** Drop a query whose answer is no longer wanted. */
  | { readonly type: 'dropQuery'; readonly id: number }
  | { readonly type: 'cancel' }
  | { readonly type: 'runAgain' }
  /** Read the text as a user's message in the model's chat template, or as it is: run again so. */
  | { readonly type: 'chat'; readonly on: boolean }
  /** The user chose a token: reveal and mark it in the editor. */
  | { readonly type: 'select'; readonly token: number }
  /** Pointer over a token or a heatmap cell: mark these tokens in the editor; empty clears. */
  | { readonly type: 'mark'; readonly tokens: readonly number[] }
  | { readonly type: 'compareWith' }
  | { readonly type: 'compareModel' }
  | { readonly type: 'compareAgain' }
  | { readonly type: 'cancelComparison' }
  | { readonly type: 'closeComparison' }
  /** Put these tokens' text after the explained one in its document, or explain both together. */
  | { readonly type: 'insertGenerated'; readonly serial: number; readonly continuation: readonly number[] }
  | { readonly type: 'explainGenerated'; readonly serial: number; readonly continuation: readonly number[] }
  | { readonly type: 'chooseModel' }
  | { readonly type: 'showLog' };

/** What the webview keeps through hiding and reloading; the panel serializer reads `source` and `text`. */
export interface PersistedState {
  readonly version: 1;
  readonly source: TextSource;
  readonly text: string;
  /** The text was read as a user's message. Absent: as it is. */
  readonly chat?: boolean;
  /** What it was compared with. Absent: nothing. */
  readonly compared?: ComparedState;
  /** What was generated after the text and is explained with it. */
  readonly continuation?: Continuation;
  /** The webview's own view settings, opaque to the host. */
  readonly view: unknown;
}

/** Enough of a comparison to make it again. */
export type ComparedState =
  | { readonly kind: 'text'; readonly source: TextSource; readonly text: string }
  | { readonly kind: 'model'; readonly model: string };

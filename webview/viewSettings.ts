import * as v from 'valibot';
import { ATTENTION_KINDS } from '../src/core/attentionRows.ts';
import { ATTRIBUTION_METHODS } from '../src/core/attribution.ts';
import { isStageName, type StageName } from '../src/core/forwardPath.ts';
import { REPEATED_SCORES } from '../src/core/repeatedTokens.ts';
import { HEAD_MEASURES } from '../src/core/headMeasures.ts';
import { HEAD_METRICS } from '../src/core/headMetrics.ts';
import { PATCH_GRIDS } from '../src/core/patchGrid.ts';
import { stepsOf } from '../src/core/recipe.ts';
import type { Intervention } from '../src/core/run.ts';
import type { KeptVector, SteeringSource } from '../src/core/steering.ts';
import type { Explanation } from '../src/core/trace.ts';
import { TEXT_UNITS } from '../src/core/textUnits.ts';
import { isRecord } from '../src/core/records.ts';
import { NOTES } from '../src/report/notes.ts';
import { keptVectorCheck } from '../src/protocol/queries.ts';
import { expertLayers } from './figures/expertGrid.ts';
import { RENAMED_STEPS, WALK_STEPS } from './figures/pathSteps.ts';
import { TABLE_COLUMNS, TABLE_UNITS } from './figures/tokenTable.ts';
import { STATIONS } from './stations/stationNames.ts';

/** Tabs in their order: of the text, of the model's inside, and of what can be done. */
export const TAB_GROUPS = {
  text: ['model', 'tokens', 'predictions'],
  inside: ['attention', 'embeddings', 'positions', 'forward', 'experts'],
  act: ['generate', 'compare', 'why'],
} as const;
/** Name of a group of tabs. */
export type TabGroup = keyof typeof TAB_GROUPS;
/** Tabs, in their order. */
export const TABS = [...TAB_GROUPS.text, ...TAB_GROUPS.inside, ...TAB_GROUPS.act] as const;
/** Name of a tab. */
export type TabName = (typeof TABS)[number];
/** Measures that can colour the token strip. */
export const STRIP_COLOURS = ['surprisal', 'rank', 'entropy', 'probability'] as const;
/** Measure that colours the token strip. */
export type StripColour = (typeof STRIP_COLOURS)[number];
/** Measures that can colour the logit lens. */
export const LENS_COLOURS = ['probability', 'rank', 'entropy', 'kl'] as const;
/** Measure that colours the logit lens. */
export type LensColour = (typeof LENS_COLOURS)[number];
/** Rows of the logit lens: residuals after blocks, also between their two steps, or what the steps add by themselves. */
export const LENS_ROWS = ['blocks', 'steps', 'added'] as const;
/** Rows of the logit lens. */
export type LensRows = (typeof LENS_ROWS)[number];
/** Measures that can colour the lens of what steps add. */
export const ADDED_COLOURS = ['raised', 'next'] as const;
/** Measure that colours the lens of what steps add. */
export type AddedColour = (typeof ADDED_COLOURS)[number];
/** Details that fold in and out: parts of views, and the vectors of the forward pass. */
const FOLDS = [
  'curve',
  'editorAttention',
  'experiment',
  'histogram',
  'methods',
  'modelTable',
  'number',
  'pairSpeed',
  'pairTurns',
  'sinusoid',
  'steering',
  'stepAttention',
  'timeMemory',
] as const;
/** Name of details that fold in and out. */
export type FoldName = (typeof FOLDS)[number] | `stage-${StageName}`;
/** Views of the Embeddings tab, in their order. */
export const EMBEDDING_VIEWS = ['map', 'neighbours', 'arithmetic', 'words', 'context', 'similarity'] as const;
/** Name of a view of the Embeddings tab. */
export type EmbeddingView = (typeof EMBEDDING_VIEWS)[number];

/** Highest temperature that may be typed; beyond it nothing changes any more. */
export const MAX_TEMPERATURE = 1000;
/** Largest limit of generated tokens that may be typed. */
export const MAX_NEW_TOKENS = 100_000;
/** Longest word that may be typed, in UTF-16 units. */
export const MAX_WORD = 200;
/** Longest text that may be typed, in UTF-16 units. */
export const MAX_TYPED = 2000;
/** Most typed words whose chosen reading is kept. */
const MAX_READINGS = 500;

const number = (low: number, high: number) => v.pipe(v.number(), v.minValue(low), v.maxValue(high));
const integer = (low: number, high: number) => v.pipe(number(low, high), v.integer());
const text = (longest: number) => v.pipe(v.string(), v.maxLength(longest));
const index = integer(0, 1e6);
const CELL = v.object({ query: index, key: index });
/** One token at two places: its positions in the first and second text. */
const PICK = v.object({
  id: v.pipe(v.number(), v.integer()),
  first: v.pipe(v.number(), v.integer()),
  second: v.pipe(v.number(), v.integer()),
});
const WORD = text(MAX_WORD);
const TYPED = text(MAX_TYPED);
const READINGS = v.pipe(
  v.custom<Readonly<Record<string, unknown>>>(isRecord),
  v.transform((words) => Object.entries(words).filter((word): word is [string, number] => v.is(index, word[1]))),
  v.transform((words): Readonly<Record<string, number>> => Object.fromEntries(words.slice(0, MAX_READINGS))),
);
const FOLDED = v.pipe(
  v.custom<Readonly<Record<string, unknown>>>(isRecord),
  v.transform((folds) =>
    Object.entries(folds).filter((fold): fold is [FoldName, boolean] => isFold(fold[0]) && typeof fold[1] === 'boolean'),
  ),
  v.transform((folds): Readonly<Partial<Record<FoldName, boolean>>> => Object.fromEntries(folds)),
);
const STEP = v.pipe(
  v.string(),
  v.transform((name) => RENAMED_STEPS.get(name) ?? name),
  v.picklist(WALK_STEPS),
);

/** An intervention, as a recipe's file has it. */
const STEP_OF_RECIPE = v.pipe(
  v.custom<Intervention>((value) => stepsOf([value]) !== undefined),
  v.transform((step) => stepsOf([step])?.[0] ?? step),
);

/** A steering vector. */
const VECTOR = v.pipe(
  v.custom<KeptVector>((value) => keptVectorCheck(value) !== undefined),
  v.transform((vector) => keptVectorCheck(vector) ?? vector),
);
/** What a steering vector can be made of. */
export const STEERING_KINDS = ['texts', 'tokens', 'kept'] as const satisfies readonly SteeringSource['kind'][];

/** Settings shared by several views. */
const SHARED = {
  tab: v.fallback(v.picklist(TABS), 'tokens'),
  /** Whether the strip of tokens is folded to one line; null: where the panel is low. */
  stripFolded: v.fallback(v.nullable(v.boolean()), null),
  stripColour: v.fallback(v.picklist(STRIP_COLOURS), 'surprisal'),
  /** Index of the selected token. */
  selected: v.fallback(index, 0),
  layer: v.fallback(index, 0),
  head: v.fallback(index, 0),
  /** Whether the user has picked a layer or head; until then each text opens on its strongest head. */
  headChosen: v.fallback(v.boolean(), false),
  /** Whether the first token, an attention sink, is left out of attention maps and of the projection of the vectors. */
  hideFirst: v.fallback(v.boolean(), true),
  /** Whether details are open that the user has opened or closed; others are as their view opens them. */
  folds: v.fallback(FOLDED, {}),
  /** The user's notes on the explanation. */
  notes: v.fallback(NOTES, []),
};

const PATH = {
  /** Whether the path through the panel is shown, at which station, and the stations whose task is done. */
  pathShown: v.fallback(v.boolean(), false),
  station: v.fallback(v.picklist(STATIONS), 'tokens'),
  stationsDone: v.fallback(v.array(v.picklist(STATIONS)), []),
};

const TOKENS = {
  /** What a row of the table stands for. */
  tableUnit: v.fallback(v.picklist(TABLE_UNITS), 'token'),
  tableSort: v.fallback(v.object({ column: v.picklist(TABLE_COLUMNS), descending: v.boolean() }), { column: 'index', descending: false }),
  /** Filter of the rows: a text that they hold, a token's id, and their least bits. Empty, null and 0: all rows. */
  tableText: v.fallback(WORD, ''),
  tableId: v.fallback(v.nullable(integer(0, 1e9)), null),
  tableBits: v.fallback(number(0, 1e6), 0),
  /** Whether the details are shown: bytes and ids of each row, and what the text counts beside its tokens and words. */
  tableDetails: v.fallback(v.boolean(), false),
};

const ATTENTION = {
  /** Score shown in the overview on the text. */
  metric: v.fallback(v.picklist(HEAD_METRICS), 'previous'),
  /** Input on which the overview measures heads: the text, or repeated random tokens. */
  headsOn: v.fallback(v.picklist(['text', 'repeated']), 'text'),
  /** Score shown in the overview on repeated tokens. */
  repeatedScore: v.fallback(v.picklist(REPEATED_SCORES), 'induction'),
  /** What of the chosen head's attention is shown. */
  headMeasure: v.fallback(v.picklist(HEAD_MEASURES), 'weights'),
  /** Whether colours of attention weights are on a logarithmic scale. */
  logScale: v.fallback(v.boolean(), false),
  /** What the editor shows of the attention of its cursor's token. */
  editorAttention: v.fallback(v.picklist(ATTENTION_KINDS), 'mean'),
  /** Cell of the map whose arithmetic stays shown. Null: the cell follows the pointer and the selection. */
  locked: v.fallback(v.nullable(CELL), null),
};

const EMBEDDINGS = {
  embeddingView: v.fallback(v.picklist(EMBEDDING_VIEWS), 'map'),
  /** Place in the residual stream: -1 the static embedding, 0 the input of the first block, i after the first i blocks. */
  embeddingLayer: v.fallback(integer(-1, 1e6), -1),
  dimensions: v.fallback(v.picklist([2, 3]), 2),
  /** Radians. */
  yaw: v.fallback(number(-1e3, 1e3), 0.6),
  pitch: v.fallback(number(-2, 2), 0.4),
  /** Frame in which all views compare vectors: minus their mean, or as stored. */
  frame: v.fallback(v.picklist(['centred', 'stored']), 'centred'),
  /** Word whose neighbours are shown; empty: the selected token. */
  neighbourWord: v.fallback(WORD, ''),
  /** a, b and c of a - b + c. Null: the example of the display language. */
  arithmetic: v.fallback(v.nullable(v.tuple([WORD, WORD, WORD])), null),
  /** Words to draw, separated by white space. Null: the example. */
  wordSet: v.fallback(v.nullable(TYPED), null),
  /** Where the word is looked up: twice in the explained text, or once in each of two typed texts. */
  contextIn: v.fallback(v.picklist(['text', 'typed']), 'text'),
  /** The two typed texts. Null: the example. */
  contextTexts: v.fallback(v.nullable(v.tuple([TYPED, TYPED])), null),
  /** Token compared, and its positions in the two texts. Null: chosen by `validPick`. */
  contextPick: v.fallback(v.nullable(PICK), null),
  /** Index of the reading chosen for each typed word; absent: the first. */
  readings: v.fallback(READINGS, {}),
};

const POSITIONS = {
  /** Key whose rotation is compared with that of the selected query; null: the token before it. */
  positionKey: v.fallback(v.nullable(index), null),
  /** Dimensions and positions of the table of the sinusoidal formula. */
  sinusoidDim: v.fallback(integer(2, 512), 64),
  sinusoidLength: v.fallback(integer(2, 512), 128),
};

/** Settings of the predictions, with which Generate samples too. */
const SAMPLING = {
  temperature: v.fallback(number(0, MAX_TEMPERATURE), 0.8),
  /** 0: off. */
  topK: v.fallback(integer(0, 1e9), 0),
  /** 1: off. */
  topP: v.fallback(number(0, 1), 0.95),
  /** 0: off. */
  minP: v.fallback(number(0, 1), 0),
  lensColour: v.fallback(v.picklist(LENS_COLOURS), 'probability'),
  lensRows: v.fallback(v.picklist(LENS_ROWS), 'blocks'),
  /** What colours the lens of what steps add: the token raised most, or the one that follows. */
  addedColour: v.fallback(v.picklist(ADDED_COLOURS), 'raised'),
};

const GENERATE = {
  /** Whether generation always takes the likeliest token instead of sampling with the settings above. */
  greedy: v.fallback(v.boolean(), false),
  seed: v.fallback(integer(0, Number.MAX_SAFE_INTEGER), 0),
  /** Largest length of a branch, in tokens. */
  newTokens: v.fallback(integer(1, MAX_NEW_TOKENS), 64),
  /** Whether generation goes on after an end-of-sequence token. */
  pastEnd: v.fallback(v.boolean(), false),
};

const WHY = {
  /** Token asked about after a position, and the one it is compared with; null: none. Null as a whole: the first of the candidates. */
  whyAsked: v.fallback(
    v.nullable(v.object({ position: index, token: index, rival: v.nullable(index), texts: v.optional(v.tuple([WORD, WORD])) })),
    null,
  ),
  /** The span whose words are shown: the text's tokens after the positions `position` to `end`; null: the token asked about. */
  whySpan: v.fallback(v.nullable(v.object({ position: index, end: index })), null),
  /** Interventions on the model, those that are off too. */
  recipe: v.fallback(v.array(v.object({ step: STEP_OF_RECIPE, on: v.boolean() })), []),
  /** What steers: a vector made of texts or tokens, or one that is kept. */
  steerBy: v.fallback(v.picklist(STEERING_KINDS), 'texts'),
  /** Steering vectors that are kept, each under a name of its own, and the name of the chosen one. */
  vectors: v.fallback(v.array(VECTOR), []),
  vector: v.fallback(TYPED, ''),
  /** How it is measured what each word counts. */
  whyMethod: v.fallback(v.picklist(ATTRIBUTION_METHODS), 'gradient-x-input'),
  /** Unit by which the words' numbers are added up. */
  whyUnit: v.fallback(v.picklist(TEXT_UNITS), 'token'),
};

const INSIDE = {
  /** Layer whose experts are shown. */
  expertLayer: v.fallback(index, 0),
  /** Step of the forward pass that is shown. */
  pathStep: v.fallback(STEP, 'embedding'),
  /** Index of the expert shown inside, among those chosen for the token. */
  pathExpert: v.fallback(index, 0),
};

const COMPARE = {
  /** What is taken from the second text, cell by cell. */
  patchGrid: v.fallback(v.picklist(PATCH_GRIDS), 'residual'),
};

/**
 * Every setting once, grouped by view: its type, its initial value, and which values kept by an earlier page are accepted. One flat object,
 * here and as kept: views share some settings, and what earlier pages kept stays readable.
 */
const SETTINGS = v.object({
  ...SHARED,
  ...PATH,
  ...TOKENS,
  ...ATTENTION,
  ...EMBEDDINGS,
  ...POSITIONS,
  ...SAMPLING,
  ...GENERATE,
  ...INSIDE,
  ...WHY,
  ...COMPARE,
});

/** The user's choices of what to show and how. They survive hiding and reloading the panel, and hold no data of the model. */
export type Settings = Readonly<v.InferOutput<typeof SETTINGS>>;
/** Cell of an attention map, by token indices. */
export type Cell = Readonly<v.InferOutput<typeof CELL>>;
/** Token compared in the context view. */
export type ContextPick = Readonly<v.InferOutput<typeof PICK>>;

/** Settings of a page that has kept none. */
export const INITIAL_SETTINGS: Settings = v.parse(SETTINGS, {});

/** Settings kept by an earlier page; anything missing, unknown or out of range becomes the initial value. */
export function parseSettings(kept: unknown): Settings {
  if (!isRecord(kept)) return INITIAL_SETTINGS;
  const settings = v.parse(SETTINGS, kept);
  // Pages older than this setting: any head but the first had been picked by the user.
  const pointed = typeof kept['headChosen'] === 'boolean' ? kept['headChosen'] : settings.layer > 0 || settings.head > 0;
  return { ...settings, headChosen: pointed };
}

/** Settings clamped to what the explanation has: a smaller model or a shorter text may follow a larger one. */
export function withinModel(settings: Settings, { model, tokens }: Explanation): Settings {
  const { locked, positionKey } = settings;
  const routed = expertLayers(model);
  // An engine does not tell its model's sizes: what is chosen stays for a model here.
  const sized =
    model.served !== undefined
      ? {}
      : {
          layer: clamp(settings.layer, 0, model.layers - 1),
          head: clamp(settings.head, 0, model.heads - 1),
          embeddingLayer: clamp(settings.embeddingLayer, -1, model.layers),
          topK: clamp(settings.topK, 0, model.vocab),
        };
  return {
    ...settings,
    ...sized,
    tab: settings.tab === 'experts' && routed.length === 0 ? INITIAL_SETTINGS.tab : settings.tab,
    expertLayer: routed.includes(settings.expertLayer) ? settings.expertLayer : (routed[0] ?? 0),
    selected: clamp(settings.selected, 0, tokens.length - 1),
    locked: locked !== null && locked.query < tokens.length && locked.key < tokens.length ? locked : null,
    positionKey: positionKey !== null && positionKey < tokens.length ? positionKey : null,
  };
}

function isFold(name: string): name is FoldName {
  return FOLDS.some((fold) => fold === name) || (name.startsWith('stage-') && isStageName(name.slice('stage-'.length)));
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

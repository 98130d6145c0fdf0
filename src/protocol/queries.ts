import type { Architecture } from '../core/architecture.ts';
import type { AttentionChoice, AttentionRows } from '../core/attentionRows.ts';
import {
  ATTRIBUTION_METHODS,
  LEAVE_ONE_OUT,
  SPAN_METHODS,
  type Attribution,
  type LeftOut,
  type SpanAttribution,
} from '../core/attribution.ts';
import type { OtherRows } from '../core/comparison.ts';
import type { CopyLoss } from '../core/copyLoss.ts';
import type { DeletionCurve } from '../core/deletion.ts';
import type { DirectParts, DirectSources } from '../core/directParts.ts';
import type { FileMark } from '../core/fileMark.ts';
import { isStageName, type ForwardPath, type StageName, type WeightedSum } from '../core/forwardPath.ts';
import type { PartScores } from '../core/fileScores.ts';
import type { GenerationStep } from '../core/generation.ts';
import { PATCH_GRIDS, type PatchedCells, type PatchEstimate } from '../core/patchGrid.ts';
import type { PositionView } from '../core/positions.ts';
import type { EdgeCuts, HeadGradient, HeadMap } from '../core/headMeasures.ts';
import type { RepeatedHeads } from '../core/repeatedTokens.ts';
import type * as trace from '../core/trace.ts';
import type * as vectors from '../core/vectors.ts';
import type { SteeredTokens } from '../core/run.ts';
import { MOST_SERVED, type ServedGeneration } from '../core/servedGeneration.ts';
import { STEERING_READS, type KeptVector, type SteeringSource } from '../core/steering.ts';
import type { SteeringTrial } from '../core/steeringTrial.ts';
import type { HeadReads, TokenFlow } from '../core/tokenFlow.ts';
import type { WhatIf } from '../core/whatIf.ts';
import { isRecord } from '../core/records.ts';
import { count, either, fields, flag, list, number, oneOf, orNull, text, whole, type Check, type Checked, type Checks } from './checks.ts';

// Every question that can be asked about a run, a line each. The table determines by types who may ask, how arguments are checked, how
// many answers are kept and what an answer is. `src/analysis/answers.ts` answers; the panel's views and the host ask.

// Limits of a question's arguments, so that each can be answered quickly.
const MAX_WORDS = 64;
const MAX_WORD_UNITS = 200;
const MAX_TEXT_UNITS = 20_000;
/** Longest text that is given twice, in UTF-16 units, and most heads that are off meanwhile. */
const MAX_COPY_UNITS = 2000;
const MAX_HEADS = 4096;
const MAX_TERMS = 16;
const MAX_TERM_IDS = 256;
const MAX_WEIGHT = 1000;
/** Most candidates or neighbours listed in an answer. */
const MAX_NAMED = 200;
/** Neighbours that the panel lists, and tokens that it tells a head to read most. */
export const NEIGHBOURS = 15;
export const KEYS_TOLD = 3;
/** Most tokens of a text that is given by its ids. */
const MAX_TEXT_IDS = 131_072;
/** Most generated tokens, which is more than any model's context. */
const MAX_GENERATED = 1 << 20;
/** Most cells of a patch grid. */
const MAX_CELLS = 1 << 22;
const MAX_ID = 2 ** 31 - 1;
/** Most texts of a side of steering, and largest strength. */
const MAX_TEXTS = 64;
const MAX_STRENGTH = 100;
/** Most steps of generation in one answer. */
const MAX_STEPS = 64;

/** A place in the residual stream; -1: the static embedding. */
const place = whole(-1);
const named = whole(1, MAX_NAMED);
/** How many of something that there is at least one of. */
const some = whole(1);
const frame: Check<vectors.VectorFrame> = oneOf(['centred', 'stored']);
const weight: Check<number> = (value) => (Math.abs(number(value) ?? Infinity) <= MAX_WEIGHT ? number(value) : undefined);
const vector: Check<vectors.TableVector> = list(fields({ ids: list(count, MAX_TERM_IDS, 1), weight }), MAX_TERMS, 1);
/** One token of a text: `ids` are the text's token ids; null: the run's text. */
const token = fields({ ids: orNull(list(count, MAX_TEXT_IDS, 1)), token: count });
const stage: Check<StageName> = (value) => (isStageName(value) ? value : undefined);
/** A token inside a layer, in detail for one head and, where there are experts, for number `expert` of those it was routed to. */
const inside = { token: count, layer: count, head: count, expert: count };
/** A logit, less that of a rival; null: of the token alone. */
export const logit = { position: count, token: count, rival: orNull(count) };
/** What is put into a run from a clean text, given by its ids. */
const patched = { clean: list(count, MAX_TEXT_IDS, 1), grid: oneOf(PATCH_GRIDS) };
/** Texts of a side of steering. */
const texts = list(text(MAX_TEXT_UNITS), MAX_TEXTS, 1);
const steered: Check<SteeredTokens> = oneOf(['all', 'prompt', 'generated']);
/** Most layers that a vector is for, most numbers of one, and longest name. */
const MAX_LAYERS = 1024;
const MAX_DIM = 100_000;
const MAX_NAME = 4096;
const layerVectors = list(fields({ layer: count, values: list(number, MAX_DIM, 1) }), MAX_LAYERS, 1);
/** What a steering vector is made of. */
const steeringSource: Check<SteeringSource> = either(
  fields({ kind: oneOf(['texts'] as const), positive: texts, negative: texts, read: oneOf(STEERING_READS) }),
  fields({ kind: oneOf(['tokens'] as const), token: count, rival: orNull(count) }),
  fields({ kind: oneOf(['kept'] as const), name: text(MAX_NAME), directions: layerVectors }),
);
const said: Check<string> = (value) => (typeof value === 'string' && value.length <= MAX_NAME ? value : undefined);
/** Checks a control vector in plain numbers. */
export const keptVectorCheck: Check<KeptVector> = fields({ name: said, description: said, family: said, directions: layerVectors });
const strength: Check<number> = (value) => (Math.abs(number(value) ?? Infinity) <= MAX_STRENGTH ? number(value) : undefined);
const step = {
  /** Ids generated after the run's tokens. */
  continuation: list(whole(0, MAX_ID), MAX_GENERATED),
  sampling: fields({ temperature: number, topK: number, topP: number, minP: number }),
  seed: count,
  topK: whole(0, MAX_NAMED),
};

/** Checks the ids of generated tokens. */
export const generatedIds = step.continuation;

/**
 * All questions by name: arguments with their checks, the type of the answer, and `kept`, the number of answers that the panel keeps.
 */
export const QUESTIONS = {
  /**
   * Numbers and pictures of all heads of the layers from this one on: of as many as are measured in a short while, so that each is
   * shown when it is known, and other questions are answered in between. Not kept: the page puts them together.
   */
  heads: question<trace.HeadSummaries>()({ layer: count }, { kept: 0 }),
  attention: question<trace.AttentionMap>()({ layer: count, head: count }, { kept: 12 }),
  attentionPicture: question<trace.AttentionPicture>()({ layer: count, head: count }, { kept: 24 }),
  attentionRow: question<trace.AttentionRow>()({ layer: count, head: count, query: count }, { kept: 256 }),
  attentionCell: question<trace.AttentionCell>()({ layer: count, head: count, query: count, key: count }, { kept: 64 }),
  /**
   * The effective attention of a layer that has no attention weights: one of its maps, derived from its own numbers. Throws UserError for a
   * layer that has attention weights.
   */
  effectiveAttention: question<HeadMap>()({ layer: count, map: count }, { kept: 12 }),
  /** The length of what each query takes from each key in one head: weight times value through the output projection. */
  weightedValues: question<HeadMap>()({ layer: count, head: count }, { kept: 8 }),
  /** One head's weights times the gradient of a logit (difference) by them. Throws UserError for a token outside the vocabulary. */
  weightGradients: question<HeadGradient>()({ ...logit, layer: count, head: count }, { kept: 8 }),
  /**
   * How a logit (difference) changes when `query` does not see one of `keys`, all before it, in one head: of as many as are measured in a
   * short while. Not kept: the page puts them together.
   */
  edgeCuts: question<EdgeCuts>()({ ...logit, layer: count, head: count, query: count, keys: list(count, MAX_TEXT_IDS, 1) }, { kept: 0 }),
  /**
   * Scores of all heads on one sequence of random tokens given twice; `sequence` counts from 0. Sequences are asked for one by one, so that
   * a long scoring can stop between two.
   */
  repeatedHeads: question<RepeatedHeads>()({ sequence: count }, { kept: 8 }),
  /** The loss on both copies of a text given twice, with these heads off. Throws UserError for a text that is too short or too long. */
  copyLoss: question<CopyLoss>()(
    { text: text(MAX_COPY_UNITS), heads: list(fields({ layer: count, head: count }), MAX_HEADS) },
    { kept: 32 },
  ),
  experts: question<trace.ExpertRouting>()({ layer: count }, { kept: 64 }),
  latent: question<trace.LatentVector>()({ layer: count, token: count }, { kept: 256 }),
  /** `skipFirst`: whether to compute the components without the first token. */
  projection: question<trace.Projection>()({ layer: place, skipFirst: flag }, { kept: 512 }),
  /** A window of the grid of layers by positions: what is on screen is asked for, in pieces. */
  lens: question<trace.LensWindow>()({ layer: count, layers: some, position: count, positions: some }, { kept: 1024 }),
  /**
   * The same with attention and MLP apart: row 0 is the first block's input, 2 i + 1 what is there after attention of block i, 2 i + 2
   * after its MLP.
   */
  lensSteps: question<trace.LensWindow>()({ layer: count, layers: some, position: count, positions: some }, { kept: 1024 }),
  /** What each step of a block points to by itself. Throws UserError for a model in which a norm follows what a block adds. */
  lensAdded: question<trace.AddedWindow>()({ layer: count, layers: some, position: count, positions: some }, { kept: 1024 }),
  distribution: question<trace.Distribution>()({ position: count }, { kept: 8 }),
  /** What a logit (difference) is the sum of. Throws UserError for a token outside the vocabulary. */
  direct: question<DirectParts>()(logit, { kept: 32 }),
  /** One head's part of it, by source token. */
  directSources: question<DirectSources>()({ ...logit, layer: count, head: count }, { kept: 128 }),
  /** The model's parts with their sizes. */
  architecture: question<Architecture>()({}, { kept: 1 }),
  /** The lengths of some tokens' residual on their way, and of what each step adds. */
  tokenFlow: question<TokenFlow>()({ position: count, positions: some }, { kept: 256 }),
  /**
   * What every head of a layer brings to a token, and the `most` tokens that each reads most. Throws UserError for a layer without
   * attention weights, or with gates behind its heads.
   */
  headReads: question<HeadReads>()({ layer: count, token: count, most: whole(1, MAX_NAMED) }, { kept: 512 }),
  forwardPath: question<ForwardPath>()(inside, { kept: 24 }),
  /** The weighted sum that gives number `index` of a stage on that path. */
  weightedSum: question<WeightedSum>()({ ...inside, stage, index: count }, { kept: 256 }),
  /**
   * How much each token of the text counts for the logit of `token` after `position`, less that of `rival` where there is one. Throws
   * UserError for tokens outside the vocabulary and for a rival that is the token.
   */
  attribution: question<Attribution>()({ ...logit, method: oneOf(ATTRIBUTION_METHODS) }, { kept: 64 }),
  /** The same for the log-probabilities, added up, of the text's own tokens after the positions `position` to `end`. */
  spanAttribution: question<SpanAttribution>()({ position: count, end: count, method: oneOf(SPAN_METHODS) }, { kept: 32 }),
  /**
   * What the same logit loses without each of `units`, tokens `first` to `end` - 1 left out together, measured by running the model again:
   * of as many of them, in their order, as are done in a short while. Not kept: the page puts them together.
   */
  leftOut: question<LeftOut>()(
    { ...logit, method: oneOf(LEAVE_ONE_OUT), units: list(fields({ first: count, end: some }), MAX_TEXT_IDS, 1) },
    { kept: 0 },
  ),
  /**
   * How the log-probability of `token` after `position` falls as `words`, each given by its tokens' positions, are hidden from all later
   * tokens, the first of them first.
   */
  deletion: question<DeletionCurve>()(
    { position: count, token: count, words: list(list(count, MAX_TEXT_IDS, 1), MAX_TEXT_IDS) },
    { kept: 16 },
  ),
  /** The same for the log-probabilities, added up, of the text's own tokens after the positions `position` to `end`. */
  spanDeletion: question<DeletionCurve>()(
    { position: count, end: count, words: list(list(count, MAX_TEXT_IDS, 1), MAX_TEXT_IDS) },
    { kept: 16 },
  ),
  /**
   * What the run's interventions do to a prediction, with `count` candidates of each side. Throws UserError for tokens outside the
   * vocabulary.
   */
  whatIf: question<WhatIf>()({ ...logit, count: named }, { kept: 16 }),
  /**
   * What each part of a clean text, put in its place in the run, would restore of the logit difference: the gradient's estimate of all
   * cells. `clean`: that text's ids. Throws UserError for texts that cannot be aligned or that predict alike.
   */
  patch: question<PatchEstimate>()({ ...logit, ...patched }, { kept: 16 }),
  /**
   * The same measured, of `cells` in their order (layer * columns + column): of as many as are done in a short while. Not kept: the page
   * puts them together.
   */
  patchCells: question<PatchedCells>()({ ...logit, ...patched, cells: list(count, MAX_CELLS, 1) }, { kept: 0 }),
  /**
   * What follows the text when vectors are added, beside the model as it is and random vectors as long. Of texts or tokens one is made, at
   * `layer`, as long as the text's residual there, times the strength; kept ones have layers of their own. `count` candidates of each
   * side, `tokens` generated. Throws UserError where a vector is zero, or does not fit the model.
   */
  steer: question<SteeringTrial>()(
    {
      source: steeringSource,
      layer: count,
      strength,
      on: steered,
      count: named,
      tokens: whole(0, MAX_STEPS),
    },
    { kept: 8 },
  ),
  /** How positions enter a layer, shown on one query and key of a head. */
  positions: question<PositionView>()({ layer: count, head: count, query: count, key: count }, { kept: 24 }),
  /** Tokens of a text typed in the panel. */
  readText: question<vectors.TextReading>()({ text: text(MAX_TEXT_UNITS) }, { kept: 32 }),
  /** Tokenizations of each typed word. */
  words: question<vectors.Words>()({ texts: list(text(MAX_WORD_UNITS), MAX_WORDS, 1) }, { kept: 256 }),
  neighbours: question<vectors.Neighbours>()({ vector, frame, count: named }, { kept: 256 }),
  vectorMap: question<vectors.VectorMap>()({ vectors: list(vector, MAX_WORDS, 1), frame }, { kept: 64 }),
  lensTop: question<vectors.LensTop>()({ layer: count, token: count, count: named }, { kept: 512 }),
  similarity: question<vectors.Similarity>()({ layer: place, frame }, { kept: 8 }),
  wordByLayer: question<vectors.WordByLayer>()({ first: token, second: token, frame }, { kept: 64 }),
  /**
   * One step of generation: the token after the run's and `continuation`. Only tokens whose keys and values are not cached are run.
   * Throws UserError for invalid settings or seed, and if the ids fill the model's context.
   */
  step: question<GenerationStep>()({ ...step, attention: flag }, { kept: 4 }),
  /**
   * Consecutive steps of generation after `continuation`: as many as a short time allows, at most `most`. The panel keeps no answer, since
   * each step reports the time it took.
   */
  steps: question<{ readonly steps: readonly GenerationStep[] }>()({ ...step, pastEnd: flag, most: whole(0, MAX_STEPS) }, { kept: 0 }),
  /** The same of the model as it is, without the run's interventions. */
  plainSteps: question<{ readonly steps: readonly GenerationStep[] }>()({ ...step, pastEnd: flag, most: whole(0, MAX_STEPS) }, { kept: 0 }),
  /**
   * What the engine that serves the model writes after the text, and after what was written before (null: nothing), by its own sampling.
   * Throws UserError for a model on this machine.
   */
  servedGeneration: question<ServedGeneration>()(
    {
      written: orNull(text(MAX_TEXT_UNITS)),
      sampling: step.sampling,
      seed: step.seed,
      tokens: whole(1, MOST_SERVED),
      alternatives: whole(0, MAX_NAMED),
    },
    { kept: 0 },
  ),
  /** Text of tokens that continue the run's; part of a character at either end shows as U+FFFD. */
  textOf: question<{ readonly text: string }>()({ ids: generatedIds }, { kept: 64 }),
  /** The control vector in the bytes of a file. Throws UserError where it is none, or does not fit the model. */
  readVector: hostQuestion<{ readonly file: string; readonly bytes: Uint8Array }, KeptVector>(),
  /** The bytes of a control-vector file. Throws UserError for a layer that the format has no direction for. */
  vectorFile: hostQuestion<{ readonly vector: KeptVector }, { readonly bytes: Uint8Array }>(),
  /** A key that is equal for models whose token ids mean the same. */
  vocabularyKey: hostQuestion<Readonly<Record<string, never>>, string>(),
  /** By what the model's files of weights are known again. */
  fileMarks: hostQuestion<Readonly<Record<string, never>>, readonly FileMark[]>(),
  /**
   * Rows of attention of tokens `from` to `to` (exclusive): as many of them, from the first on, as one message holds or are done in a
   * short while.
   */
  attentionRows: hostQuestion<AttentionChoice & { readonly from: number; readonly to: number }, AttentionRows>(),
  /** Scores of tokens `from` (at least 1) to `to` - 1 of the run, which is a window of a longer text. */
  scores: hostQuestion<{ readonly from: number; readonly to: number }, PartScores>(),
  /** Logits [N, vocab] after these positions. */
  logits: hostQuestion<{ readonly positions: Int32Array }, { readonly logits: Float32Array }>(),
  /** KL(own || other) [N] in bits, of the next-token distributions after the positions. */
  divergence: hostQuestion<{ readonly positions: Int32Array; readonly other: OtherRows }, { readonly bits: Float32Array }>(),
};

type Table = typeof QUESTIONS;
/** Name of a question. */
export type QueryName = keyof Table;
type Types = { readonly [Name in QueryName]: NonNullable<Table[Name]['types']> };
/** Arguments of a question. */
export type QueryArgs<Name extends QueryName> = Types[Name]['args'];
/** Answer to a question. */
export type QueryResult<Name extends QueryName> = Types[Name]['result'];

/** Name of a question that the page may ask; the others are for the host alone. */
export type PageQueryName = { [Name in QueryName]: Table[Name] extends { readonly check: unknown } ? Name : never }[QueryName];

/** A question from the page, with its arguments. */
export type Query = { [Name in PageQueryName]: { readonly name: Name; readonly args: QueryArgs<Name> } }[PageQueryName];

/** `value` as a question from the page, without fields that `QUESTIONS` does not name, or undefined if it is not one. */
export function parseQuery(value: unknown): Query | undefined {
  if (!isRecord(value)) return undefined;
  const { name } = value;
  if (typeof name !== 'string' || !isPageQuery(name)) return undefined;
  const args = QUESTIONS[name].check(value['args']);
  return args === undefined ? undefined : ({ name, args } as Query);
}

/** A key that is equal for equal questions, about the same side of a comparison. */
export function questionKey({ name, args }: Query, side?: 'second'): string {
  return name + JSON.stringify(args) + (side ?? '');
}

/** Most answers to one question that the panel keeps for a user who steps back: few of the large maps and distributions. */
export function answersKept(name: PageQueryName): number {
  return QUESTIONS[name].kept;
}

function isPageQuery(name: string): name is PageQueryName {
  return Object.hasOwn(QUESTIONS, name) && 'check' in QUESTIONS[name as QueryName];
}

/** Carries the types of a question's arguments and answer; no value has the field. */
interface Phantom<Args, Result> {
  readonly types?: { readonly args: Args; readonly result: Result };
}

interface PageQuestion<Args, Result> extends Phantom<Args, Result> {
  readonly check: Check<Args>;
  readonly kept: number;
}

/** A question that the page may ask, with a check for each argument. Called in two steps, so that the types of the checks are inferred. */
function question<Result>() {
  return <Shape extends Checks>(shape: Shape, { kept }: { readonly kept: number }): PageQuestion<Checked<Shape>, Result> => ({
    check: fields(shape),
    kept,
  });
}

/** A question for the host alone. */
function hostQuestion<Args, Result>(): Phantom<Args, Result> {
  return {};
}

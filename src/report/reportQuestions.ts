import { ATTRIBUTION_METHODS, leavesOneOut } from '../core/attribution.ts';
import type { LogitQuestion } from '../core/directParts.ts';
import { effectiveMaps, hasAttention } from '../core/recurrence.ts';
import type { Explanation } from '../core/trace.ts';
import { KEYS_TOLD, NEIGHBOURS, type Query } from '../protocol/queries.ts';

/**
 * What can go into a report besides the tokens and their predictions:
 * - `attention`: numbers and pictures of all heads, and their weights;
 * - `lens`: what the residual stream would predict after every block and step, and the chosen tokens' whole distributions;
 * - `vectors`: projections, cosines, and the chosen tokens' neighbours;
 * - `positions`: how positions enter each layer, for the chosen tokens;
 * - `forward`: the forward pass of the chosen tokens, step by step;
 * - `why`: where the predictions after the chosen tokens come from.
 */
export const REPORT_PARTS = ['attention', 'lens', 'vectors', 'positions', 'forward', 'why'] as const;
/** Name of what can go into a report. */
export type ReportPart = (typeof REPORT_PARTS)[number];

/** What goes into a report. */
export interface ReportChoice {
  readonly parts: readonly ReportPart[];
  /** The tokens of which everything is kept. */
  readonly tokens: readonly number[];
  /** The layer, the head and the place in the residual stream that are kept where not all are. */
  readonly layer: number;
  readonly head: number;
  readonly embeddingLayer: number;
}

/** Most bytes of all heads' weights, and of their pictures, that are kept; of longer texts the chosen head's are. */
const MOST_WEIGHTS = 2_000_000;
const MOST_PICTURES = 4_000_000;
/** Most bytes of all layers' cosines in one frame. */
const MOST_COSINES = 100_000;
/** Most answers of one kind about single heads, and about single tokens. */
const MOST_OF_HEADS = 400;
const MOST_OF_TOKENS = 4096;
/** Longest text that is run again without each of its tokens. */
const MOST_LEFT_OUT = 32;
/** Candidates that Why lists on each side of what interventions change. */
const CANDIDATES = 5;

/** A question about one side of what is shown. */
export interface SidedQuery {
  readonly query: Query;
  readonly side?: 'second';
}

/** A layer with a head of it. */
interface Head {
  readonly layer: number;
  readonly head: number;
}

/** What of a text is asked about. */
interface Asked {
  readonly explanation: Explanation;
  readonly choice: ReportChoice;
  /** All heads of layers that have attention weights. */
  readonly heads: readonly Head[];
}

/**
 * The questions whose answers make up a report: those that the panel's views ask about this text. A head's strongest weights are known
 * only once its rows are: see `cellQuestions`. About a text that an engine has read only what it told of experts is asked: what it returned
 * is all there is.
 */
export function reportQuestions(explanation: Explanation, choice: ReportChoice): readonly Query[] {
  const { served } = explanation.model;
  if (served !== undefined) return (served.routing?.layers ?? []).map((layer) => ({ name: 'experts', args: { layer } }));
  const asked: Asked = { explanation, choice, heads: headsOf(explanation) };
  const parts: Readonly<Record<ReportPart, (asked: Asked) => readonly Query[]>> = {
    attention: attentionQuestions,
    lens: lensQuestions,
    vectors: vectorQuestions,
    positions: positionQuestions,
    forward: forwardQuestions,
    why: whyQuestions,
  };
  return [...modelQuestions(asked), ...REPORT_PARTS.filter((part) => choice.parts.includes(part)).flatMap((part) => parts[part](asked))];
}

/** Questions about how the strongest weight of each of these rows came about. */
export function cellQuestions(cells: readonly (Head & { readonly query: number; readonly key: number })[]): readonly Query[] {
  return cells.map((args) => ({ name: 'attentionCell', args }));
}

/**
 * Questions that the comparison of two sides asks: the attention of the same head, and of the other side's heads all where they are small.
 */
export function comparisonQuestions(first: Explanation, second: Explanation, choice: ReportChoice): readonly SidedQuery[] {
  if (!choice.parts.includes('attention') || (first.model.served ?? second.model.served) !== undefined) return [];
  const shared = {
    layer: Math.min(choice.layer, first.model.layers - 1, second.model.layers - 1),
    head: Math.min(choice.head, first.model.heads - 1, second.model.heads - 1),
  };
  const heads = headsOf(second);
  const kept = areWhole(heads, second) ? heads : heads.filter(({ layer, head }) => layer === shared.layer && head === shared.head);
  return [
    ...(hasAttention(first.model, shared.layer) ? [{ query: { name: 'attention', args: shared } } as const] : []),
    ...kept.map((args) => ({ query: { name: 'attention', args }, side: 'second' }) as const),
  ];
}

/** All heads of layers that have attention weights. */
function headsOf({ model }: Explanation): readonly Head[] {
  return Array.from({ length: model.layers }, (_, layer) => layer)
    .filter((layer) => hasAttention(model, layer))
    .flatMap((layer) => Array.from({ length: model.heads }, (_, head) => ({ layer, head })));
}

/** Weights of one head: none is of a later token. */
function triangleOf({ tokens }: Explanation): number {
  return (tokens.length * (tokens.length + 1)) / 2;
}

/** Whether the weights of all of these heads are kept. */
function areWhole(heads: readonly Head[], explanation: Explanation): boolean {
  return heads.length * triangleOf(explanation) * 4 <= MOST_WEIGHTS;
}

/** About the model and every token: of a few numbers a layer and token. */
function modelQuestions({ explanation: { model, tokens } }: Asked): readonly Query[] {
  const routed = model.traits?.layers.flatMap(({ experts }, layer) => (experts === null ? [] : [layer])) ?? [];
  return [
    { name: 'architecture', args: {} },
    { name: 'tokenFlow', args: { position: 0, positions: tokens.length } },
    ...routed.map((layer): Query => ({ name: 'experts', args: { layer } })),
  ];
}

function attentionQuestions({ explanation, choice, heads }: Asked): readonly Query[] {
  const { model, tokens } = explanation;
  const triangle = triangleOf(explanation);
  const whole = areWhole(heads, explanation);
  const pictured = heads.length * triangle <= MOST_PICTURES;
  const chosen = heads.filter(({ layer, head }) => layer === choice.layer && head === choice.head);
  const kept = whole ? heads : chosen;
  const recurrent = Array.from({ length: model.layers }, (_, layer) =>
    Array.from({ length: effectiveMaps(model, layer) }, (__, map): Query => ({ name: 'effectiveAttention', args: { layer, map } })),
  ).flat();
  const reading = model.layers * tokens.length <= MOST_OF_TOKENS ? tokens.map(({ index }) => index) : choice.tokens;
  return [
    { name: 'heads', args: { layer: 0 } },
    ...kept.map((args): Query => ({ name: 'attention', args })),
    ...(whole || !pictured ? [] : heads.map((args): Query => ({ name: 'attentionPicture', args }))),
    ...(whole ? [] : heads.flatMap((one) => choice.tokens.map((query): Query => ({ name: 'attentionRow', args: { ...one, query } })))),
    ...(whole ? recurrent : []),
    ...reading.flatMap((token) => layersOf(heads).map((layer): Query => ({ name: 'headReads', args: { layer, token, most: KEYS_TOLD } }))),
  ];
}

function lensQuestions({ explanation: { model, tokens }, choice }: Asked): readonly Query[] {
  const { layers } = model;
  const all = { layer: 0, position: 0, positions: tokens.length };
  return [
    { name: 'lens', args: { ...all, layers: layers + 1 } },
    { name: 'lensSteps', args: { ...all, layers: 2 * layers + 1 } },
    { name: 'lensAdded', args: { ...all, layers: 2 * layers } },
    ...choice.tokens.map((position): Query => ({ name: 'distribution', args: { position } })),
  ];
}

function vectorQuestions({ explanation: { model, tokens }, choice }: Asked): readonly Query[] {
  const places = Array.from({ length: model.layers + 2 }, (_, index) => index - 1);
  const cosines = 4 * tokens.length ** 2;
  const similar = places.length * cosines <= MOST_COSINES ? places : [choice.embeddingLayer];
  const frames = ['centred', 'stored'] as const;
  const ids = [...new Set(choice.tokens.flatMap((token) => tokens[token]?.id ?? []))];
  return [
    ...places.flatMap((layer) => [true, false].map((skipFirst): Query => ({ name: 'projection', args: { layer, skipFirst } }))),
    ...similar.map((layer): Query => ({ name: 'similarity', args: { layer, frame: 'centred' } })),
    { name: 'similarity', args: { layer: choice.embeddingLayer, frame: 'stored' } },
    ...ids.flatMap((id) =>
      frames.map((frame): Query => ({ name: 'neighbours', args: { vector: [{ ids: [id], weight: 1 }], frame, count: NEIGHBOURS } })),
    ),
    ...choice.tokens.flatMap((token) =>
      places.filter((layer) => layer >= 0).map((layer): Query => ({ name: 'lensTop', args: { layer, token, count: NEIGHBOURS } })),
    ),
  ];
}

function positionQuestions({ explanation: { model }, choice, heads }: Asked): readonly Query[] {
  if (model.positions !== 'rotary' && model.positions !== 'alibi')
    return [{ name: 'positions', args: { layer: 0, head: 0, query: 0, key: 0 } }];
  return chosenHeads(heads, choice).flatMap((one) =>
    choice.tokens.map((query): Query => ({ name: 'positions', args: { ...one, query, key: Math.max(0, query - 1) } })),
  );
}

function forwardQuestions({ explanation: { model }, choice, heads }: Asked): readonly Query[] {
  const ofHeads = manyHeads(heads, choice);
  const others = Array.from({ length: model.layers }, (_, layer) => layer).filter((layer) => !hasAttention(model, layer));
  const places = [...ofHeads, ...others.map((layer) => ({ layer, head: 0 }))];
  return choice.tokens.flatMap((token) =>
    places.map(({ layer, head }): Query => ({ name: 'forwardPath', args: { token, layer, head, expert: 0 } })),
  );
}

function whyQuestions({ explanation, choice, heads }: Asked): readonly Query[] {
  const { tokens, run } = explanation;
  const methods = ATTRIBUTION_METHODS.filter((method) => tokens.length <= MOST_LEFT_OUT || !leavesOneOut(method));
  return choice.tokens.flatMap((position): readonly Query[] => {
    const logit = likelyQuestion(explanation, position);
    if (logit === null) return [];
    return [
      { name: 'direct', args: logit },
      ...methods.map((method): Query => ({ name: 'attribution', args: { ...logit, method } })),
      ...manyHeads(heads, choice).map((one): Query => ({ name: 'directSources', args: { ...logit, ...one } })),
      ...(run.recipe.length === 0 ? [] : [{ name: 'whatIf', args: { ...logit, count: CANDIDATES } } as const]),
    ];
  });
}

/**
 * What Why asks about a position until the user asks something else: why the text's next token (after the last one the likeliest), rather
 * than the likeliest other. Null: there are no candidates.
 */
export function likelyQuestion({ tokens, topK, topIds }: Explanation, position: number): LogitQuestion | null {
  const likely = Array.from(topIds.subarray(position * topK, (position + 1) * topK));
  const token = tokens[position + 1]?.id ?? likely[0];
  return token === undefined ? null : { position, token, rival: likely.find((id) => id !== token) ?? null };
}

/** All heads where they are few enough; else the chosen one of every layer. */
function manyHeads(heads: readonly Head[], choice: ReportChoice): readonly Head[] {
  return heads.length * Math.max(1, choice.tokens.length) <= MOST_OF_HEADS ? heads : chosenHeads(heads, choice);
}

/** The chosen head of every layer. */
function chosenHeads(heads: readonly Head[], { head }: ReportChoice): readonly Head[] {
  return heads.filter((one) => one.head === head);
}

function layersOf(heads: readonly Head[]): readonly number[] {
  return [...new Set(heads.map(({ layer }) => layer))];
}

/**
 * About how many bytes each part adds to a report's file, with the second side of a comparison where there is one: numbers hardly become
 * smaller, and signs of ASCII take a quarter more.
 */
export function aboutBytes(
  explanation: Explanation,
  choice: ReportChoice,
  second: Explanation | null,
): Readonly<Record<ReportPart, number>> {
  const { model, tokens } = explanation;
  const { layers, dim, vocab, heads, headDim } = model;
  const of = (part: ReportPart): readonly Query[] => reportQuestions(explanation, { ...choice, parts: [part] });
  const count = (part: ReportPart, name: Query['name']): number => of(part).filter((query) => query.name === name).length;
  const length = tokens.length;
  const triangle = triangleOf(explanation);
  const kept = { attention: 0, lens: 0, vectors: 0, positions: 0, forward: 0, why: 0 };
  kept.attention =
    count('attention', 'attention') * triangle * 4 + count('attention', 'attentionPicture') * triangle + layers * heads * length * 16;
  if (second !== null)
    kept.attention +=
      comparisonQuestions(explanation, second, { ...choice, parts: ['attention'] }).filter(({ side }) => side !== undefined).length *
      triangleOf(second) *
      4;
  kept.lens = (5 * layers + 2) * length * 30 + choice.tokens.length * vocab * 4;
  kept.vectors = 2 * (layers + 2) * length * 16 + count('vectors', 'similarity') * length ** 2 * 4;
  kept.positions = count('positions', 'positions') * headDim * 40;
  kept.forward = count('forward', 'forwardPath') * (headDim * 16 + length * 12) + choice.tokens.length * layers * dim * 80;
  kept.why = choice.tokens.length * (layers * heads * length * 4 + ATTRIBUTION_METHODS.length * length * 4);
  const packed = (bytes: number): number => Math.round(bytes * 0.87 * (16 / 13));
  return Object.fromEntries(REPORT_PARTS.map((part) => [part, packed(kept[part])])) as Readonly<Record<ReportPart, number>>;
}

import { rowProducts } from '../analysis/attributing.ts';
import type { Attribution, AttributionMethod, SpanAttribution, SpanQuestion } from '../core/attribution.ts';
import { meanLogprob } from '../core/deletion.ts';
import { at } from '../core/tensor.ts';
import { sumsOf, type TextUnit, type TokenRun } from '../core/textUnits.ts';
import type { Token } from '../core/trace.ts';
import type { UnembedStats } from '../model/languageModel.ts';
import type { Direct } from '../model/path/directCalls.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { Gradient, LogitTarget, Prediction } from '../model/run/gradientCalls.ts';
import { itemOf } from '../model/run/outputs.ts';
import type { NamedCurve } from './deletionOrders.ts';
import type { Opened } from './input.ts';
import { modelJson } from './jsonOutput.ts';
import type { WhyOptions } from './options.ts';
import type { Output } from './output.ts';
import { floats, writeEntries } from './safetensorsOutput.ts';

/** What is known of one prediction, or of several tokens together. */
export interface Causes {
  readonly trace: Trace;
  readonly gradient: Gradient;
  readonly attributions: readonly (Attribution | SpanAttribution)[];
  /** The units by which attributions are added up too; null: tokens alone. */
  readonly units: readonly TokenRun[] | null;
  /** By method that leaves one out, what one prediction loses without each unit as a whole; null: tokens alone, or a span. */
  readonly leftOut: ReadonlyMap<AttributionMethod, readonly number[]> | null;
  /** How the target fails by each order of hiding tokens; null: not asked for. */
  readonly deletion: readonly NamedCurve[] | null;
  readonly about: OnePrediction | Span;
}

interface OnePrediction {
  readonly kind: 'prediction';
  readonly target: LogitTarget;
  readonly direct: Direct;
  /** The likeliest tokens after the position, one at least. */
  readonly candidates: UnembedStats;
}

interface Span extends SpanQuestion {
  readonly kind: 'span';
  readonly predictions: readonly Prediction[];
  /** Of each prediction; their sum is the target. */
  readonly logprobs: readonly number[];
}

/**
 * Writes F32 tensors: target [1]; of one prediction direct.embedding [1], direct.heads [L, H], direct.mlp [L], with per-layer embeddings
 * direct.per_layer [L], with layers that keep a state direct.recurrence [L], and direct.rest [1], which
 * sum to it; grad.resid.0 .. [T, D], its gradient at the input of each block; attribution.NAME [T]. `recipe`: its JSON, for the file's
 * metadata.
 */
export async function writeWhySafetensors(output: Output, { about, gradient, attributions }: Causes, recipe: string | null): Promise<void> {
  await writeEntries(
    output,
    [
      ...(about.kind === 'span' ? [one('target', sumOf(about.logprobs))] : directEntries(about.direct)),
      ...gradient.resid.map(({ dims, data }, layer) => floats(`grad.resid.${layer}`, dims, data)),
      ...attributions.map(({ method, values }) => floats(`attribution.${method}`, [values.length], values)),
    ],
    recipe,
  );
}

function directEntries(direct: Direct) {
  const { target, embedding, layers } = direct;
  const heads = Float32Array.from(layers.flatMap((layer) => [...layer.heads]));
  const [perLayer, recurrence] = [perLayerOf(direct), recurrenceOf(direct)];
  return [
    one('target', target),
    one('direct.embedding', embedding),
    floats('direct.heads', [layers.length, heads.length / layers.length], heads),
    floats(
      'direct.mlp',
      [layers.length],
      Float32Array.from(layers, ({ mlp }) => mlp),
    ),
    ...(recurrence === null ? [] : [floats('direct.recurrence', [layers.length], Float32Array.from(recurrence))]),
    ...(perLayer === null ? [] : [floats('direct.per_layer', [layers.length], Float32Array.from(perLayer))]),
    one('direct.rest', restOf(direct)),
  ];
}

function one(name: string, value: number) {
  return floats(name, [1], Float32Array.of(value));
}

/**
 * Writes the same as JSON, with the text's tokens, the likeliest tokens, and sums. Of a gradient at a block's input, which has a number for
 * each of the residual's, its product with that input is listed, summed over a token's numbers. `top`: candidates listed at most; `by`: the
 * unit by which attributions are added up too; `more`: members after the model's.
 */
export async function writeWhyJson(
  output: Output,
  { model, tokens, reading }: Opened,
  causes: Causes,
  { top, by }: Pick<WhyOptions, 'top' | 'by'>,
  more: string,
): Promise<void> {
  const { trace, about, gradient, attributions, units, leftOut, deletion } = causes;
  const named = (id: number) => ({ id, text: reading.piece(id) });
  const head = {
    ...(about.kind === 'span' ? spanJson(about, named) : predictionJson(about, top, named)),
    gradientTimesInput: gradient.resid.map((resid, layer) => [...rowProducts(resid, itemOf(trace.resid, layer))]),
    ...(units === null ? {} : { units: unitsJson(by, units, tokens) }),
    attribution: attributions.map((attribution) => ({
      ...attributionJson(attribution),
      ...(units === null ? {} : { byUnit: leftOut?.get(attribution.method) ?? [...sumsOf(attribution.values, units)] }),
    })),
    ...(deletion === null ? {} : { deletion: deletion.map(curveJson) }),
  };
  const lines = tokens.map(({ index, id, text, start, end, special }) => JSON.stringify({ index, id, text, start, end, special }));
  await output.write(
    `{"model":${modelJson(model.info)}${more},\n"tokens":[\n${lines.join(',\n')}\n],\n${JSON.stringify(head).slice(1, -1)}}\n`,
  );
}

/** A token's id and text. */
type NamedToken = (id: number) => { readonly id: number; readonly text: string };

function predictionJson({ target, direct, candidates }: OnePrediction, top: number, named: NamedToken): object {
  const { position, token, rival } = target;
  return {
    position,
    token: named(token),
    rival: rival === undefined ? null : named(rival),
    target: direct.target,
    candidates: Array.from({ length: Math.min(top, candidates.topIds.length) }, (_, k) => ({
      ...named(at(candidates.topIds, k)),
      logit: at(candidates.topLogits, k),
      prob: Math.exp(at(candidates.topLogits, k) - at(candidates.logSumExp, 0)),
    })),
    direct: directJson(direct),
  };
}

function spanJson({ position, end, predictions, logprobs }: Span, named: NamedToken): object {
  return {
    position,
    end,
    span: predictions.map((one, index) => ({ index: one.position + 1, ...named(one.token), logprob: logprobs[index] })),
    target: sumOf(logprobs),
  };
}

function directJson(direct: Direct): object {
  const { embedding, layers } = direct;
  const heads = layers.map((layer) => [...layer.heads]);
  const mlp = layers.map((layer) => layer.mlp);
  const rest = restOf(direct);
  const [perLayer, recurrence] = [perLayerOf(direct), recurrenceOf(direct)];
  const sum = sumOf([embedding, ...heads.flat(), ...(recurrence ?? []), ...mlp, ...(perLayer ?? []), rest]);
  return { embedding, heads, ...(recurrence === null ? {} : { recurrence }), mlp, ...(perLayer === null ? {} : { perLayer }), rest, sum };
}

/** The units with the first and the last token of each. */
function unitsJson(by: TextUnit, units: readonly TokenRun[], tokens: readonly Token[]): object {
  return {
    by,
    list: units.map(({ first, end }) => {
      const own = tokens.slice(first, end);
      return { first, last: end - 1, text: own[0]?.special === true ? own[0].text : textOf(own) };
    }),
  };
}

/** The text that tokens cover, without those that were added. */
export function textOf(tokens: readonly Token[]): string {
  return new TextDecoder().decode(Uint8Array.from(tokens.flatMap(({ bytes, special }) => (special ? [] : bytes))));
}

function attributionJson({ method, values, completeness }: Attribution | SpanAttribution): object {
  return { method, values: [...values], sum: sumOf(values), completeness };
}

function curveJson({ order, curve }: NamedCurve): object {
  return { order, counts: [...curve.counts], logprob: [...curve.logprob], mean: meanLogprob(curve) };
}

/** What each layer makes of the token's vector for it; null: layers have none. */
function perLayerOf({ layers }: Direct): readonly number[] | null {
  return layers.some(({ perLayer }) => perLayer !== undefined) ? layers.map(({ perLayer = 0 }) => perLayer) : null;
}

/** What each layer puts out behind a state, 0 for one that keeps none; null: none keeps any. */
function recurrenceOf({ layers }: Direct): readonly number[] | null {
  return layers.some(({ recurrence }) => recurrence !== undefined) ? layers.map(({ recurrence = 0 }) => recurrence) : null;
}

/** All biases together: of the layers and of what follows them. */
function restOf({ layers, rest }: Direct): number {
  return sumOf([rest, ...layers.map((layer) => layer.rest)]);
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}

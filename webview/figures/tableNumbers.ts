// The numbers of tables as they are saved: exact, whole, and with the names of what they are of.
import { meanLogprob } from '../../src/core/deletion.ts';
import type { SizeComparison, SizedSpan, SizeFit } from '../../src/core/modelSizes.ts';
import type { SteeredCandidate } from '../../src/core/steeringTrial.ts';
import type { TableCell } from '../../src/core/tableText.ts';
import { at } from '../../src/core/tensor.ts';
import type { ChangedCandidate, WhatIf } from '../../src/core/whatIf.ts';
import type { Neighbours } from '../../src/core/vectors.ts';
import type { Difference, ShownSizes } from '../../src/protocol/messages.ts';
import type { Candidate } from './candidates.ts';
import { headNames, type CopyExperiment, type CopyRun } from './copyExperiment.ts';
import { spreadAt, type DeletionCurves } from './deletionCurves.ts';
import type { WaterfallStep } from './directWaterfall.ts';
import type { FigureData } from './figureData.ts';
import type { LayerFlow, LensCell } from './modelFlow.ts';
import type { Arithmetic } from './numberArithmetic.ts';

function table(columns: readonly string[], rows: readonly (readonly TableCell[])[]): FigureData {
  return { kind: 'table', columns, rows };
}

/** The likeliest next tokens: by the model, at the temperature, and after the filters. */
export function candidateNumbers(rows: readonly Candidate[]): FigureData {
  return table(
    ['id', 'text', 'logit', 'model', 'at_temperature', 'drawn_with', 'follows'],
    rows.map(({ id, text, logit, before, tempered, after, actual }) => [id, text ?? null, logit, before, tempered, after, Number(actual)]),
  );
}

/** A candidate of a step of a generation, with its probabilities by the model, at the temperature and after the filters. */
export interface DrawnCandidate {
  readonly id: number;
  readonly text: string;
  readonly prob: number;
  readonly tempered: number;
  readonly final: number;
}

/** Candidates of a step of a generation. */
export function drawnNumbers(rows: readonly DrawnCandidate[]): FigureData {
  return table(
    ['id', 'text', 'model', 'at_temperature', 'drawn_with'],
    rows.map(({ id, text, prob, tempered, final }) => [id, text, prob, tempered, final]),
  );
}

/** Tokens of a ranked list and their values. `pieces`: texts by id. */
export function rankedNumbers(
  value: string,
  ids: Int32Array,
  values: Float32Array,
  pieces: Readonly<Record<number, string | undefined>>,
): FigureData {
  return table(
    ['id', 'text', value],
    Array.from(ids, (id, place) => [id, pieces[id] ?? null, at(values, place)]),
  );
}

/** The tokens nearest to a vector of the static table. */
export function neighbourNumbers({ ids, cosines, pieces }: Pick<Neighbours, 'ids' | 'cosines' | 'pieces'>): FigureData {
  return rankedNumbers('cosine', ids, cosines, pieces);
}

/** Alternatives that an engine returned, and what it did not return together. */
export function returnedNumbers(rows: readonly { readonly text: string | undefined; readonly prob: number }[]): FigureData {
  return table(
    ['text', 'probability'],
    rows.map(({ text, prob }) => [text ?? null, prob]),
  );
}

/** The sum of a logit, a row a step. */
export function waterfallNumbers(steps: readonly WaterfallStep[]): FigureData {
  return table(
    ['part', 'layer', 'adds', 'before', 'after'],
    steps.map(({ part, layer, value, before, after }) => [part, layer < 0 ? null : layer, value, before, after]),
  );
}

/** A prediction before and after interventions: what was asked, log-probabilities (natural), and the token's rank. */
export function outcomeNumbers({ before, after }: WhatIf): FigureData {
  return table(
    ['quantity', 'before', 'after'],
    [
      [before.rivalLogprob === null ? 'logit' : 'logit_difference', before.target, after.target],
      ['logprob', before.logprob, after.logprob],
      ...(before.rivalLogprob === null ? [] : [['rival_logprob', before.rivalLogprob, after.rivalLogprob]]),
      ['rank', before.rank, after.rank],
    ],
  );
}

/** Probabilities of the likeliest tokens before and after interventions. */
export function changedNumbers(candidates: readonly ChangedCandidate[]): FigureData {
  return table(
    ['id', 'text', 'before', 'after'],
    candidates.map(({ id, text, before, after }) => [id, text, before, after]),
  );
}

/** Probabilities of the likeliest tokens as the model is, steered, and with a random vector as long. */
export function steeredNumbers(candidates: readonly SteeredCandidate[]): FigureData {
  return table(
    ['id', 'text', 'before', 'steered', 'random'],
    candidates.map(({ id, text, before, steered, random }) => [id, text, before, steered, random]),
  );
}

/** Mean surprisal of both copies of a text, by which heads are off. */
export function copyNumbers({ before, induction, random }: CopyExperiment): FigureData {
  const row = (off: string, { heads, loss }: CopyRun): readonly TableCell[] => [off, headNames(heads), loss.firstBits, loss.secondBits];
  return table(
    ['off', 'heads', 'first_copy_bits', 'second_copy_bits'],
    [row('none', before), row('induction', induction), ...random.map((one, draw) => row(`random-${draw}`, one))],
  );
}

/** The means of deletion curves, and where they are at one point. */
export function deletionMeans({ methods, random }: DeletionCurves, point: number): FigureData {
  const mean = random.reduce((sum, curve) => sum + meanLogprob(curve), 0) / random.length;
  const counts = (methods[0]?.curve ?? random[0])?.counts ?? [0];
  return table(
    ['order', 'mean_logprob', 'hidden', 'logprob'],
    [
      ...methods.map(({ method, curve, mean: own }) => [method, own, at(counts, point), at(curve.logprob, point)]),
      ...(random.length === 0 ? [] : [['random', mean, at(counts, point), spreadAt(random, point).mean]]),
    ],
  );
}

/** The products that a number is the sum of; those that are too small to be listed stand together. */
export function sumNumbers({ terms, rest, bias, extra, total }: Extract<Arithmetic, { readonly kind: 'sum' }>): FigureData {
  return table(
    ['term', 'left', 'right', 'product'],
    [
      ...terms.map(({ index, left, right, product }) => [index, left, right, product]),
      ...(rest.count === 0 ? [] : [[`${rest.count} others`, null, null, rest.sum]]),
      ...(extra === null ? [] : [['shared expert', extra.left, extra.right, extra.left * extra.right]]),
      ...(bias === null ? [] : [['bias', null, null, bias]]),
      ['sum', null, null, total],
    ],
  );
}

/**
 * A token's way through the layers: Euclidean norms, cosines with the stream, and what the lens reads behind each layer; nothing for a step
 * that a layer does not have.
 */
export function flowNumbers(
  flows: readonly LayerFlow[],
  cells: readonly LensCell[] | null,
  blocks: readonly { readonly mixer: object | null; readonly mlp: object | null }[],
): FigureData {
  return table(
    [
      'layer',
      'norm_before',
      'attention_norm',
      'attention_cosine',
      'mlp_norm',
      'mlp_cosine',
      'norm_after',
      'top_id',
      'top_text',
      'top_probability',
    ],
    flows.map(({ before, attention, attentionCosine, mlp, mlpCosine, after }, layer) => {
      const read = cells?.[layer + 1];
      const top = read === undefined ? [null, null, null] : [read.id, read.piece, read.probability];
      const block = blocks[layer];
      const mixed = block?.mixer ? [attention, attentionCosine] : [null, null];
      const passed = block?.mlp ? [mlp, mlpCosine] : [null, null];
      return [layer, before, ...mixed, ...passed, after, ...top];
    }),
  );
}

/** Models by size: bits per byte of one text, and how far off the line they are. */
export function sizeNumbers({ models }: ShownSizes, { bitsPerByte }: SizeComparison, fit: SizeFit | null): FigureData {
  return table(
    ['model', 'parameters', 'tokens', 'bits_per_byte', 'off_the_line'],
    models.map(({ name, parameters, tokens }, index) => [
      name,
      parameters,
      tokens.filter(({ special }) => !special).length,
      at(bitsPerByte, index),
      fit === null ? null : at(fit.residuals, index),
    ]),
  );
}

/** Bits of parts of a text by each model. Offsets are UTF-16. */
export function spanNumbers({ models, text }: ShownSizes, spans: readonly SizedSpan[]): FigureData {
  return table(
    ['start', 'end', 'text', ...models.map(({ name }) => `bits ${name}`)],
    spans.map(({ start, end, bits }) => [start, end, text.slice(start, end), ...bits]),
  );
}

/** How far numbers that were read again are from those that were kept, by quantity. */
export function differenceNumbers(differences: readonly Difference[]): FigureData {
  return table(
    ['quantity', 'compared', 'largest_difference', 'share'],
    differences.map(({ quantity, compared, largest, share }) => [quantity, compared, largest, share]),
  );
}

import * as v from 'valibot';
import { stepsOf } from '../core/recipe.ts';
import { isRecord } from '../core/records.ts';
import type { Recipe } from '../core/run.ts';
import type { ShownComparison, ShownExplanation } from '../protocol/messages.ts';
import type { Query } from '../protocol/queries.ts';
import { NOTES } from './notes.ts';

/** What the first words of a report's description are, and the version of its format. Those of the first version are read, too. */
export const REPORT_FORMAT = 'explain-tokens-report';
export const REPORT_VERSION = 2;

/** Longest text and most tokens of a report: more than are ever explained at once. */
const MAX_TEXT = 8_000_000;
const MAX_IDS = 1 << 20;
const MAX_NAME = 4096;
const MAX_LISTED = 100_000;

const name = v.pipe(v.string(), v.maxLength(MAX_NAME));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A token's id; those of an engine that tells none are below 0. */
export const TOKEN_ID = v.pipe(v.number(), v.integer(), v.minValue(-(2 ** 31)), v.maxValue(2 ** 31 - 1));

/** What a report says of itself, as JSON that anybody can read: the text and how it was read, by which model, and notes on it. */
export const REPORT_HEAD = v.object({
  format: v.literal(REPORT_FORMAT),
  version: v.picklist([1, REPORT_VERSION]),
  /** Version of the product that made it, and when it was made, in UTC. */
  product: name,
  created: v.pipe(v.string(), v.isoTimestamp()),
  model: v.object({
    name,
    family: name,
    runtime: name,
    /** By what its files of weights are known again. */
    files: v.pipe(
      v.array(v.object({ name, bytes: count, sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) })),
      v.maxLength(MAX_LISTED),
    ),
  }),
  text: v.pipe(v.string(), v.maxLength(MAX_TEXT)),
  /** [T], with the tokens that were added around the text. */
  ids: v.pipe(v.array(TOKEN_ID), v.minLength(1), v.maxLength(MAX_IDS)),
  /** Interventions on the model while it read. */
  recipe: v.pipe(
    v.custom<Recipe>((value) => stepsOf(value) !== undefined),
    v.transform((recipe) => stepsOf(recipe) ?? recipe),
  ),
  /** Names of what was kept, and the tokens of which all was kept. */
  kept: v.pipe(v.array(name), v.maxLength(MAX_LISTED)),
  tokens: v.pipe(v.array(count), v.maxLength(MAX_LISTED)),
  notes: NOTES,
  /** The panel's own view settings. */
  settings: v.custom<Readonly<Record<string, unknown>>>(isRecord),
});

/** What a report says of itself. */
export type ReportHead = Readonly<v.InferOutput<typeof REPORT_HEAD>>;

/** An answer to a question, or the sentence that there was in its place. */
export type KeptAnswer = {
  readonly query: Query;
  /** Present: about the second side of the comparison. */
  readonly side?: 'second';
} & ({ readonly result: unknown } | { readonly failure: string });

/** A saved analysis: an explanation, with the answers to questions about it. */
export interface Report {
  readonly head: ReportHead;
  readonly shown: ShownExplanation;
  readonly comparison: ShownComparison | null;
  readonly answers: readonly KeptAnswer[];
}

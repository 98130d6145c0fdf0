import { UserError } from '../../core/errors.ts';
import { RULE_NAMES, type GenerationRule, type RuleName } from '../../core/generationRules.ts';
import type { GenerationOption } from '../../core/trace.ts';
import { msg, type Translatable } from '../../core/translatable.ts';
import { isRecord } from '../../core/records.ts';
import { CONFIG_MAX_BYTES, readJson, type ModelFiles } from '../formats/modelFiles.ts';
import { readStopTokens } from './stopTokens.ts';

const GENERATION_CONFIG = 'generation_config.json';
/** Longest list of tokens or sequences. */
const MAX_LIST = 100_000;

/** A model's generation settings. */
export interface Generation {
  /** Ids of tokens that end a generation. */
  readonly eos: readonly number[];
  /** Rules in order of application. */
  readonly rules: readonly GenerationRule[];
  /** The same as options of the file. */
  readonly applied: readonly GenerationOption[];
  /** Options that would change the output, but are not supported. */
  readonly leftOut: readonly GenerationOption[];
  /** Values that the model suggests for options that the user sets. */
  readonly suggested: readonly GenerationOption[];
}

type Values = Readonly<Record<string, unknown>>;

/**
 * Reads generation_config.json, or config.json where it is missing, as transformers does. Throws UserError naming the file and the option.
 */
export async function readGeneration(files: ModelFiles, config: unknown): Promise<Generation> {
  const eos = await readStopTokens(files, config);
  const file = (await files.list()).includes(GENERATION_CONFIG) ? GENERATION_CONFIG : 'config.json';
  const read = file === GENERATION_CONFIG ? await readJson(files, file, CONFIG_MAX_BYTES) : config;
  const values: Values = isRecord(read) ? read : {};
  const rules = RULE_NAMES.flatMap((name) => ruleOf(name, values, file) ?? []);
  const named = (names: readonly string[]): readonly GenerationOption[] =>
    names.map((name) => ({ name, value: cut(JSON.stringify(values[name], finite) ?? '') }));
  return {
    eos,
    rules,
    applied: named(rules.map(({ name }) => name)),
    leftOut: named([
      ...Object.keys(LEFT_OUT).filter((name) => LEFT_OUT[name]?.(values[name]) === true),
      ...Object.keys(values).filter((name) => name.startsWith('general.sampling.')),
    ]),
    suggested: named(SUGGESTED.filter((name) => (values[name] ?? null) !== null)),
  };
}

/** The same, with the error in its place: only generation needs these settings. */
export async function generationOrError(files: ModelFiles, config: unknown): Promise<Generation | UserError> {
  return readGeneration(files, config).catch((error: unknown) => {
    if (error instanceof UserError) return error;
    throw error;
  });
}

/** Options that the user's own settings replace. */
const SUGGESTED = ['do_sample', 'temperature', 'top_k', 'top_p', 'min_p', 'max_new_tokens', 'max_length'] as const;

const above =
  (limit: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && value > limit;
const below =
  (limit: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && value < limit;
const not =
  (neutral: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && value !== neutral;
const given = (value: unknown): boolean => (value ?? null) !== null && !(Array.isArray(value) && value.length === 0);

/** Unsupported options of transformers that change the output, and when each is on. */
const LEFT_OUT: Readonly<Record<string, (value: unknown) => boolean>> = {
  guidance_scale: not(1),
  encoder_repetition_penalty: not(1),
  encoder_no_repeat_ngram_size: above(0),
  forced_eos_token_id: given,
  forced_decoder_ids: given,
  top_h: given,
  typical_p: below(1),
  epsilon_cutoff: above(0),
  eta_cutoff: above(0),
  watermarking_config: given,
  num_beams: above(1),
  num_beam_groups: above(1),
  diversity_penalty: not(0),
  constraints: given,
  force_words_ids: given,
  penalty_alpha: above(0),
  dola_layers: given,
  stop_strings: given,
  token_healing: (value) => value === true,
  max_time: given,
};

/** A rule from the file's options; null where the option is missing or has no effect. */
function ruleOf(name: RuleName, values: Values, file: string): GenerationRule | null {
  const value = values[name] ?? null;
  if (value === null) return null;
  const refuse = (what: Translatable): never => {
    throw new UserError(msg`${file}: ${name} must be ${what}, not ${shown(value)}.`);
  };
  const whole = (): number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : refuse(msg`a whole number from 0 on`);
  const ids = (): readonly number[] => (isIds(value) ? value : refuse(msg`a list of token ids`));
  switch (name) {
    case 'repetition_penalty':
      if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) return refuse(msg`a number above 0`);
      return value === 1 ? null : { name, penalty: value };
    case 'no_repeat_ngram_size':
      return whole() === 0 ? null : { name, size: whole() };
    case 'min_length':
      return whole() === 0 ? null : { name, length: whole() };
    case 'min_new_tokens':
      return whole() === 0 ? null : { name, count: whole() };
    case 'forced_bos_token_id':
      return { name, id: whole() };
    case 'suppress_tokens':
    case 'begin_suppress_tokens':
      // As in the reference, -1 is not a token's id.
      return ids().length === 0 ? null : { name, ids: ids() };
    case 'bad_words_ids': {
      if (!Array.isArray(value) || value.length > MAX_LIST || !value.every((item: unknown) => isIds(item) && item.length > 0))
        return refuse(msg`a list of lists of token ids`);
      return { name, sequences: value as readonly (readonly number[])[] };
    }
    case 'sequence_bias': {
      if (!Array.isArray(value) || value.length > MAX_LIST) return refuse(msg`a list of token ids with a number each`);
      const sequences = (value as readonly unknown[]).map((item) => {
        const [own, bias] = Array.isArray(item) ? (item as readonly unknown[]) : [];
        return isIds(own) && own.length > 0 && typeof bias === 'number' && !Number.isNaN(bias)
          ? { ids: own, bias }
          : refuse(msg`a list of token ids with a number each`);
      });
      return { name, sequences };
    }
    case 'exponential_decay_length_penalty': {
      const [start, factor] = Array.isArray(value) ? (value as readonly unknown[]) : [];
      if (typeof start !== 'number' || !Number.isSafeInteger(start) || typeof factor !== 'number' || !Number.isFinite(factor))
        return refuse(msg`a list of a whole number and a factor`);
      return { name, start, factor };
    }
  }
}

function isIds(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= MAX_LIST && value.every((id: unknown) => Number.isSafeInteger(id));
}

function shown(value: unknown): string {
  return cut(typeof value === 'number' ? String(value) : (JSON.stringify(value, finite) ?? ''));
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Replaces numbers that JSON cannot represent by Python's names. */
function finite(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

import { logSumExp } from './probability.ts';
import { at } from './tensor.ts';

/**
 * A change of the logits that a model's generation_config.json asks for before a token is drawn, under the option's own name.
 * Lists hold token ids.
 */
export type GenerationRule =
  /** Adds a bias to the logit of a sequence's last token where the tokens before it are the rest of the sequence. */
  | { readonly name: 'sequence_bias'; readonly sequences: readonly { readonly ids: readonly number[]; readonly bias: number }[] }
  /** Divides positive logits of tokens that have occurred, and multiplies negative ones (Keskar et al. 2019). */
  | { readonly name: 'repetition_penalty'; readonly penalty: number }
  /** Forbids repeating an n-gram of `size` tokens. */
  | { readonly name: 'no_repeat_ngram_size'; readonly size: number }
  | { readonly name: 'bad_words_ids'; readonly sequences: readonly (readonly number[])[] }
  /** Forbids the end before `length` tokens: of prompt and generation; below, of the generation alone. */
  | { readonly name: 'min_length'; readonly length: number }
  | { readonly name: 'min_new_tokens'; readonly count: number }
  /** Forces the token after a prompt of a single token. */
  | { readonly name: 'forced_bos_token_id'; readonly id: number }
  /** After `start` new tokens the end's logit grows with `factor` to the power of the number of tokens since. */
  | { readonly name: 'exponential_decay_length_penalty'; readonly start: number; readonly factor: number }
  | { readonly name: 'suppress_tokens'; readonly ids: readonly number[] }
  /** Forbids `ids` as the first new token. */
  | { readonly name: 'begin_suppress_tokens'; readonly ids: readonly number[] };

/** Name of a rule, as in generation_config.json. */
export type RuleName = GenerationRule['name'];

/** Names of the rules, in the order in which transformers' `_get_logits_processor` applies them. */
export const RULE_NAMES = [
  'sequence_bias',
  'repetition_penalty',
  'no_repeat_ngram_size',
  'bad_words_ids',
  'min_length',
  'min_new_tokens',
  'forced_bos_token_id',
  'exponential_decay_length_penalty',
  'suppress_tokens',
  'begin_suppress_tokens',
] as const satisfies readonly RuleName[];

/** The tokens that a rule depends on. */
export interface RuleContext {
  /** All tokens so far. */
  readonly ids: Int32Array;
  /** How many of them are the prompt. */
  readonly prompt: number;
  /** Tokens that end the generation. */
  readonly eos: readonly number[];
}

/**
 * Applies the rules in order to logits [vocab], each in float32 like the logits processor of its name in transformers
 * (logits_process.py). Returns new logits and the effect of each rule that applies to this step; the input is not modified.
 */
export function applyRules(
  logits: Float32Array,
  rules: readonly GenerationRule[],
  context: RuleContext,
): { readonly logits: Float32Array; readonly steps: readonly FilterStep[] } {
  let scores = logits;
  const steps: FilterStep[] = [];
  for (const rule of rules) {
    const changed = changes(scores, rule, context);
    if (changed === null) continue;
    const next = scores.slice();
    for (const [id, score] of changed) if (id < next.length) next[id] = score;
    steps.push(effect(rule.name, scores, next, changed));
    scores = next;
  }
  return { logits: scores, steps };
}

/** New logits by id; null where the rule does not apply to this step. */
function changes(scores: Float32Array, rule: GenerationRule, { ids, prompt, eos }: RuleContext): ReadonlyMap<number, number> | null {
  const never = (banned: Iterable<number>): Map<number, number> => new Map(Array.from(banned, (id) => [id, -Infinity]));
  switch (rule.name) {
    case 'sequence_bias':
      return biased(scores, rule.sequences, ids);
    case 'repetition_penalty':
      return new Map(Array.from(new Set(ids), (id) => [id, penalised(scores[id] ?? -Infinity, rule.penalty)]));
    case 'no_repeat_ngram_size':
      return never(wouldRepeat(ids, rule.size));
    case 'bad_words_ids':
      return never(
        rule.sequences
          .filter((words) => !(words.length === 1 && eos.includes(words[0] ?? -1)) && endsWith(ids, words))
          .map((words) => words.at(-1) ?? 0),
      );
    case 'min_length':
      return ids.length < rule.length && eos.length > 0 ? never(eos) : null;
    case 'min_new_tokens':
      return ids.length - prompt < rule.count && eos.length > 0 ? never(eos) : null;
    case 'forced_bos_token_id':
      return ids.length === 1 ? new Map(Array.from(scores, (_, id) => [id, id === rule.id ? 0 : -Infinity])) : null;
    case 'exponential_decay_length_penalty':
      return decayed(scores, rule.factor, ids.length - prompt - rule.start, eos);
    case 'suppress_tokens':
      return never(rule.ids);
    case 'begin_suppress_tokens':
      return ids.length === prompt ? never(rule.ids) : null;
  }
}

function penalised(score: number, penalty: number): number {
  return score < 0 ? score * Math.fround(penalty) : score / Math.fround(penalty);
}

function biased(
  scores: Float32Array,
  sequences: readonly { readonly ids: readonly number[]; readonly bias: number }[],
  ids: Int32Array,
): Map<number, number> {
  const bias = new Map<number, number>();
  for (const { ids: sequence, bias: own } of sequences) {
    const last = sequence.at(-1) ?? 0;
    if (endsWith(ids, sequence)) bias.set(last, Math.fround((bias.get(last) ?? 0) + Math.fround(own)));
  }
  return new Map([...bias].map(([id, sum]) => [id, (scores[id] ?? -Infinity) + sum]));
}

/** Whether the tokens so far end with the sequence up to its last token. */
function endsWith(ids: Int32Array, sequence: readonly number[]): boolean {
  const before = sequence.length - 1;
  return before >= 0 && before <= ids.length && sequence.slice(0, -1).every((id, i) => id === ids[ids.length - before + i]);
}

/** Tokens that have followed the last `size` - 1 tokens earlier in the text. */
function wouldRepeat(ids: Int32Array, size: number): Set<number> {
  const found = new Set<number>();
  const start = ids.length + 1 - size;
  for (let first = 0; first + size <= ids.length; first++) {
    let same = 0;
    while (same < size - 1 && ids[first + same] === ids[start + same]) same++;
    if (same === size - 1) found.add(at(ids, first + size - 1));
  }
  return found;
}

function decayed(scores: Float32Array, factor: number, past: number, eos: readonly number[]): Map<number, number> | null {
  if (past <= 0 || eos.length === 0) return null;
  const growth = Math.fround(factor ** past - 1);
  return new Map(
    eos.flatMap((id) => {
      const score = scores[id] ?? -Infinity;
      // An end that another rule forbids is -Infinity, which would become NaN.
      return score === -Infinity ? [] : [[id, score + Math.fround(Math.abs(score) * growth)] as const];
    }),
  );
}

/** The probability mass that a rule removed or moved in the distribution it was given. */
function effect(filter: RuleName, before: Float32Array, after: Float32Array, changed: ReadonlyMap<number, number>): FilterStep {
  const [all, left] = [logSumExp(before), logSumExp(after)];
  let [dropped, removed, moved, rest] = [0, 0, 0, 1];
  let touched = 0;
  for (const id of changed.keys()) {
    if (id >= before.length || before[id] === after[id]) continue;
    const [own, now] = [Math.exp(at(before, id) - all), Math.exp(at(after, id) - left)];
    rest -= own;
    moved += Math.abs(own - now) / 2;
    touched++;
    if (after[id] !== -Infinity) continue;
    dropped++;
    removed += own;
  }
  moved += (Math.max(0, rest) * Math.abs(1 - Math.exp(all - left))) / 2;
  const kept = after.reduce((count, score) => count + (score === -Infinity ? 0 : 1), 0);
  return { filter, kept, dropped, removed, ...(touched > dropped ? { changed: { tokens: touched - dropped, moved } } : {}) };
}

/** Effect of one filter, in order of application. */
export interface FilterStep {
  /** A sampling setting, or a rule of the model's generation_config.json by its option's name; rules come first. */
  readonly filter: 'topK' | 'topP' | 'minP' | RuleName;
  /** Number of tokens left after the filter, and number it removed. */
  readonly kept: number;
  readonly dropped: number;
  /** Probability mass that the filter removed from the distribution it was given. */
  readonly removed: number;
  /** Number of tokens whose logit changed, and the mass that moved to other tokens; absent for filters that only drop. */
  readonly changed?: { readonly tokens: number; readonly moved: number };
}

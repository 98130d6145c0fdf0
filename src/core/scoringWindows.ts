/**
 * One of the windows in which a text longer than a model's context is read: tokens `begin` to `end` - 1 of it, as a text of their own. What
 * the tokenizer puts before a text is read once, at the start of the whole.
 */
export interface ScoringWindow {
  readonly begin: number;
  readonly end: number;
  /**
   * First token that is scored here: the windows before hold those before it. At least `begin` + 1, as nothing in its window precedes the
   * first token.
   */
  readonly scoredFrom: number;
}

/** How a text is cut into windows, in tokens. */
export interface WindowRule {
  /** Longest window: the model's context, or less. */
  readonly length: number;
  /**
   * From the begin of a window to that of the next, 1 to `length`. Windows overlap by `length` - `stride` tokens: a token has at least as
   * many before it, or all there are. Without overlap the first token of each window is not scored.
   */
  readonly stride: number;
}

/**
 * The windows of a text of `tokens` tokens: each token is scored in the first window that holds it, as in "Perplexity of fixed-length
 * models" of Hugging Face's documentation; the last window ends with the text. Throws RangeError for a rule without meaning.
 */
export function scoringWindows(tokens: number, rule: WindowRule): readonly ScoringWindow[] {
  checkRule(rule);
  const windows: ScoringWindow[] = [];
  for (let last: ScoringWindow | null = null; (last?.end ?? 0) < tokens;) {
    last = windowAfter(last, tokens, rule);
    windows.push(last);
  }
  return windows;
}

/** Throws RangeError for a rule without meaning. */
export function checkRule({ length, stride }: WindowRule): void {
  if (!Number.isInteger(length) || length < 2) throw new RangeError(`A window of ${length} tokens predicts none.`);
  if (!Number.isInteger(stride) || stride < 1 || stride > length)
    throw new RangeError(`Windows of ${length} tokens cannot be ${stride} tokens apart: tokens between them would be in none.`);
}

/** Begin of the window after `last`; null: of the first. */
export function windowBegin(last: ScoringWindow | null, { stride }: WindowRule): number {
  return last === null ? 0 : last.begin + stride;
}

/** The window after `last` (null: the first) of a text that has `tokens` tokens, or more where they reach the window's end. */
export function windowAfter(last: ScoringWindow | null, tokens: number, rule: WindowRule): ScoringWindow {
  const begin = windowBegin(last, rule);
  return { begin, end: Math.min(begin + rule.length, tokens), scoredFrom: Math.max(last?.end ?? 0, begin + 1) };
}

/** What a model gave each of N tokens of a text, read by windows. `NaN`, and rank 0: nothing in its window precedes the token. */
export interface TextScores {
  readonly windows: readonly ScoringWindow[];
  /** [N] natural log of the probability. */
  readonly logprob: Float32Array;
  /** [N] surprisal, the same in bits. */
  readonly bits: Float32Array;
  /** [N] 1 = the model's first choice. */
  readonly rank: Int32Array;
  /** [N] entropy in bits of the distribution that predicted the token. */
  readonly entropy: Float32Array;
}

/** The mean of what is scored in bits, and e to the mean of its nats: perplexity. NaN where nothing is scored. */
export function meanScores({ logprob }: Pick<TextScores, 'logprob'>): {
  readonly scored: number;
  readonly bits: number;
  readonly perplexity: number;
} {
  let [sum, scored] = [0, 0];
  for (const value of logprob) {
    if (Number.isNaN(value)) continue;
    sum -= value;
    scored++;
  }
  return { scored, bits: sum / scored / Math.LN2, perplexity: Math.exp(sum / scored) };
}

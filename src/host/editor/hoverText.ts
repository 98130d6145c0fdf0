import { isAtMost, isUntold } from '../../core/atMost.ts';
import { raised } from '../../core/numberText.ts';
import { isTold, NOT_RETURNED, returnedShare } from '../../core/servedBy.ts';
import type { Explanation, ModelInfo } from '../../core/trace.ts';
import type { Translate } from '../../core/translatable.ts';
import type { Outdated } from '../explain/outdated.ts';
import { hexBytes, shortened, visibleText, visibleToken } from '../../core/visibleText.ts';
import { codeBlock, codeSpan, figure, inMarkdown, joinedMarkdown, type Markdown, type SayMarkdown } from './markdownCode.ts';
import { surprisalBits } from './surprisal.ts';

/** Most tokens in one hover; a longer word is cut around the token under the pointer. */
const MAX_TOKENS = 6;
/** Most characters shown of a token, and of a candidate. */
const MAX_NAME = 40;
const MAX_CANDIDATE = 24;
const BAR_CELLS = 10;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/** Characters that join tokens into a word, and scripts written without spaces, in which a token is not joined with its neighbours. */
const JOINS = /[\p{L}\p{N}\p{M}_]/u;
const STANDS_ALONE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Indices of the tokens of the word around token `index`, including tokens that share a character with one of them. */
export function wordTokens(explanation: Explanation, index: number): readonly number[] {
  let first = index;
  let last = index;
  while (first > 0 && last - first + 1 < MAX_TOKENS && belongTogether(explanation, first - 1)) first--;
  while (last + 1 < explanation.tokens.length && last - first + 1 < MAX_TOKENS && belongTogether(explanation, last)) last++;
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Whether token `index` and the next one are parts of one word or one character. */
function belongTogether(explanation: Explanation, index: number): boolean {
  const left = explanation.tokens[index];
  const right = explanation.tokens[index + 1];
  if (!left || !right || left.special || right.special) return false;
  if (right.start < left.end) return true;
  const before = Array.from(explanation.text.slice(left.start, left.end)).at(-1) ?? '';
  const after = Array.from(explanation.text.slice(right.start, right.end)).at(0) ?? '';
  return [before, after].every((character) => JOINS.test(character) && !STANDS_ALONE.test(character));
}

/** Markdown about tokens `indices`: numbers of each, and the model's candidates for its place. Text is shown, never interpreted. */
export function hoverMarkdown(explanation: Explanation, indices: readonly number[], translate: Translate): Markdown {
  const t = inMarkdown(translate);
  const alternatives = indices.length > 1 ? 3 : 6;
  const parts = indices.map((index) => tokenMarkdown(explanation, index, alternatives, t));
  const model = modelMarkdown(explanation.model, t);
  return joinedMarkdown([...interventionsSentence(explanation, t), ...parts, model], '\n\n');
}

/** The model that read a text, and where, if that is not this machine. */
export function modelMarkdown({ name, served }: ModelInfo, t: SayMarkdown): Markdown {
  const shown = codeSpan(shortened(visibleText(name), MAX_NAME));
  return served === undefined ? t('Model: {0}', shown) : t('Model: {0}, at {1}', shown, codeSpan(visibleText(served.address)));
}

/** Says that an explanation's numbers are not the model's own; nothing where they are. */
export function interventionsSentence<Said>({ run }: Explanation, t: (text: string, ...values: number[]) => Said): readonly Said[] {
  const count = run.recipe.length;
  if (count === 0) return [];
  if (count === 1) return [t('1 intervention on the model is on: these are not its own numbers.')];
  return [t('{0} interventions on the model are on: these are not its own numbers.', count)];
}

/** A sentence that says why an explanation's numbers are outdated. */
export function outdatedSentence(outdated: Outdated, t: Translate): string {
  switch (outdated) {
    case 'working':
      return t('These numbers are from before: a text is being explained.');
    case 'failed':
      return t('These numbers are from before: the last explanation failed.');
    case 'cancelled':
      return t('These numbers are from before: the last explanation was cancelled.');
  }
}

/** Markdown shown in place of numbers that no longer belong to this text. */
export function staleMarkdown(translate: Translate): Markdown {
  const t = inMarkdown(translate);
  return t('This text was edited after it was explained: run Explain Tokens again.');
}

function tokenMarkdown(explanation: Explanation, index: number, alternatives: number, t: SayMarkdown): Markdown {
  const token = explanation.tokens[index];
  if (!token) return figure('');
  const partial = token.partial ? [t('part of a character: bytes {0}', figure(hexBytes(token.bytes)))] : [];
  const head = joinedMarkdown(
    [
      codeSpan(shortened(visibleToken(token), MAX_NAME)),
      t('token {0}', index),
      ...(isTold(token.id) ? [figure(`id ${token.id}`)] : []),
      ...partial,
    ],
    ' · ',
  );
  const bits = surprisalBits(explanation, index);
  if (bits === null) {
    const why = isUntold(explanation, index)
      ? t('The engine does not tell its probability.')
      : t('Nothing precedes this token, so nothing predicted it.');
    return joinedMarkdown([head, why], '\n\n');
  }
  const rank = explanation.rank[index] ?? 0;
  const { topIds, topProbs, topK, model } = explanation;
  const least = model.served ? returnedShare(topIds, topProbs, (index - 1) * topK, topK).leastEntropy : Number.NaN;
  const entropy = explanation.entropy[index] ?? Number.NaN;
  const numbers = numbersMarkdown({ bits, rank, entropy, least, returned: topK, bound: isAtMost(explanation, index) }, t);
  return joinedMarkdown([head, numbers, codeBlock(expectedLines(explanation, index, alternatives, 2 ** -bits, rank))], '\n\n');
}

/** Numbers of one token: its surprisal in bits, its rank and the entropy. What an engine did not return is not among them. */
interface TokenNumbers {
  readonly bits: number;
  /** 0: not told. */
  readonly rank: number;
  /** In bits; NaN: not told. */
  readonly entropy: number;
  /** What the entropy is at least, where that alone is known. */
  readonly least?: number;
  /** Alternatives that an engine returned, behind which a rank is that is not told. */
  readonly returned?: number;
  /** Whether the surprisal is what it is at least. */
  readonly bound?: boolean;
}

/** Numbers of one token. */
export function numbersMarkdown(
  { bits, rank, entropy, least = Number.NaN, returned = 0, bound = false }: TokenNumbers,
  t: SayMarkdown,
): Markdown {
  return joinedMarkdown(
    [
      bound ? t('probability at most {0}', figure(percent(2 ** -bits))) : t('probability {0}', figure(percent(2 ** -bits))),
      ...(rank > 0 ? [t('rank {0}', rank)] : returned > 0 ? [t('rank beyond {0}', returned)] : []),
      bound ? t('surprisal at least {0} bits', figure(bits.toFixed(2))) : t('surprisal {0} bits', figure(bits.toFixed(2))),
      ...(Number.isNaN(entropy) ? [] : [t('entropy {0} bits', figure(entropy.toFixed(2)))]),
      ...(Number.isNaN(least) ? [] : [t('entropy at least {0} bits', figure(least.toFixed(2)))]),
    ],
    ' · ',
  );
}

/** One line per candidate for the place of token `index`; an arrow marks the token itself. */
function expectedLines(explanation: Explanation, index: number, count: number, probability: number, rank: number): string[] {
  const id = explanation.tokens[index]?.id ?? -1;
  const row = (index - 1) * explanation.topK;
  const lines: CandidateLine[] = [];
  for (let i = 0; i < Math.min(count, explanation.topK); i++) {
    const candidate = explanation.topIds[row + i];
    if (candidate === undefined || candidate === NOT_RETURNED) break;
    lines.push({ isOwn: candidate === id, probability: explanation.topProbs[row + i] ?? 0, text: explanation.pieces[candidate] ?? '' });
  }
  // Of a token that may be less likely than said there is no bar.
  if (isAtMost(explanation, index)) return written(lines);
  if (rank > lines.length || (rank === 0 && !lines.some(({ isOwn }) => isOwn)))
    lines.push({ isOwn: true, probability, text: explanation.pieces[id] ?? explanation.tokens[index]?.text ?? '' });
  return written(lines);
}

interface CandidateLine {
  readonly isOwn: boolean;
  readonly probability: number;
  readonly text: string;
}

/** Lines whose numbers end below one another. */
function written(lines: readonly CandidateLine[]): string[] {
  const widest = Math.max(9, ...lines.map(({ probability }) => percent(probability).length));
  return lines.map(({ isOwn, probability, text }) => {
    const name = shortened(visibleText(text), MAX_CANDIDATE);
    return `${isOwn ? '▸' : ' '} ${bar(probability)} ${percent(probability).padStart(widest)}  ${name}`;
  });
}

/** A bar of ten cells for a probability, in eighths of a cell. */
export function bar(probability: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, probability)) * BAR_CELLS * 8);
  return ('█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')).padEnd(BAR_CELLS);
}

/** A probability in per cent with three significant digits; in plain decimals down to 10⁻⁹. */
export function percent(probability: number): string {
  const value = probability * 100;
  if (value === 0) return '0%';
  if (value < 0.001) {
    const [mantissa = '', exponent = ''] = value.toExponential(2).split('e');
    // Not Intl.NumberFormat: creating one takes longer than the rest of the extension's start.
    return probability < 1e-9 ? `${mantissa} × 10${raised(Number(exponent))}%` : `${value.toFixed(2 - Number(exponent))}%`;
  }
  return `${value >= 99.95 && value < 100 ? value.toFixed(3) : value.toPrecision(3)}%`;
}

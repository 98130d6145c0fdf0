import type { Explanation } from '../core/trace.ts';
import type { Translate } from '../core/translatable.ts';
import { hexBytes, shortened, visibleText, visibleToken } from '../core/visibleText.ts';
import { codeBlock, codeSpan } from './markdownCode.ts';
import { surprisalBits } from './surprisal.ts';

/** Tokens one hover shows; a longer word is cut around the one under the pointer. */
const MAX_TOKENS = 6;
/** Characters shown of a token and of a candidate. */
const MAX_NAME = 40;
const MAX_CANDIDATE = 24;
const BAR_CELLS = 10;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/** Scripts written without spaces: each of their tokens stands for itself. */
const JOINS = /[\p{L}\p{N}\p{M}_]/u;
const STANDS_ALONE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Indices of the tokens that make up the word that token `index` belongs to, and those that share a character with it. */
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

/** Markdown about tokens `indices`: each with its numbers and what the model expected in its place. Text is shown, never interpreted. */
export function hoverMarkdown(explanation: Explanation, indices: readonly number[], t: Translate): string {
  const alternatives = indices.length > 1 ? 3 : 6;
  const parts = indices.map((index) => tokenMarkdown(explanation, index, alternatives, t));
  return [...parts, t('Model: {0}', codeSpan(visibleText(explanation.model.name)))].join('\n\n');
}

/** Markdown shown in place of numbers that are no longer about this text. */
export function staleMarkdown(t: Translate): string {
  return t('This text was edited after it was explained: run Explain Tokens again.');
}

function tokenMarkdown(explanation: Explanation, index: number, alternatives: number, t: Translate): string {
  const token = explanation.tokens[index];
  if (!token) return '';
  const partial = token.partial ? ` · ${t('part of a character: bytes {0}', hexBytes(token.bytes))}` : '';
  const head = `${codeSpan(shortened(visibleToken(token), MAX_NAME))} · ${t('token {0}', index)} · id ${token.id}${partial}`;
  const bits = surprisalBits(explanation, index);
  if (bits === null) return `${head}\n\n${t('Nothing precedes this token, so nothing predicted it.')}`;
  const rank = explanation.rank[index] ?? 0;
  const entropy = explanation.entropy[index] ?? Number.NaN;
  const probability = 2 ** -bits;
  const numbers = [
    t('probability {0}', percent(probability)),
    t('rank {0}', rank),
    t('surprisal {0} bits', bits.toFixed(2)),
    t('entropy {0} bits', entropy.toFixed(2)),
  ].join(' · ');
  return `${head}\n\n${numbers}\n\n${codeBlock(expectedLines(explanation, index, alternatives, probability, rank))}`;
}

/** One line per candidate for the place of token `index`; the token itself carries an arrow. */
function expectedLines(explanation: Explanation, index: number, count: number, probability: number, rank: number): string[] {
  const id = explanation.tokens[index]?.id ?? -1;
  const row = (index - 1) * explanation.topK;
  const lines: string[] = [];
  for (let i = 0; i < Math.min(count, explanation.topK); i++) {
    const candidate = explanation.topIds[row + i];
    if (candidate === undefined) break;
    lines.push(line(candidate === id ? '▸' : ' ', explanation.topProbs[row + i] ?? 0, explanation.pieces[candidate] ?? ''));
  }
  if (rank > lines.length) lines.push(line('▸', probability, explanation.pieces[id] ?? explanation.tokens[index]?.text ?? ''));
  return lines;
}

function line(mark: string, probability: number, text: string): string {
  return `${mark} ${bar(probability)} ${percent(probability).padStart(9)}  ${shortened(visibleText(text), MAX_CANDIDATE)}`;
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
    const short = value.toExponential(2);
    // Not Intl.NumberFormat: making one costs more than all else that the extension does to start.
    return `${probability < 1e-9 ? short : value.toFixed(2 - Number(short.slice(short.indexOf('e') + 1)))}%`;
  }
  return `${value >= 99.95 && value < 100 ? value.toFixed(3) : value.toPrecision(3)}%`;
}

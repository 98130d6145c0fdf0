import { fileBits, fileTotals, UNREAD, type FileScores } from './fileScores.ts';
import { firstTokenBeyond, tokenPlace } from './packedTokens.ts';
import { bitsPerByte, lineParts, paragraphParts, wordParts, type Parts, type ScoredPart } from './textScores.ts';

/** What a list of surprises is made of. */
export const SURPRISE_UNITS = ['token', 'word', 'line', 'paragraph', 'symbol', 'change'] as const;
/** Unit of a list of surprises. */
export type SurpriseUnit = (typeof SURPRISE_UNITS)[number];
/** What a list is sorted by: bits in total, or for each byte. */
export type SurpriseOrder = 'total' | 'perByte';

/** A symbol of a text, such as a function or a heading, or a change in it, in UTF-16 units. */
export interface TextSymbol {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A part of a text with its surprisal; `name`: its text, or the symbol's name. */
export interface Surprise extends ScoredPart {
  readonly name: string;
}

/** How a list is made. */
export interface SurpriseChoice {
  readonly unit: SurpriseUnit;
  readonly order: SurpriseOrder;
  /** Only parts whose name holds this text, in any case; empty: all. */
  readonly filter: string;
}

/** The most surprising parts of a text, at most `most`, the most surprising first. `symbols`: its symbols, or changes, for these units. */
export function surpriseList(
  text: string,
  scores: FileScores,
  symbols: readonly TextSymbol[],
  choice: SurpriseChoice,
  most: number,
): readonly Surprise[] {
  const { order, filter } = choice;
  const wanted = filter.toLowerCase();
  const measure = order === 'total' ? ({ bits }: Surprise): number => bits : bitsPerByte;
  return partsOf(text, scores, symbols, choice, most)
    .filter(({ scored, name }) => scored > 0 && name.toLowerCase().includes(wanted))
    .toSorted((a, b) => measure(b) - measure(a) || a.start - b.start)
    .slice(0, most);
}

function partsOf(
  text: string,
  scores: FileScores,
  symbols: readonly TextSymbol[],
  choice: SurpriseChoice,
  most: number,
): readonly Surprise[] {
  const { tokens } = scores;
  const { unit } = choice;
  if (unit === 'symbol' || unit === 'change')
    return symbols.map((symbol) => ({
      ...fileTotals(scores, firstTokenBeyond(tokens, symbol.start), firstTokenBeyond(tokens, symbol.end)),
      ...symbol,
    }));
  if (unit === 'token')
    return likeliestTokens(text, scores, choice, most).map((index) => {
      const { start, end } = tokenPlace(tokens, index);
      return { ...fileTotals(scores, index, index + 1), start, end, name: text.slice(start, end) };
    });
  const named = (part: ScoredPart): Surprise => ({ ...part, name: text.slice(part.start, part.end) });
  if (unit === 'line') return collected(lineParts(text), scores, named);
  if (unit === 'paragraph') return collected(paragraphParts(text), scores, named);
  return collected(wordParts(text), scores, named, ({ word }) => word);
}

/** Indices of the tokens of which the most surprising are among, so that not all of a long text become objects. */
function likeliestTokens(text: string, scores: FileScores, { order, filter }: SurpriseChoice, most: number): readonly number[] {
  const { tokens, known } = scores;
  const { length } = tokens.ids;
  const wanted = filter.toLowerCase();
  const bits = new Float64Array(length).fill(-1);
  for (let index = 0; index < length; index++) {
    const own = tokens.special[index] === 1 || known[index] === UNREAD ? NaN : fileBits(scores, index);
    if (Number.isNaN(own) || !text.slice(tokens.start[index], tokens.end[index]).toLowerCase().includes(wanted)) continue;
    bits[index] = order === 'total' ? own : own / Math.max(1, tokens.bytes[index] ?? 1);
  }
  const least = Math.max(0, bits.toSorted()[length - most] ?? 0);
  return Array.from(bits.keys()).filter((index) => (bits[index] ?? -1) >= least);
}

function collected<P extends ScoredPart>(
  parts: Parts<P>,
  { tokens, logprob, known }: FileScores,
  named: (part: P) => Surprise,
  wanted: (part: P) => boolean = () => true,
): readonly Surprise[] {
  const all: P[] = [];
  for (let index = 0; index < tokens.ids.length; index++)
    all.push(...parts.add(tokenPlace(tokens, index), known[index] === UNREAD ? NaN : (logprob[index] ?? NaN)));
  return [...all, ...parts.end()].filter(wanted).map(named);
}

/**
 * A list as a table of tab-separated values with a heading; line ends and tabs in names are spaces. `placeOf`: values of the columns
 * `headings`, which say where in the document an offset of the text is.
 */
export function surpriseTable(
  list: readonly Surprise[],
  headings: readonly string[],
  placeOf: (offset: number) => readonly (string | number)[],
): string {
  const rows = list.map((part) =>
    [part.bits.toFixed(3), bitsPerByte(part).toFixed(3), part.tokens, ...placeOf(part.start), part.name.replaceAll(/\s+/g, ' ')].join('\t'),
  );
  return `${[['bits', 'bits/byte', 'tokens', ...headings, 'text'].join('\t'), ...rows].join('\n')}\n`;
}

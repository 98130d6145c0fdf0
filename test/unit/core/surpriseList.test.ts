import { describe, expect, test } from 'vitest';
import { READ, unreadScores, type FileScores } from '../../../src/core/fileScores.ts';
import { packedTokens } from '../../packedTokens.ts';
import { surpriseList, surpriseTable, type SurpriseChoice } from '../../../src/core/surpriseList.ts';
import { explanationOf } from '../host/explanations.ts';

/** A text with the bits of its tokens; null: not read. */
function scored(...pieces: readonly (readonly [string, number | null])[]): { readonly text: string; readonly scores: FileScores } {
  const { text, tokens, logprob } = explanationOf(
    pieces.map(([piece, bits]) => ({ text: piece, probability: bits === null ? null : 2 ** -bits })),
  );
  const scores = unreadScores({ tokens: packedTokens(tokens), rule: { length: 8, stride: 4 } });
  scores.logprob.set(logprob);
  for (const [index, [, bits]] of pieces.entries()) if (bits !== null) scores.known[index] = READ;
  return { text, scores };
}

const FILE = scored(['The', null], [' un', 4], ['likely', 6], [' cat', 3], ['\n', 1], ['今', 8], ['天', 2], ['很', 7], ['好', 1], ['.', 5]);
const ALL: SurpriseChoice = { unit: 'token', order: 'total', filter: '' };
const named = (choice: Partial<SurpriseChoice>, symbols: Parameters<typeof surpriseList>[2] = []): readonly (readonly [string, number])[] =>
  surpriseList(FILE.text, FILE.scores, symbols, { ...ALL, ...choice }, 100).map(({ name, bits }) => [name, Math.round(bits)]);

describe('surprises', () => {
  test('are tokens, words with the sum of their tokens (Chinese words too), lines, or symbols', () => {
    expect(named({}).slice(0, 3)).toEqual([
      ['今', 8],
      ['很', 7],
      ['likely', 6],
    ]);
    expect(named({ unit: 'word' })).toEqual([
      ['unlikely', 10],
      ['今天', 10],
      ['很好', 8],
      ['cat', 3],
    ]);
    expect(named({ unit: 'line' })).toEqual([
      ['今天很好.', 23],
      ['The unlikely cat\n', 14],
    ]);
    expect(named({ unit: 'paragraph' })).toEqual([['The unlikely cat\n今天很好.', 37]]);
    expect(named({ unit: 'symbol' }, [{ name: 'first', start: 0, end: 16 }])).toEqual([['first', 13]]);
  });

  test('are sorted by bits per byte too, and filtered by text in any case', () => {
    expect(named({ order: 'perByte' })[0]).toEqual(['.', 5]);
    expect(named({ filter: 'LIKE' })).toEqual([['likely', 6]]);
    expect(named({ unit: 'word', filter: '今' })).toEqual([['今天', 10]]);
  });

  test('of a long text are the first of all, without those that are not wanted', () => {
    const pieces = Array.from({ length: 500 }, (_, i): [string, number | null] => [
      `${String.fromCharCode(97 + (i % 26))}${i} `,
      i % 7 === 0 ? null : (i * 37) % 101,
    ]);
    const { text, scores } = scored(...pieces);
    for (const filter of ['', 'c', 'none'])
      for (const order of ['total', 'perByte'] as const) {
        // Numbers alone, as those of equal tokens differ by rounding.
        const found = surpriseList(text, scores, [], { unit: 'token', order, filter }, 20).map(({ bits, bytes }) =>
          (order === 'total' ? bits : bits / bytes).toFixed(3),
        );
        const all = pieces.flatMap(([piece, bits]) =>
          bits !== null && piece.includes(filter) ? [order === 'total' ? bits : bits / piece.length] : [],
        );
        expect(found).toEqual(
          all
            .toSorted((one, other) => other - one)
            .slice(0, 20)
            .map((rate) => rate.toFixed(3)),
        );
      }
  });

  test('are a table with a row for each', () => {
    const list = surpriseList(FILE.text, FILE.scores, [], { ...ALL, unit: 'line' }, 1);
    expect(surpriseTable(list, ['line'], () => [2])).toBe('bits\tbits/byte\ttokens\tline\ttext\n23.000\t1.769\t5\t2\t今天很好.\n');
  });
});

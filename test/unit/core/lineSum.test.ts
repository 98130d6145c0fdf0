import { expect, test } from 'vitest';
import { OLDER, READ, UNREAD, unreadScores } from '../../../src/core/fileScores.ts';
import { lineSum } from '../../../src/core/lineSum.ts';
import { packedTokens } from '../../packedTokens.ts';
import { applyEdit, trackText } from '../../../src/core/textEdits.ts';
import { explanationOf } from '../host/explanations.ts';

const PIECES = ['The', ' cat', '\n', 'sat', '.\n  ', 'on', '\n', 'it'];
/** Tokens of 1, 2, 4, … bits but for the first, which nothing predicts, in four lines; the fifth reaches into the third line. */
function file() {
  const { text, tokens, logprob } = explanationOf(
    PIECES.map((piece, index) => ({ text: piece, probability: index === 0 ? null : 2 ** -(2 ** (index - 1)) })),
  );
  const scores = unreadScores({ tokens: packedTokens(tokens), rule: { length: 64, stride: 32 } });
  scores.logprob.set(logprob);
  scores.known.fill(READ, 1);
  const tracked = trackText(0, text.length);
  return { scores, tracked, parts: tracked.pieces, text };
}

test('a line’s bits are those of the tokens that begin in it', () => {
  const { text, ...scored } = file();
  const starts = [0, 8, 13, 18, text.length];
  const bits = starts.slice(1).map((end, line) => lineSum(scored, starts[line] ?? 0, end)?.bits);
  for (const [line, sum] of [1 + 2, 4 + 8, 16 + 32, 64].entries()) expect(bits[line]).toBeCloseTo(sum, 4);
});

test('a line has none where a token of it is not read, or was edited, or none is predicted', () => {
  const { text, ...scored } = file();
  scored.scores.known[3] = UNREAD;
  expect(lineSum(scored, 8, 13)).toBeNull();
  scored.scores.known[3] = READ;
  expect(lineSum(scored, 0, 3)).toBeNull();
  // An edit at the begin of the third line changes a token that began in the second.
  const edited = { ...scored, tracked: applyEdit(scored.tracked, { offset: 14, removed: 0, inserted: 1 }) };
  expect(lineSum(edited, 8, 13)).toBeNull();
  expect(lineSum(edited, 13, 19)).toBeNull();
  expect(lineSum(edited, 19, text.length + 1)).toEqual({ bits: expect.closeTo(64, 4), older: false });
});

test('a line says whether a number of it is from before an edit', () => {
  const scored = file();
  scored.scores.known[6] = OLDER;
  expect(lineSum(scored, 13, 18)).toEqual({ bits: expect.closeTo(48, 4), older: true });
  expect(lineSum(scored, 8, 13)?.older).toBe(false);
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { layOut } from '../../../src/analysis/layOut.ts';
import { scoreAnswers } from '../../../src/analysis/scoreAnswers.ts';
import { scoreText } from '../../../src/analysis/windowScores.ts';
import type { AnswerContext } from '../../../src/analysis/answering.ts';
import {
  addPart,
  beginningOf,
  carriedScores,
  fileTotals,
  nextPart,
  OLDER,
  partQuestion,
  READ,
  shareRead,
  UNREAD,
  unreadScores,
  type FileScores,
} from '../../../src/core/fileScores.ts';
import { emptyTokens, tokenPlace } from '../../../src/core/packedTokens.ts';
import { UNWATCHED } from '../../../src/core/progress.ts';
import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { NO_SCORES, withToken } from '../../../src/core/textScores.ts';
import { createTraceCache } from '../../../src/analysis/traceCache.ts';
import { UserError } from '../../../src/core/errors.ts';
import { openLanguageModel } from '../../../src/model/languageModel.ts';
import { openTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { LETTERS_TOKENIZER } from '../../webview/family.ts';
import { folder } from '../model/folder.ts';

/** A tiny model whose tokens are characters; its context is 64. `other`: what is different in its config. */
async function opened(other: Readonly<Record<string, unknown>> = {}): Promise<AnswerContext> {
  const config = JSON.parse(readFileSync(`${FIXTURES}/llama/config.json`, 'utf8')) as object;
  const files = folder(`${FIXTURES}/llama`, {
    'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER),
    'config.json': JSON.stringify({ ...config, ...other }),
  });
  const model = await openLanguageModel(files, await wasm());
  const tokenizer = await openTokenizer(files, model.info.vocab);
  return {
    ...UNWATCHED,
    open: { model, tokenizer, files, generation: new UserError('none') },
    cache: createTraceCache(model),
    room: async () => ({ tokens: 64, bytes: 1e9 }),
  };
}

const TEXT = Array.from({ length: 20 }, (_, i) => `the cat ${String.fromCharCode(97 + i)} sat on a mat.\n`).join('');

/** Reads all that is unread; `near` gives the place that the user looks at before each part. Returns the parts' windows in order. */
async function readAll(context: AnswerContext, scores: FileScores, near: () => number): Promise<number[]> {
  const order: number[] = [];
  for (let part = nextPart(scores, near()); part !== null; part = nextPart(scores, near())) {
    const { run, args } = partQuestion(scores, part);
    addPart(scores, part, await scoreAnswers.scores(context, run, args));
    order.push(part.window);
  }
  return order;
}

const sameNumbers = (a: FileScores, b: { readonly logprob: Float32Array; readonly rank: Int32Array; readonly entropy: Float32Array }) => {
  for (const name of ['logprob', 'entropy'] as const)
    for (const [index, value] of a[name].entries()) {
      const other = b[name][index] ?? 0;
      expect(Number.isNaN(value) ? NaN : Math.abs(value - other) < 2e-5, `${name} ${index}`).toEqual(Number.isNaN(other) ? NaN : true);
    }
  expect([...a.rank]).toEqual([...b.rank]);
};

describe('a file that is read part by part', () => {
  test.each([32, 64, 17])(
    'has the numbers of the whole text scored in order, wherever the user looks, windows %d apart',
    async (stride) => {
      const context = await opened();
      const layout = await layOut(context, TEXT, stride);
      expect([layout.rule, layout.read]).toEqual([{ length: 64, stride }, TEXT.length]);
      const whole = await scoreText(context.open.model, runOf(layout.tokens.ids, UNCHANGED), layout.rule, UNWATCHED);
      const scores = unreadScores(layout);
      let seed = 1;
      await readAll(context, scores, () => (seed = (seed * 7919) % 480));
      sameNumbers(scores, whole);
      expect(shareRead(scores)).toBe(1);
      const totals = [...whole.logprob.keys()].reduce(
        (sum, index) => withToken(sum, tokenPlace(layout.tokens, index), whole.logprob[index] ?? NaN),
        NO_SCORES,
      );
      expect({ ...fileTotals(scores), bits: 0 }).toEqual({ ...totals, bits: 0 });
      expect(fileTotals(scores).bits).toBeCloseTo(totals.bits, 3);
    },
  );

  test('has the numbers of whole windows where frequencies of positions depend on their length', async () => {
    const factors = Array.from({ length: 8 }, (_, i) => 1 + i / 4);
    const rope = { rope_type: 'longrope', rope_theta: 10_000, short_factor: factors.map(() => 1), long_factor: factors };
    const context = await opened({ rope_parameters: { ...rope, original_max_position_embeddings: 32 } });
    const layout = await layOut(context, TEXT.slice(0, 100), 32);
    const other = await layOut(await opened(), TEXT.slice(0, 100), 32);
    expect([layout.startsAlike, other.startsAlike]).toEqual([false, true]);
    const whole = await scoreText(context.open.model, runOf(layout.tokens.ids, UNCHANGED), layout.rule, UNWATCHED);
    const scores = unreadScores(layout);
    await readAll(context, scores, () => 50);
    sameNumbers(scores, whole);
  });

  test('is read from where the user looks to its end, after that window’s own beginning, and then what is before', async () => {
    const context = await opened();
    const scores = unreadScores(await layOut(context, TEXT, null));
    const order = await readAll(context, scores, () => 200);
    expect(scores.windows).toHaveLength(14);
    expect(order).toEqual([5, 5, 6, 7, 8, 9, 10, 11, 12, 13, 4, 3, 2, 1, 0]);
  });

  test('has the first tokens soon wherever the reading begins, and the others in few questions', () => {
    const scores = unreadScores({ tokens: emptyTokens(5000), rule: { length: 1024, stride: 512 } });
    const sizes = (near: number, parts: number): readonly number[] =>
      Array.from({ length: parts }, () => {
        const part = nextPart(scores, near);
        if (part === null) return 0;
        const { from, end } = part;
        const none = new Float32Array(end - from);
        addPart(scores, part, { logprob: none, rank: new Int32Array(end - from), entropy: none });
        return end - from;
      });
    expect(sizes(0, 6)).toEqual([64, 256, 256, 256, 191, 256]);
    // The user looks at another place, which comes before what its window scores ahead of it, and back.
    expect(sizes(4000, 4)).toEqual([64, 32, 256, 160]);
    expect(sizes(1300, 3)).toEqual([64, 172, 20]);
    // An edited text begins anew.
    const again = carriedScores(scores, { tokens: emptyTokens(5000), rule: { length: 1024, stride: 512 } });
    expect(again.latest).toBeNull();
  });

  test('runs no window again that the panel shows', async () => {
    const context = await opened();
    const layout = await layOut(context, TEXT, null);
    const [shown, other] = [unreadScores(layout), unreadScores(layout)];
    await readAll(context, other, () => 0);
    const first = nextPart(shown, 0) ?? expect.fail('There is a part.');
    await context.cache.wholePass(partQuestion(shown, first).run, UNWATCHED.progress);
    const seen: string[] = [];
    const watched: AnswerContext = { ...context, progress: async ({ stage }) => void seen.push(stage) };
    const windows: number[] = [];
    for (let part = nextPart(shown, 0); part !== null; part = nextPart(shown, 0)) {
      const { run, args } = partQuestion(shown, part);
      addPart(shown, part, await scoreAnswers.scores(watched, run, args));
      if (seen.splice(0).length > 0) windows.push(part.window);
    }
    expect([...new Set(windows)]).toEqual(shown.windows.slice(1).map((_, index) => index + 1));
    sameNumbers(shown, other);
  });

  test('after an edit keeps what the edit cannot have changed, and is the new text’s once the rest is read', async () => {
    const context = await opened();
    const old = unreadScores(await layOut(context, TEXT, null));
    await readAll(context, old, () => 0);
    const edited = `${TEXT.slice(0, 200)}another${TEXT.slice(204)}`;
    const layout = await layOut(context, edited, null);
    const now = carriedScores(old, layout);
    const known = (from: number, to: number): readonly number[] => [...new Set(now.known.subarray(from, to))];
    // The first token of all has no score.
    expect([known(1, 200), known(200, 207), known(208, layout.tokens.ids.length)]).toEqual([[READ], [UNREAD], [OLDER]]);
    const first = nextPart(now, 0);
    expect([first?.window, first?.from]).toEqual([5, 200]);
    await readAll(context, now, () => 0);
    expect([...new Set(now.known.subarray(1))]).toEqual([READ]);
    const whole = unreadScores(layout);
    await readAll(context, whole, () => 0);
    sameNumbers(now, whole);
  });

  test('goes on with the scores of its beginning, which became tokens first, where those are the same', async () => {
    const text = TEXT.repeat(20);
    expect([beginningOf(TEXT, 0), beginningOf(text, 0), beginningOf(text, 500), beginningOf(text, 4000)]).toEqual([null, 4096, 4596, null]);
    // No character is cut.
    expect(beginningOf(`${'a'.repeat(4095)}😀${text}`, 0)).toBe(4095);
    const context = await opened();
    const layout = await layOut(context, text.slice(0, 300), null);
    const beginning = unreadScores(layout);
    const first = nextPart(beginning, 0) ?? expect.fail('There is a part.');
    const { run, args } = partQuestion(beginning, first);
    addPart(beginning, first, await scoreAnswers.scores(context, run, args));
    const whole = carriedScores(beginning, await layOut(context, text.slice(0, 480), null));
    expect([...new Set(whole.known.subarray(1, first.end))]).toEqual([READ]);
    expect([...new Set(whole.known.subarray(first.end))]).toEqual([UNREAD]);
    expect(nextPart(whole, 0)?.from).toBe(whole.windows[0]?.end === first.end ? whole.windows[1]?.scoredFrom : first.end);
    // Where the first tokens are others once the text goes on, nothing is kept.
    const tokens = { ...emptyTokens(480), ids: Int32Array.from({ length: 480 }, (_, i) => (i === 0 ? 7 : 8)) };
    expect([...new Set(carriedScores(beginning, { tokens, rule: layout.rule }).known)]).toEqual([UNREAD]);
  });

  test('has windows that reach all of it, or says why not', async () => {
    const context = await opened();
    await expect(layOut(context, TEXT, 65)).rejects.toThrow(/llama reads windows of 64 tokens: 65 apart/);
    const empty = await layOut(context, '', null);
    expect([nextPart(unreadScores(empty), 0), shareRead(unreadScores(empty))]).toEqual([null, 1]);
  });
});

import { describe, expect, it } from 'vitest';
import { NOT_RETURNED } from '../../../src/core/servedBy.ts';
import { UserError } from '../../../src/core/errors.ts';
import type { Alternative, Protocol, ScoredToken, ServerToken } from '../../../src/engines/engineApi.ts';
import { readAtOnce, returnedPredictions } from '../../../src/engines/engineReading.ts';
import { engineModelIn, engineModelOf, engineSettingOf } from '../../../src/engines/engineSetting.ts';
import { windowReads } from '../../../src/engines/windowReads.ts';

const never = new AbortController().signal;
const told = (text: string, id: number | null = null): ServerToken => ({ id, bytes: null, text, entry: null });
const alternative = (text: string, prob: number, id: number | null = null): Alternative => ({
  token: told(text, id),
  logprob: Math.log(prob),
});

/** An engine whose tokens are the text's characters, and whose log-probabilities are their places in the prompt, negative. */
function letters(more: Partial<Protocol> = {}, contextLength: number | null = 8): Protocol & { readonly asked: number[] } {
  const asked: number[] = [];
  const tokens = (text: string): ServerToken[] => Array.from(text, (letter) => told(letter, letter.charCodeAt(0)));
  return {
    asked,
    kind: 'vllm',
    model: 'letters',
    version: null,
    abilities: { scores: 'prompt', alternatives: 2, ids: true, takesIds: true, contextLength, parameters: null },
    tokenize: async (text) => tokens(text),
    scoreText: null,
    scoreIds: async (ids) => {
      asked.push(ids.length);
      return Array.from(ids, (id, index): ScoredToken => ({
        token: told(String.fromCharCode(id), id),
        logprob: index === 0 ? NaN : -index,
        rank: index === 0 ? 0 : 1,
        top: [],
      }));
    },
    next: null,
    weights: null,
    generate: async () => ({ text: '!', tokens: [{ ...alternative('!', 0.5, 33), top: [alternative('!', 0.5, 33)] }], end: null }),
    ...more,
  };
}

const options = { host: 'here', signal: never, alternatives: 2, tokenizer: null, agree: async () => undefined };

describe('a text that an engine reads at once', () => {
  it('is the window of a longer one that holds the place asked for', async () => {
    const { read, start, stop, window, after } = await readAtOnce(letters(), 'abcdefghijkl', { ...options, at: 9 });
    expect([start, stop, window?.index, window?.windows.length, window?.tokens]).toEqual([3, 10, 1, 3, 12]);
    expect(read.tokens.map(({ text, start: from }) => [text, from])).toEqual(Array.from('defghij', (letter, place) => [letter, place]));
    expect([after.map(({ token }) => token.text), read.logprob[6]]).toEqual([['!'], -6]);
    expect((await readAtOnce(letters(), 'abcdefghijkl', options)).start).toBe(0);
  });

  it('is as much of its beginning as fits where no ids are taken, and the rest is left to be named', async () => {
    const base = letters();
    const noIds = { ...base, abilities: { ...base.abilities, takesIds: false } };
    const { read, start, stop, window } = await readAtOnce(noIds, 'abcdefghijkl', options);
    expect([start, stop, read.tokens.length, window]).toEqual([0, 7, 7, null]);
  });

  it('is all of it where the engine does not say how much it reads', async () => {
    expect((await readAtOnce(letters({}, null), 'abcdefghijkl', options)).stop).toBe(12);
  });

  it('takes no more than was agreed to: nothing is scored where it was not', async () => {
    const base = letters();
    const each = { ...base, abilities: { ...base.abilities, scores: 'requests' as const } };
    const asked: number[] = [];
    const agree = async (requests: number): Promise<void> => {
      asked.push(requests);
      throw new UserError('no');
    };
    await expect(readAtOnce(each, 'abc', { ...options, agree })).rejects.toThrow('no');
    expect([asked, base.asked]).toEqual([[2], []]);
  });

  it('is shown without what follows it where the engine fails to write on', async () => {
    const failing = letters({ generate: async () => Promise.reject(new UserError('It is full.')) });
    expect((await readAtOnce(failing, 'abc', options)).after).toEqual([]);
  });
});

describe('predictions as they were returned', () => {
  it('a row has what may follow its token; places at which nothing was returned are named so', () => {
    const read = {
      tokens: [],
      told: [told('a', 1), told('b', 2)],
      rule: null,
      logprob: Float32Array.of(NaN, -1),
      rank: Int32Array.of(0, 3),
      top: [[], [alternative('x', 0.5, 7), alternative('y', 0.25, 8)]],
    };
    const { topK, topIds, pieces, ids } = returnedPredictions({ read, after: [alternative('z', 0.9, 9)] });
    expect([topK, [...topIds], pieces, [...ids]]).toEqual([2, [7, 8, 9, NOT_RETURNED], { 7: 'x', 8: 'y', 9: 'z' }, [1, 2]]);
  });

  it('tokens without ids are told apart by what they spell, the same one always alike', () => {
    const read = {
      tokens: [],
      told: [told('a'), told('b')],
      rule: null,
      logprob: Float32Array.of(NaN, -1),
      rank: Int32Array.of(0, 0),
      top: [[], [alternative('b', 0.5), alternative('c', 0.25)]],
    };
    const { ids, topIds } = returnedPredictions({ read, after: [alternative('a', 0.5)] });
    expect(topIds[0]).toBe(ids[1]);
    expect(topIds[2]).toBe(ids[0]);
    expect(new Set([...ids, topIds[1]]).size).toBe(3);
    expect(Math.max(...ids)).toBeLessThan(NOT_RETURNED);
  });
});

describe('windows of a long text', () => {
  const TEXT = 'abcdefghijklmnopqrst';

  it('are asked for ahead, each once, and each token has the number of its window', async () => {
    const engine = letters();
    const reads = windowReads(engine, 'here', 3);
    const { tokens, rule } = await reads.layOut(TEXT, 3, never, () => undefined);
    expect([tokens.ids.length, rule]).toEqual([20, { length: 7, stride: 3 }]);
    const first = await reads.scores(tokens.ids.slice(0, 4), { from: 1, to: 4 }, never);
    expect([[...first.logprob], [...first.entropy]]).toEqual([
      [-1, -2, -3],
      [NaN, NaN, NaN],
    ]);
    expect(engine.asked).toEqual([7, 7, 7]);
    expect([...(await reads.scores(tokens.ids.slice(3, 10), { from: 4, to: 7 }, never)).logprob]).toEqual([-4, -5, -6]);
    expect(engine.asked.length).toBe(4);
    expect([reads.holds(tokens.ids.slice(3, 5)), reads.holds(Int32Array.of(1, 2))]).toEqual([true, false]);
  });

  it('that were taken back are asked for again; what was answered is kept', async () => {
    let answers: (() => void)[] = [];
    const base = letters();
    const slow: Protocol = {
      ...base,
      scoreIds: async (ids, question) => {
        await new Promise<void>((resolve, reject) => {
          answers.push(resolve);
          question.signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
        return base.scoreIds?.(ids, question) ?? [];
      },
    };
    const reads = windowReads(slow, 'here', 2);
    const { tokens } = await reads.layOut(TEXT, 3, never, () => undefined);
    const stop = new AbortController();
    const first = reads.scores(tokens.ids.slice(0, 4), { from: 1, to: 4 }, stop.signal);
    answers[0]?.();
    await first;
    const second = reads.scores(tokens.ids.slice(3, 8), { from: 4, to: 5 }, stop.signal);
    await Promise.resolve();
    stop.abort();
    await expect(second).rejects.toThrow('cancelled');
    answers = [];
    const again = reads.scores(tokens.ids.slice(3, 8), { from: 4, to: 5 }, never);
    await Promise.resolve();
    for (const answer of answers) answer();
    expect((await again).logprob.length).toBe(1);
    // The first window is known still.
    expect((await reads.scores(tokens.ids.slice(0, 3), { from: 1, to: 3 }, never)).logprob.length).toBe(2);
  });
});

it('a setting names an engine and its model, whatever characters the name has', () => {
  const model = { address: 'http://localhost:8000', model: 'org/Model-7B:latest#1' };
  expect(engineModelOf(engineSettingOf(model))).toEqual(model);
  expect(engineModelOf('https://Host.example/v1/')).toEqual({ address: 'https://host.example', model: null });
  expect(['/models/a', 'http://', 'https://user:pass@host', 'file:///a'].map(engineModelIn)).toEqual([null, null, null, null]);
});

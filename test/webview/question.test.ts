// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { CancelledError } from '../../src/core/errors.ts';
import type { ShownExplanation } from '../../src/protocol/messages.ts';
import type { PanelContext } from '../../webview/context.ts';
import { question, type Question } from '../../webview/question.ts';
import { createStore, initialState, type Store } from '../../webview/state.ts';
import { readTheme } from '../../webview/theme.ts';
import type { Host } from '../../webview/vscodeApi.ts';
import { readFixture } from './readFixture.ts';

const SHOWN: ShownExplanation = readFixture().shown;

interface Answer {
  readonly text: string;
}
/** Questions that wait for this test to answer them, in the order in which they were asked. */
let waiting: { readonly args: object; readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void }[];
let store: Store;
let context: PanelContext;
let busy: HTMLElement;
let part: HTMLElement;
let drawn: string[];

beforeEach(() => {
  waiting = [];
  drawn = [];
  busy = document.createElement('section');
  part = document.createElement('p');
  store = createStore(
    initialState(
      readTheme(() => '', 'dark'),
      undefined,
    ),
    () => undefined,
  );
  store.dispatch({ type: 'host', message: { type: 'explanation', shown: SHOWN } });
  const query = (_: string, __: string, args: object): Promise<unknown> =>
    new Promise((resolve, reject) => void waiting.push({ args, resolve, reject }));
  context = {
    host: { query: query as Host['query'], post: () => undefined, drop: () => undefined, receive: () => undefined },
    store,
    tooltip: { show: () => undefined, hide: () => undefined },
    announce: () => undefined,
  };
});

/** A question that is a chain of two: which text, and what that reads as. */
function chain(): Question<Answer> {
  return question<Answer>(context, {
    busy: () => busy,
    parts: [part],
    ask: async ({ settings }, query) => {
      if (settings.wordSet === '') return 'Type a word.';
      await query('first', 'readText', { text: settings.wordSet ?? '' });
      const second = await query('second', 'readText', { text: `${settings.wordSet ?? ''} again` });
      return { text: second.tokens.map(({ text }) => text).join('') };
    },
    draw: ({ text }) => drawn.push(text),
  });
}
function ask(asked: Question<Answer>, word: string): void {
  store.dispatch({ type: 'settings', change: { wordSet: word } });
  asked.update(store.state(), word);
}
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
async function answer(index: number, text = ''): Promise<void> {
  waiting[index]?.resolve({ tokens: [{ text }] });
  await settle();
}
async function answerBoth(from: number, text: string): Promise<void> {
  await answer(from);
  await answer(from + 1, text);
}

describe('a question of a view', () => {
  it('is asked once for a key, waited for, and drawn with every later state', async () => {
    const asked = chain();
    ask(asked, 'a');
    asked.update(store.state(), 'a');
    expect(waiting).toHaveLength(1);
    expect(busy.getAttribute('aria-busy')).toBe('true');
    await answerBoth(0, 'A');
    expect(busy.hasAttribute('aria-busy')).toBe(false);
    expect(asked.answer()).toEqual({ text: 'A' });
    asked.update(store.state(), 'a');
    expect(waiting).toHaveLength(2);
    expect(drawn).toEqual(['A', 'A']);
  });

  it('says a failure in the place of the parts, and draws nothing until another key is answered', async () => {
    const asked = chain();
    ask(asked, 'a');
    waiting[0]?.reject(new Error('It broke.'));
    await settle();
    expect(part.hidden).toBe(true);
    expect(asked.notice.querySelector('[role="alert"]')?.textContent).toBe('It broke.');
    asked.update(store.state(), 'a');
    expect(drawn).toEqual([]);
    ask(asked, 'b');
    await answerBoth(1, 'B');
    expect(part.hidden).toBe(false);
    expect(asked.notice.childElementCount).toBe(0);
    expect(drawn).toEqual(['B']);
  });

  it('asks the same again on request, with the focus where the answer will be', async () => {
    const asked = chain();
    document.body.replaceChildren(busy, asked.notice);
    ask(asked, 'a');
    waiting[0]?.reject(new Error('It broke.'));
    await settle();
    const button = asked.notice.querySelector('button');
    expect(button?.textContent).toBe('Try again');
    button?.focus();
    button?.click();
    expect(asked.notice.childElementCount).toBe(0);
    expect(document.activeElement).toBe(busy);
    expect(waiting[1]?.args).toEqual({ text: 'a' });
    await answerBoth(1, 'A');
    expect(part.hidden).toBe(false);
    expect(drawn).toEqual(['A']);
  });

  it('drops an older chain once a newer key was asked, wherever it stands', async () => {
    const asked = chain();
    ask(asked, 'a');
    ask(asked, 'b');
    await answer(0);
    expect(waiting.map(({ args }) => args)).toEqual([{ text: 'a' }, { text: 'b' }]);
    await answer(1);
    ask(asked, '');
    await settle();
    expect(asked.notice.textContent).toBe('Type a word.');
    await answer(2, 'B');
    expect(drawn).toEqual([]);
    expect(asked.notice.textContent).toBe('Type a word.');
    expect(asked.answer()).toBeUndefined();
  });

  it('lets an older failure go by', async () => {
    const asked = chain();
    ask(asked, 'a');
    ask(asked, 'b');
    waiting[0]?.reject(new Error('It broke.'));
    await answerBoth(1, 'B');
    expect(asked.notice.childElementCount).toBe(0);
    expect(drawn).toEqual(['B']);
  });

  it('is asked again with the next state where it was dropped for no newer one', async () => {
    const asked = chain();
    ask(asked, 'a');
    waiting[0]?.reject(new CancelledError());
    await settle();
    expect(asked.notice.childElementCount).toBe(0);
    asked.update(store.state(), 'a');
    await answerBoth(1, 'A');
    expect(drawn).toEqual(['A']);
  });

  it('is never drawn over another explanation than it was asked of', async () => {
    const asked = chain();
    ask(asked, 'a');
    await answer(0);
    store.dispatch({ type: 'host', message: { type: 'explanation', shown: { ...SHOWN, serial: SHOWN.serial + 1 } } });
    await answer(1, 'of the text before');
    asked.redraw();
    expect(drawn).toEqual([]);
    expect(asked.answer()).toBeUndefined();
  });
});

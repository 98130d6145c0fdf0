import { afterEach, describe, expect, it, test } from 'vitest';
import { english } from '../../../src/core/translatable.ts';
import { whyMarkdown } from '../../../src/host/editor/whyHover.ts';
import { strongest, tokenLevels, WHY_LEVELS, whyLevels } from '../../../src/host/editor/whyLevels.ts';
import { explanationOf } from './explanations.ts';
import { endHosts, FIRST, SECOND, startHost, TEXT } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;

/** Ranges painted now by colour, such as whyFor3; as start and end within the first line. */
function painted(host: Host, kind: string): readonly (readonly [number, number])[] {
  const latest = new Map<{ readonly options: unknown }, readonly { start: { character: number }; end: { character: number } }[]>();
  for (const [type, ranges] of host.shown.setDecorations.mock.calls as [{ options: unknown }, never[]][]) latest.set(type, ranges);
  return [...latest].flatMap(([{ options }, ranges]) =>
    JSON.stringify(options).includes(`explainTokens.${kind}"`)
      ? ranges.map(({ start, end }) => [start.character, end.character] as const)
      : [],
  );
}
const asked = (host: Host) => host.posted().flatMap((message) => (message.type === 'why' ? [message.position] : []));
const serial = (host: Host) => host.posted().findLast((message) => message.type === 'explanation')?.shown.serial ?? 0;
/** As the page does once the tab shows how much each token counts: the last of them most. */
const answer = (host: Host, position: number, change: { readonly serial?: number } = {}): void =>
  host.say({
    type: 'whyWords',
    serial: serial(host),
    words: {
      position,
      token: 3,
      rival: 4,
      end: null,
      values: Array.from({ length: position + 1 }, (_, index) => (index % 2 === 0 ? index : -index)),
      units: null,
    },
    ...change,
  });

async function explained(): Promise<Host> {
  const host = await startHost();
  await host.explain();
  await host.settle();
  return host;
}

describe('why this token', () => {
  it('is asked of the token at the cursor: the panel opens on what was predicted before it, and the words are painted', async () => {
    const host = await explained();
    host.select(host.shown, 6, 6);
    host.run('why');
    await host.settle();
    expect(asked(host)).toEqual([5]);
    const before = painted(host, 'surprisal5').length;
    answer(host, 5);
    await host.settle();
    // The largest is token 5, against; token 4 is for.
    expect(painted(host, 'whyAgainst3')).toEqual([[5, 6]]);
    expect(painted(host, 'whyFor3')).toEqual([[4, 5]]);
    expect(painted(host, 'surprisal5')).toEqual([]);
    host.run('clearWhy');
    await host.settle();
    expect([painted(host, 'whyAgainst3'), painted(host, 'whyFor3')]).toEqual([[], []]);
    expect(painted(host, 'surprisal5')).toHaveLength(before);
  });

  it('explains the text around the cursor first where that is another one', async () => {
    const host = await explained();
    const start = TEXT.indexOf(SECOND);
    host.select(host.shown, start + 4, start + 4);
    host.run('why');
    await host.settle();
    expect(host.texts()).toEqual([FIRST, SECOND]);
    expect(asked(host)).toEqual([3]);
  });

  it('waits for a panel that has no page yet', async () => {
    const host = await startHost();
    host.select(host.shown, 6, 6);
    host.run('why');
    await host.settle();
    expect(asked(host)).toEqual([]);
    host.greet();
    await host.settle();
    expect(asked(host)).toEqual([5]);
  });

  it('says so where nothing precedes the token, or there is no token', async () => {
    const host = await explained();
    host.select(host.shown, 0, 0);
    host.run('why');
    await host.settle();
    expect(host.window.showInformationMessage).toHaveBeenLastCalledWith('Nothing precedes this token, so nothing predicted it.');
    expect(asked(host)).toEqual([]);
  });

  it('is painted at once where the panel shows that question already', async () => {
    const host = await explained();
    answer(host, 5);
    host.select(host.shown, 6, 6);
    host.run('why');
    await host.settle();
    expect(painted(host, 'whyAgainst3')).toEqual([[5, 6]]);
  });

  it('paints nothing that was not asked for in the editor, or is of another explanation, and nothing after a new one', async () => {
    const host = await explained();
    answer(host, 5);
    await host.settle();
    expect(painted(host, 'whyAgainst3')).toEqual([]);
    host.select(host.shown, 6, 6);
    host.run('why');
    await host.settle();
    host.run('clearWhy');
    answer(host, 4);
    host.run('why');
    answer(host, 5, { serial: 99 });
    await host.settle();
    expect(painted(host, 'whyAgainst3')).toEqual([]);
    answer(host, 5);
    await host.settle();
    expect(painted(host, 'whyAgainst3')).toEqual([[5, 6]]);
    host.run('runAgain');
    await host.settle();
    expect(painted(host, 'whyAgainst3')).toEqual([]);
  });
});

test('levels are three strengths for and against, and nothing where a word hardly counts', () => {
  expect(whyLevels([1, -1, 0.5, -0.5, 0.2, -0.2, 0.05, 0])).toEqual([5, 4, 3, 2, 1, 0, -1, -1]);
  expect(whyLevels([0, 0])).toEqual([-1, -1]);
  expect(WHY_LEVELS).toBe(6);
});

test('the strongest words are named by size, without those that count nothing', () => {
  expect(strongest([0.1, -3, 0, 2], 3)).toEqual([1, 3, 0]);
  expect(strongest([0, 0], 3)).toEqual([]);
});

describe('the hover of why', () => {
  const explanation = explanationOf([
    { text: 'a', probability: null },
    { text: '`b', probability: 0.5 },
    { text: 'c', probability: 0.5 },
    { text: 'd', probability: 0.5 },
  ]);
  const words = { position: 2, token: 3, rival: 100, end: null, values: [0.25, -1.5, 0], units: null };

  it('names the token, its rival and the strongest words, text as text', () => {
    expect(whyMarkdown(explanation, words, 3, english)?.split('\n\n')).toEqual([
      'Why `d` here, rather than `other`?',
      'The strongest words, by the method chosen in the panel: `` `b `` −1.500 · `a` +0.250',
    ]);
  });

  it('tells how much the word under the pointer counts, and nothing of words after the token', () => {
    expect(whyMarkdown(explanation, { ...words, rival: null }, 0, english)).toMatch(/^Why `d` here\?[\s\S]*\n\nHere: `a` \+0\.250$/);
    expect(whyMarkdown(explanation, { ...words, position: 0, values: [1] }, 2, english)).toBeNull();
  });

  it('names all tokens of a span, and words within it', () => {
    const span = { ...words, position: 0, end: 2 };
    expect(whyMarkdown(explanation, span, 3, english)).toMatch(/^Why `` `bcd `` here\?\n\nThe strongest words/);
    expect(whyMarkdown(explanation, span, 2, english)).toMatch(/\n\nHere: `c` 0\.000$/);
    expect(whyMarkdown(explanation, { ...span, end: 1 }, 3, english)).toBeNull();
  });

  it('names words that were left out as a whole, and says nothing of one that is not measured', () => {
    const whole = {
      ...words,
      values: [-0.5, null],
      units: [
        { first: 0, end: 2 },
        { first: 2, end: 3 },
      ],
    };
    expect(whyMarkdown(explanation, whole, 1, english)).toMatch(/panel: ``a`b`` −0\.500\n\nHere: ``a`b`` −0\.500$/);
    expect(whyMarkdown(explanation, whole, 2, english)).not.toContain('Here');
    expect(tokenLevels(whole)).toEqual([4, 4, -1]);
  });
});

import { afterEach, describe, expect, it, test } from 'vitest';
import { english } from '../../../src/core/translatable.ts';
import { attentionMarkdown } from '../../../src/host/editor/attentionHover.ts';
import { ATTENTION_LEVELS, attentionLevels } from '../../../src/host/editor/whyLevels.ts';
import type { EditorAttention } from '../../../src/protocol/messages.ts';
import { explanationOf } from './explanations.ts';
import { endHosts, startHost, TEXT, turns } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;
interface PaintedRange {
  readonly start: { readonly character: number };
  readonly end: { readonly character: number };
}

/** Ranges painted now by a colour, as start and end within the first line. */
function painted(host: Host, kind: string): readonly (readonly [number, number])[] {
  const latest = new Map<{ readonly options: unknown }, readonly PaintedRange[]>();
  for (const [type, ranges] of host.shown.setDecorations.mock.calls as [{ options: unknown }, PaintedRange[]][]) latest.set(type, ranges);
  return [...latest].flatMap(([{ options }, ranges]) =>
    JSON.stringify(options).includes(`explainTokens.${kind}`)
      ? ranges.map(({ start, end }) => [start.character, end.character] as const)
      : [],
  );
}
const shaded = (host: Host): number => painted(host, 'attention').reduce((sum, [start, end]) => sum + end - start, 0);
const hovers = (host: Host, at: number): string =>
  host.hovers.map(({ provideHover }) => provideHover(host.document, host.document.positionAt(at))?.contents.value ?? '').join('');
const isOn = (host: Host): boolean => host.contexts.get('explainTokens.attention') === true;

async function followed(at = 6): Promise<Host> {
  const host = await startHost();
  await host.explain();
  await host.settle();
  host.select(host.shown, at, at);
  host.run('toggleAttention');
  await host.settle();
  return host;
}
const choose = async (host: Host, choice: Partial<EditorAttention>): Promise<void> => {
  host.say({ type: 'editorAttention', choice: { kind: 'mean', layer: 0, head: 0, hideFirst: true, ...choice } });
  await host.settle();
};

describe('the attention of the token at the cursor', () => {
  it('shades the words before it in place of surprisal, until it is turned off', async () => {
    const host = await followed();
    expect(isOn(host)).toBe(true);
    expect(shaded(host)).toBeGreaterThan(0);
    expect(painted(host, 'attention').every(([start, end]) => start >= 1 && end <= 7)).toBe(true);
    expect(painted(host, 'surprisal5')).toEqual([]);
    host.run('toggleAttention');
    await host.settle();
    expect([isOn(host), shaded(host)]).toEqual([false, 0]);
    expect(painted(host, 'surprisal5').length).toBeGreaterThan(0);
  });

  it('follows the cursor at once and without the model, which was asked for all rows', async () => {
    const host = await followed();
    const said = host.workers.said();
    const words = (): string | undefined => /Attention of `(.*?)`/.exec(hovers(host, 0))?.[1];
    expect(words()).toBe('t');
    for (const [at, text] of [
      [4, 'c'],
      [5, 'a'],
      [8, 's'],
    ] as const) {
      host.select(host.shown, at, at);
      expect(words()).toBe(text);
      expect(painted(host, 'attention').every(([, end]) => end <= at + 1)).toBe(true);
    }
    host.select(host.shown, TEXT.length - 1, TEXT.length - 1);
    expect([shaded(host), words()]).toEqual([0, undefined]);
    await host.settle();
    expect(host.workers.said()).toBe(said);
  });

  it.each(['head', 'mean', 'value-weighted'] as const)('is that of the panel’s choice: %s', async (kind) => {
    const host = await followed();
    await choose(host, { kind, layer: 1, head: 1, hideFirst: false });
    const title = { head: 'layer 1, head 1', mean: 'layer 1, mean of its', 'value-weighted': 'layer 1: shares of the lengths' }[kind];
    expect(hovers(host, 3)).toContain(title);
    expect(hovers(host, 3)).not.toContain('left out here');
    // Those rows that nobody waited for were asked for behind.
    const said = host.workers.said();
    host.select(host.shown, 9, 9);
    expect(hovers(host, 3)).toContain(title);
    await host.settle();
    expect(host.workers.said()).toBe(said);
    await choose(host, { kind, layer: 99, head: 99 });
    expect(hovers(host, 3)).toContain('left out here');
    expect(host.errors()).toEqual([]);
  });

  it('has no words that were edited since, says so, and goes on with the next explanation', async () => {
    const host = await followed(8);
    await choose(host, { hideFirst: false });
    host.select(host.shown, 0, 3);
    host.type(host.shown, 'thy');
    host.select(host.shown, 8, 8);
    await host.settle();
    expect(painted(host, 'attention').every(([start, end]) => start > 2 || end < 3)).toBe(true);
    expect(hovers(host, 8)).toContain('the text ahead of them was edited since');
    host.run('runAgain');
    await host.settle();
    expect(isOn(host)).toBe(true);
    host.select(host.shown, 8, 8);
    await host.settle();
    expect(hovers(host, 8)).toContain('Attention of `s`');
    expect(hovers(host, 8)).not.toContain('edited since');
    host.run('clear');
    await host.settle();
    expect([isOn(host), shaded(host)]).toEqual([false, 0]);
  });

  it('explains the text around the cursor first, and takes turns with Why', async () => {
    const host = await startHost();
    host.select(host.shown, 6, 6);
    host.run('toggleAttention');
    await host.settle();
    host.greet();
    await host.settle();
    expect(shaded(host)).toBeGreaterThan(0);
    host.run('why');
    await host.settle();
    expect([isOn(host), shaded(host)]).toEqual([false, 0]);
    host.select(host.shown, TEXT.length - 1, TEXT.length - 1);
    host.run('toggleAttention');
    await turns(5);
    expect(host.window.showInformationMessage).toHaveBeenLastCalledWith(
      'Attention follows the cursor: put it on a token of the explained text.',
    );
  });

  it('is off once the model cannot answer, and says why', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    host.select(host.shown, 6, 6);
    host.workers.onceAt(0, () => host.workers.killAll());
    host.run('toggleAttention');
    await host.settle();
    expect(isOn(host)).toBe(false);
    expect(host.errors()).toHaveLength(1);
  });
});

test('levels are shares of the largest weight, which may be that of the first token', () => {
  expect(attentionLevels(Float32Array.of(0.8, 0.1, 0.05, 0.05), false)).toEqual([2, 0, -1, -1]);
  expect(attentionLevels(Float32Array.of(0.8, 0.1, 0.05, 0.009), true)).toEqual([-1, 2, 1, -1]);
  expect(attentionLevels(Float32Array.of(1), true)).toEqual([2]);
  expect(ATTENTION_LEVELS).toBe(3);
});

test('the hover names the three strongest and the word under the pointer, text as text', () => {
  const explanation = explanationOf(['a', '`b', 'c', 'd', 'e'].map((text) => ({ text, probability: 0.5 })));
  const words = {
    query: 3,
    weights: Float32Array.of(0.5, 0.25, 0.125, 0.125),
    choice: { kind: 'head', layer: 2, head: 1, hideFirst: true } as const,
  };
  expect(attentionMarkdown(explanation, words, 1, false, english)?.split('\n\n')).toEqual([
    'Attention of `d` in layer 2, head 1',
    'Most of it: `` `b `` 25.0% · `c` 12.5% · `d` 12.5%',
    'The first token, left out here, takes 50.0%.',
    'Here: `` `b `` 25.0%',
  ]);
  expect(attentionMarkdown(explanation, words, 4, false, english)).toBeNull();
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { visibleText } from '../../src/core/visibleText.ts';
import { expectShown, numberIn, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { generateByCommandLine, traceByCommandLine, type Generated } from './trace.ts';
import { until } from './until.ts';

const LINE = sampleLines(1, 1);
const COUNT = 8;
const SAMPLED = { temperature: '0.9', 'top-k': '40', 'top-p': '0.95', 'min-p': '0.01', seed: '7' } as const;
const strings = JSON.parse(readFileSync(join(ROOT, 'l10n/bundle.l10n.zh-cn.json'), 'utf8')) as Readonly<Record<string, string>>;

/** The Generate tab, by the texts of a display language. */
function generateTab(panel: Panel, say: (english: string) => string) {
  const { frame } = panel;
  const button = (name: string) => frame.getByRole('button', { name: say(name), exact: true });
  const tokens = frame.getByRole('listbox', { name: say('Generated tokens') }).getByRole('option');
  return {
    button,
    tokens,
    open: () => frame.locator('#tab-generate').click(),
    set: async (label: string, value: string) => {
      const field = frame.getByRole('spinbutton', { name: say(label), exact: true });
      await field.fill(value);
      await field.press('Tab');
    },
    /** Plays until it rests, and waits for exactly so many tokens. */
    play: async (count: number) => {
      await button('Play').click();
      await until(`${count} generated tokens`, () => tokens.count(), (shown) => shown === count, 60_000);
      await button('Play').waitFor({ timeout: 60_000 });
    },
    texts: () => tokens.allTextContents(),
  };
}

describe('generating in VS Code', () => {
  let session: Session;
  let panel: Panel;
  let greedy: Generated;
  const say = (english: string): string => english;
  const tab = () => generateTab(panel, say);
  const editorText = async (): Promise<string> => (await session.page.locator('.editor-group-container .monaco-editor').first().locator('.view-line').allInnerTexts()).join('\n').replaceAll('\u00a0', ' ');

  beforeAll(async () => {
    greedy = generateByCommandLine(LINE, ['--greedy', '--tokens', String(COUNT)]);
    session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads' });
    panel = panelOf(session.workbench);
    await session.workbench.selectLines(1, 1);
    await session.workbench.command('Explain Tokens');
    await panel.shows(greedy.prompt.length);
    await tab().open();
    await tab().set('New tokens at most', String(COUNT));
  });
  afterAll(() => session.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  it('writes greedily what the command line writes, with its probabilities', async () => {
    await panel.frame.getByRole('radio', { name: 'Greedy', exact: true }).check();
    await tab().play(COUNT);
    expect(await tab().texts()).toEqual(greedy.steps.map(({ text }) => visibleText(text)));
    for (const [place, { prob, rank }] of greedy.steps.entries()) {
      const facts = ((await tab().tokens.nth(place).getAttribute('title')) ?? '').split(', ').slice(-3);
      expectShown(facts[0] ?? '', 100 * prob, `probability of generated token ${place}`);
      expect(numberIn(facts[1] ?? '')).toBe(rank);
    }
    await session.screenshot('40 generated greedily');
  });

  it('draws with a seed what the command line draws', async () => {
    const sampled = generateByCommandLine(LINE, ['--tokens', String(COUNT), ...Object.entries(SAMPLED).flatMap(([name, value]) => [`--${name}`, value])]);
    await tab().button('Reset').click();
    await panel.frame.getByRole('radio', { name: 'Sampling', exact: true }).check();
    for (const [label, name] of [['Temperature', 'temperature'], ['Top-k', 'top-k'], ['Top-p', 'top-p'], ['Min-p', 'min-p'], ['Seed', 'seed']] as const) await tab().set(label, SAMPLED[name]);
    await tab().play(sampled.steps.length);
    expect(await tab().texts()).toEqual(sampled.steps.map(({ text }) => visibleText(text)));
    await session.screenshot('41 drawn with a seed');
  });

  it('takes another candidate and keeps both branches', async () => {
    const before = await tab().texts();
    await tab().tokens.nth(2).click();
    await panel.frame.locator('.step-candidates button[aria-pressed="false"]').first().click();
    await until('the branch', () => tab().tokens.count(), (count) => count === 3);
    await tab().play(COUNT);
    const items = panel.frame.getByRole('treeitem');
    expect(await items.count()).toBe(2);
    expect((await tab().texts()).slice(0, 2)).toEqual(before.slice(0, 2));
    expect((await tab().texts())[2]).not.toBe(before[2]);
    await session.screenshot('42 two branches');
    await items.first().click();
    await until('the first branch', () => tab().texts(), (texts) => texts.join() === before.join());
  });

  it('explains the text and what was generated together, token by token as it was generated', async () => {
    await tab().button('Reset').click();
    await panel.frame.getByRole('radio', { name: 'Greedy', exact: true }).check();
    await tab().play(COUNT);
    await tab().button('Explain the Whole').click();
    await panel.shows(greedy.prompt.length + COUNT);
    expect((await panel.rows()).slice(-COUNT).map(({ id }) => numberIn(id))).toEqual(greedy.steps.map(({ id }) => id));
    await panel.frame.locator('.notices').getByText('generated by the model').waitFor();
    await panel.openTab('Attention');
    await session.screenshot('43 attention of generated tokens');
  });

  it('inserts the generated text after the explained one, as an edit that is undone', async () => {
    const { page, workbench } = session;
    await workbench.selectLines(1, 1);
    await workbench.command('Explain Tokens');
    await panel.shows(traceByCommandLine(LINE).length);
    await tab().open();
    await tab().play(COUNT);
    await tab().button('Insert into Editor').click();
    const line = (LINE + greedy.text).split('\n')[0] ?? '';
    await until('the inserted text', editorText, (text) => text.includes(line));
    await session.screenshot('44 inserted');
    await workbench.focusEditor();
    await page.keyboard.press('Control+z');
    await until('the text without it', editorText, (text) => !text.includes(line) && text.includes(LINE));
  });

  it('offers no insertion once the text was edited', async () => {
    const { page, workbench } = session;
    const box = await workbench.wordBox('reads');
    await page.mouse.click(box.x + 4, box.y + box.height / 2);
    await page.keyboard.type('x');
    await until('the button to be off', () => tab().button('Insert into Editor').isDisabled(), (off) => off);
    await page.keyboard.press('Control+z');
    await until('the button to be on', () => tab().button('Insert into Editor').isEnabled(), (on) => on);
  });

  it('breaks no rule of the page', () => {
    expect(session.ownErrors()).toEqual([]);
  });
});

describe('generating with Chinese as the display language', () => {
  it('speaks Chinese and writes the same', async () => {
    const session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads', language: 'zh-cn' });
    try {
      const panel = panelOf(session.workbench);
      const say = (english: string): string => strings[english] ?? english;
      const greedy = generateByCommandLine(sampleLines(3, 3), ['--greedy', '--tokens', '5']);
      await session.workbench.selectLines(3, 3);
      await session.page.keyboard.press('Control+Alt+e');
      await panel.frame.locator('.strip').waitFor({ timeout: 60_000 });
      const tab = generateTab(panel, say);
      await tab.open();
      await panel.frame.getByRole('radio', { name: say('Greedy'), exact: true }).check();
      await tab.set('New tokens at most', '5');
      await tab.play(5);
      expect(await tab.texts()).toEqual(greedy.steps.map(({ text }) => visibleText(text)));
      await session.screenshot('76 Chinese Generate');
      expect(session.ownErrors()).toEqual([]);
    } finally {
      await session.close();
    }
  });
});

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { FAMILY_TEXT, LETTERS_TOKENIZER } from '../webview/family.ts';
import { expectSameNumbers, panelOf, settled, unfold, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, SAMPLE_LINES, sampleLines } from './texts.ts';
import { traceByCommandLine, type TracedToken } from './trace.ts';
import { SLOW, writeZeroModel } from './zeroModel.ts';

const EXPLAIN = 'Explain Tokens';
/** The number of the line behind the sample. */
const LETTERS_LINE = SAMPLE_LINES + 1;
const BUNDLED = join(ROOT, 'media/models/explain-tokens-9m');

describe('the model setting', () => {
  let session: Session;
  let panel: Panel;
  let traced: readonly TracedToken[];
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-'));

  beforeAll(async () => {
    traced = traceByCommandLine(sampleLines(1, 1));
    session = await openSession({ files: { 'sample.md': `${SAMPLE}${FAMILY_TEXT}\n` }, open: 'sample.md', expect: 'The model reads' });
    panel = panelOf(session.workbench);
  });
  afterAll(async () => {
    await session?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  const useModel = async (path: string): Promise<void> => {
    const title = `model ${path === '' ? 'bundled' : path}`;
    writeSettings(session.code, { 'explainTokens.model': path, 'window.title': title });
    // The title tells when VS Code has read the file.
    await expect.poll(() => session.page.title(), { timeout: 120_000 }).toBe(title);
  };
  const explainFirstLine = async (): Promise<void> => {
    await session.workbench.selectLines(1, 1);
    await session.workbench.command(EXPLAIN);
  };

  it('takes effect at once, and Cancel stops the loading of a large model', async () => {
    const slow = join(folder, 'slow-model');
    writeZeroModel(slow, SLOW);
    await useModel(slow);
    await explainFirstLine();
    const cancel = panel.frame.getByRole('button', { name: 'Cancel' });
    await cancel.waitFor({ timeout: 120_000 });
    await session.screenshot('20 loading');
    await cancel.click();
    await panel.frame.getByRole('heading', { name: 'Cancelled' }).waitFor();
    await session.screenshot('21 cancelled');
    expect(await panel.tokens.count()).toBe(0);
  });

  it('works again with the bundled model after that', async () => {
    await useModel('');
    await explainFirstLine();
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
  });

  it('offers Chat for a model with a chat template, and reads the text as a message with the numbers of the command line', async () => {
    const path = join(folder, 'template-model');
    cpSync(BUNDLED, path, { recursive: true });
    const settings = join(path, 'tokenizer_config.json');
    const template = "{% for message in messages %}{{ '<|endoftext|>' + message.role + ': ' + message.content }}{% endfor %}";
    writeFileSync(settings, JSON.stringify({ ...(JSON.parse(readFileSync(settings, 'utf8')) as object), chat_template: template }));
    await useModel(path);
    await explainFirstLine();
    const chat = panel.frame.getByRole('button', { name: 'Chat', exact: true });
    await panel.shows(traced.length);
    expect(await chat.getAttribute('aria-pressed')).toBe('false');
    const message = traceByCommandLine(sampleLines(1, 1), ['--model', path, '--chat']);
    expect(message.filter(({ special }) => special).length).toBeGreaterThan(1);
    await chat.click();
    await panel.shows(message.length);
    expect(await chat.getAttribute('aria-pressed')).toBe('true');
    expectSameNumbers(await panel.rows(), message);
    await session.screenshot('23 chat');
    await chat.click();
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
    await useModel('');
    await panel.shows(traced.length);
    await chat.waitFor({ state: 'hidden' });
  });

  it.each([
    ['a folder that does not exist', 'no-such-model', undefined, 'no-such-model'],
    ['a config of another family', 'other-family', { 'config.json': '{"model_type":"mamba"}' }, 'mamba'],
    ['a damaged config', 'damaged-config', { 'config.json': '{"model_type":' }, 'config.json'],
  ])('that names %s is refused in one sentence that names it, and the bundled model goes on working', async (_what, name, files, named) => {
    if (files) {
      mkdirSync(join(folder, name));
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
    }
    await useModel(join(folder, name));
    await explainFirstLine();
    const notification = session.workbench.notifications().filter({ hasText: named });
    await notification.waitFor();
    await session.screenshot(`22 refused ${name}`);
    expect(await session.workbench.notifications().count()).toBe(1);
    const sentence = await notification.innerText();
    expect(sentence).not.toMatch(/\n|\bat .*:\d+:\d+|undefined|\[object/);
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
    // The panel says so too, for as long as the settings name that model.
    await panel.frame
      .getByRole('alert')
      .filter({ hasText: `${join(folder, name)} could not be opened` })
      .waitFor();
    await session.workbench.clearNotifications();
    await expect.poll(() => session.workbench.notifications().count()).toBe(0);
  });

  /** Explains a line of letters with a tiny model, and goes through every tab: what each says, by its title. */
  const throughTabs = async (fixture: string, inTab: Readonly<Record<string, () => Promise<void>>> = {}): Promise<Map<string, string>> => {
    const path = join(folder, basename(fixture));
    cpSync(join(ROOT, 'test/fixtures/models', fixture), path, { recursive: true });
    writeFileSync(join(path, 'tokenizer.json'), JSON.stringify(LETTERS_TOKENIZER));
    await useModel(path);
    await session.workbench.selectLines(LETTERS_LINE, LETTERS_LINE);
    await session.workbench.command(EXPLAIN);
    await panel.shows(FAMILY_TEXT.length);
    // What was in the panel is read again with the new model, whose letters may not spell it: a notification says so.
    await session.workbench.clearNotifications();
    const said = new Map<string, string>();
    for (const tab of await panel.frame.getByRole('tab').all()) {
      if (!(await tab.isVisible())) continue;
      const title = await tab.innerText();
      await tab.click();
      await settled(panel.frame);
      await inTab[title]?.();
      await settled(panel.frame);
      await session.screenshot(`24 ${basename(fixture)} ${title}`);
      expect(await panel.frame.locator('.view-failure:visible').allInnerTexts(), title).toEqual([]);
      said.set(title, await panel.frame.locator('.page').innerText());
    }
    return said;
  };

  it('opens a hybrid, which says in every tab what its layers without attention have in its place', async () => {
    const said = await throughTabs('hybrids/qwen3_5_text.1', {
      Attention: async () => {
        await panel.frame.getByRole('heading', { level: 2, name: /^Layer 1, head/ }).waitFor();
        await panel.frame.locator('.overview-canvas').press('ArrowUp');
        await panel.frame.getByRole('heading', { level: 2, name: 'Layer 0: a gated delta net' }).waitFor();
      },
      Generate: async () => {
        await panel.frame.getByRole('button', { name: 'One Step', exact: true }).click();
        await panel.frame.getByText('1 of 64 new tokens.').waitFor();
        await unfold(panel.frame);
        await panel.frame.getByText('States of a fixed size').waitFor();
      },
    });
    expect([...said.keys()]).toHaveLength(10);
    expect(said.get('Attention')).toMatch(/derived from its own numbers.* rows do not sum to 1/s);
    expect(said.get('Positions')).toContain('Layer 0 is a gated delta net: it has no queries and keys to rotate.');
    expect(said.get('Generate')).toMatch(/39 positions × 1 layers\s+States of a fixed size\s+2\.02 kB in 2 layers/);
    expect(said.get('Why')).toContain('Layer 0: a gated delta net');
  });

  it('opens the text part of a model that reads pictures too, and says so', async () => {
    const said = await throughTabs('wrappers/gemma3.1');
    for (const [title, text] of said) expect(text, title).toContain('gemma3.1 is a gemma3 model: this is its text part.');
    expect(said.get('Attention')).toContain('window 5');
  });
});

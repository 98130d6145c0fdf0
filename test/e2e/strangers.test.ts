import { cpSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { filesOf, startHub, type HubServer } from '../library/hubServer.ts';
import { strangeAnswers } from '../library/strangeHub.ts';
import { describeModel } from '../../src/model/describeModel.ts';
import { asFolder } from '../../src/model/formats/asFolder.ts';
import { openTokenizer } from '../../src/model/tokenizer/textTokenizer.ts';
import { folder } from '../unit/model/folder.ts';
import { BUNDLED, strangeGgufs, strangeTemplates, strangeTexts, TEXTS, WORDS, type Stranger } from '../unit/model/strangers.ts';
import { actingIn } from './inertWindow.ts';
import { panelOf } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE } from './texts.ts';
import { until } from './until.ts';

const CLEAR = 'Control+Alt+Shift+n';
const SHOW = 'Control+Alt+F12';
const VOCAB = 16_384;

/** Whether a model of these files is refused: then its sentence is to be seen. */
async function isRefused({ files }: Stranger): Promise<boolean> {
  try {
    const model = await asFolder(folder(BUNDLED, files));
    await describeModel(model);
    await openTokenizer(model, VOCAB);
    return false;
  } catch {
    return true;
  }
}

/** The words in all those fields at once whose models open. */
function together(opening: readonly Stranger[]): Stranger['files'] {
  const files = Object.fromEntries(Object.entries(TEXTS).map(([file, text]) => [file, JSON.parse(text) as unknown]));
  for (const { field } of opening) {
    const [file = '', path = ''] = field.split(/ (.*)/s);
    const names = path.split('.');
    let at = files[file] as Record<string, unknown>;
    for (const name of names.slice(0, -1))
      at = (typeof at[name] === 'object' && at[name] !== null ? at[name] : {}) as Record<string, unknown>;
    at[names.at(-1) ?? ''] = WORDS;
  }
  return Object.fromEntries(Object.entries(files).map(([file, json]) => [file, JSON.stringify(json)]));
}

describe('a stranger’s words in every field', () => {
  let session: Session;
  let hub: HubServer;
  let refused: readonly Stranger[];
  let opening: readonly Stranger[];
  const ggufs = strangeGgufs();
  const answers = strangeAnswers('tester/tiny', filesOf(BUNDLED, ['config.json', 'model.safetensors', 'tokenizer.json']));

  beforeAll(async () => {
    const texts = strangeTexts().filter(({ as }) => as === 'value');
    const outcomes = await Promise.all(texts.map(isRefused));
    refused = texts.filter((_, index) => outcomes[index]);
    opening = texts.filter((_, index) => !outcomes[index]);
    hub = await startHub();
    session = await openSession({
      files: { 'sample.md': SAMPLE },
      open: 'sample.md',
      expect: 'The model reads',
      settings: { 'window.dialogStyle': 'custom' },
      keybindings: [
        { key: CLEAR.replace('Control', 'ctrl').toLowerCase(), command: 'notifications.clearAll' },
        { key: SHOW.replace('Control', 'ctrl').toLowerCase(), command: 'notifications.showList' },
      ],
      alone: true,
    });
    use('');
    await session.workbench.selectLines(1, 1);
    await session.page.keyboard.press('Control+Alt+e');
    await session.workbench.status().locator('.statusbar-item', { hasText: 'bits/token' }).waitFor({ timeout: 120_000 });
    // What LM Studio keeps, in the home of this VS Code: the list and the view open them all.
    for (const [index, { files }] of [...ggufs, ...refused.filter(({ field }) => field.startsWith('config.json'))].entries())
      write(join(session.code.folder, '.lmstudio/models/someone', `l${index}`), files);
  });
  afterAll(async () => {
    await session?.close();
    await hub?.close();
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
    await session.page.keyboard.press('Escape');
    await session.page.keyboard.press(CLEAR);
  });

  const placeOf = (name: string): string => join(session.code.folder, 'strangers', name);
  /** A model of the bundled one's weights; of a GGUF file alone, where there is one. */
  function write(place: string, files: Stranger['files']): void {
    mkdirSync(place, { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(place, name), content);
    if (!('config.json' in files)) return;
    const weights = join(session.code.folder, 'model.safetensors');
    if (!existsSync(weights)) cpSync(join(BUNDLED, 'model.safetensors'), weights);
    linkSync(weights, join(place, 'model.safetensors'));
  }
  function use(name: string): void {
    writeSettings(session.code, {
      ...(name === '' ? {} : { 'explainTokens.model': placeOf(name) }),
      'explainTokens.hubEndpoint': hub.endpoint,
    });
  }
  /** Those of errors: what is being done is told by one as well. */
  const messages = (): Locator =>
    session.page.locator(
      ':is(.notifications-toasts, .notifications-center) .notification-list-item:has(.codicon-error) .notification-list-item-message',
    );
  /** Texts of those that can be read, not of those that only come or have gone. */
  const notices = (): Promise<readonly string[]> =>
    messages().evaluateAll((all) =>
      all.flatMap((message) => {
        const { top, bottom } = message.getBoundingClientRect();
        const isSeen = message.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && top < innerHeight && bottom > 0;
        return isSeen ? [(message as HTMLElement).innerText] : [];
      }),
    );
  /** The errors told of. VS Code shows three toasts in 800 ms and no more: the others are in its list, and the bell says so. */
  const told = async (): Promise<readonly string[]> => {
    const { page } = session;
    if ((await notices()).length === 0 && (await page.locator('.statusbar .codicon-bell-dot').count()) > 0) await page.keyboard.press(SHOW);
    return notices();
  };
  /** Nothing in the window acts, and the marker's command did not run: the text is as it was, and unchanged. */
  const staysInert = async (field: string): Promise<void> => {
    expect(await actingIn(session.page), field).toEqual([]);
    expect(await session.page.locator('.tab.dirty').count(), field).toBe(0);
  };
  /** The sentence that a notification shows, which then goes. */
  const noticed = async (field: string): Promise<string> => {
    const [sentence = ''] = await until(`a notification of ${field}`, told, (sentences) => sentences.length > 0, 120_000);
    await staysInert(field);
    let [pressed, seen] = [0, performance.now()];
    await until(
      'no notification',
      async () => {
        const now = performance.now();
        if ((await notices()).length > 0) {
          seen = now;
          // A second time too soon would come when the next command has begun, and take the focus from it.
          if (now - pressed > 2000) {
            await session.page.keyboard.press(CLEAR);
            pressed = now;
          }
        }
        // One that goes takes the focus with it when it leaves the page; one that was closed while it came never leaves.
        return (await messages().count()) > 0 && performance.now() - seen < 3000;
      },
      (isThere) => !isThere,
    );
    return sentence;
  };
  /** Where one types into the list or the box that is open at the top. */
  const quickInput = (): Locator =>
    session.page.locator('.quick-input-widget:not([style*="display: none"]) input:not([type="checkbox"])').first();
  const begin = async (title: string): Promise<void> => {
    const palette = quickInput();
    // What ends meanwhile, such as a notification, takes the focus from a list that has just opened: it closes then.
    await until(
      title,
      async () => {
        await session.page.keyboard.press('F1');
        return palette.fill(`>${title}`, { timeout: 3000 }).then(
          () => true,
          () => false,
        );
      },
      (filled) => filled,
      120_000,
    );
    await palette.press('Enter');
  };

  /** Pages through rows until every model of LM Studio was among them. Keys go to `list`: what ends meanwhile takes the focus from it. */
  const seesAll = async (rows: Locator, list: Locator): Promise<void> => {
    const seen = new Map<string, string>();
    const count = readdirSync(join(session.code.folder, '.lmstudio/models/someone')).length;
    await until(
      'every model',
      async () => {
        for (const label of await rows.evaluateAll((all) => all.map((row) => row.getAttribute('aria-label') ?? '')))
          for (const [name] of label.matchAll(/someone\/l\d+/g)) seen.set(name, label);
        await staysInert('rows');
        await list.press('PageDown');
        return seen.size;
      },
      (size) => size === count,
      120_000,
    );
    expect([...seen.values()].filter((label) => label.includes('[Fix] (command:')).length).toBeGreaterThan(10);
  };

  it('of config.json, tokenizer.json and tokenizer_config.json: what is refused is told by an inert notification', async () => {
    const said: string[] = [];
    for (const [index, { field, files }] of refused.entries()) {
      write(placeOf(`f${index}`), files);
      use(`f${index}`);
      said.push(await noticed(field));
    }
    expect(said.filter((sentence) => sentence.includes('[Fix] (command:')).length).toBeGreaterThan(15);
    expect(await panelOf(session.workbench).frame.locator('a[href], .codicon-sync').count()).toBe(0);
    await session.screenshot('96 strangers panel');
  });

  it('whose models open: they are opened', async () => {
    write(placeOf('opens'), together(opening));
    use('opens');
    await session.workbench.status().locator('.statusbar-item', { hasText: 'opens' }).waitFor({ timeout: 120_000 });
    await staysInert('together');
  });

  it('of a chat template: what it raises, and why it is none', async () => {
    const { frame } = panelOf(session.workbench);
    const chat = frame.getByRole('button', { name: 'Chat', exact: true });
    for (const [index, { field, files }] of strangeTemplates().entries()) {
      write(placeOf(`c${index}`), { ...files, 'tokenizer.json': readFileSync(join(BUNDLED, 'tokenizer.json')) });
      use(`c${index}`);
      // The status bar is the editor's; the panel has the focus once Chat is pressed.
      const read = frame.getByText(`c${index}`, { exact: true }).first();
      const isOver = async (): Promise<boolean> => (await notices()).length > 0 || ((await read.isVisible()) && (await chat.isVisible()));
      await until(`${field} opened or refused`, isOver, (is) => is, 120_000);
      if ((await notices()).length === 0) await chat.click();
      expect(await noticed(field)).toContain('chat template');
    }
  });

  it('of GGUF files and configurations, in the list and the view of models and in a hover', async () => {
    const { page } = session;
    use('');
    await begin('Explain Tokens: Choose Model…');
    const rows = page.locator('.quick-input-list .monaco-list-row');
    await rows.filter({ hasText: 'someone' }).first().waitFor();
    // VS Code shows that a list is busy 800 ms after it is.
    let busy = performance.now();
    await until(
      'all described',
      async () => {
        if ((await page.locator('.quick-input-progress.active').count()) > 0) busy = performance.now();
        return performance.now() - busy;
      },
      (quiet) => quiet > 2000,
      120_000,
    );
    await seesAll(rows, quickInput());
    await session.screenshot('96 strangers list');
    await page.keyboard.press('Escape');
    await page.locator('.pane-header', { hasText: 'Language Models' }).click();
    const nodes = page.locator('.pane-body .monaco-list-row[role="treeitem"]');
    const hostile = nodes.filter({ hasText: '[Fix] (command:' }).first();
    // The click closes the group and gives it the focus.
    await nodes.filter({ hasText: 'LM Studio' }).first().click();
    await page.keyboard.press('ArrowRight');
    await nodes.filter({ hasText: 'someone' }).first().waitFor();
    const tree = page.locator('.pane-body .monaco-list', { has: page.locator('[role="treeitem"]', { hasText: 'someone' }) });
    await seesAll(nodes, tree);
    await tree.press('Home');
    await hostile.hover();
    await page.locator('.monaco-hover:not(.hidden)', { hasText: '[Fix]' }).first().waitFor();
    await staysInert('hover');
    await session.screenshot('96 strangers view');
  });

  it('of a hub, in what is asked and refused', async () => {
    const { page } = session;
    const input = quickInput();
    const rows = page.locator('.quick-input-list .monaco-list-row');
    for (const { field, model, misbehave, shown } of answers) {
      hub.serve(model);
      if (misbehave) hub.misbehave(misbehave);
      else hub.behave();
      await begin('Explain Tokens: Download a Model…');
      await rows.filter({ hasText: 'GPT-2' }).first().waitFor();
      await input.fill('tester/tiny');
      await rows.filter({ hasText: 'tester/tiny' }).click();
      if (shown === 'refusal') await noticed(field);
      else if (shown === 'list') {
        await rows.filter({ hasText: 'a.gguf' }).first().waitFor();
        await staysInert(field);
        // Without the focus it would stay, and take the next command's title as a filter.
        await input.press('Escape');
        await input.waitFor({ state: 'hidden' });
      } else {
        const dialog = page.locator('.monaco-dialog-box');
        await dialog.waitFor();
        await staysInert(field);
        expect(await dialog.locator('a[href], [data-href]').count()).toBe(0);
        await dialog.getByRole('button', { name: 'Cancel' }).click();
        await dialog.waitFor({ state: 'detached' });
      }
    }
  });

  it('in the log, which makes links of addresses', async () => {
    const { page, code } = session;
    await begin('Explain Tokens: Show Log');
    await page.locator('.part.panel .view-line').first().waitFor();
    await staysInert('log');
    // A path of the workspace may be one; the words are none.
    for (const link of await page.locator('.part.panel .detected-link').allInnerTexts()) expect(link).not.toMatch(/Fix|deleteLeft|command/);
    await session.screenshot('96 strangers log');
    const logs = readdirSync(join(code.userData, 'logs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('Explain Tokens.log'),
    );
    const text = logs.map((name) => readFileSync(join(code.userData, 'logs', name), 'utf8')).join('');
    expect(text).toContain('[Fix] (command:');
    expect(text).not.toMatch(/[^\P{Cc}\t\n]|[\u202a-\u202e]|\]\(|\$\(/u);
  });
});

import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { filesOf, startHub, type HubServer } from '../library/hubServer.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE } from './texts.ts';

const BUNDLED = join(ROOT, 'media/models/explain-tokens-9m');
/** A link of a notification, an icon of a list, the beginning of an escape sequence, and a turn of the direction of text. */
const HOSTILE = '[Repair](command:workbench.action.terminal.new)$(trash)\u001b]0;\u202e';

function gguf(architecture: string): Uint8Array {
  const string = (text: string): Buffer =>
    Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(Buffer.byteLength(text))).buffer), Buffer.from(text)]);
  const counts = Buffer.from(BigUint64Array.of(0n, 1n).buffer);
  return Buffer.concat([
    Buffer.from('GGUF'),
    Buffer.from(Uint32Array.of(3).buffer),
    counts,
    string('general.architecture'),
    Buffer.from(Uint32Array.of(8).buffer),
    string(architecture),
  ]);
}

describe('a stranger’s words in the window', () => {
  let session: Session;
  let hub: HubServer;

  beforeAll(async () => {
    hub = await startHub({
      id: 'tester/tiny',
      files: filesOf(BUNDLED, ['config.json', 'model.safetensors', 'tokenizer.json']),
      licence: HOSTILE,
    });
    session = await openSession({
      files: { 'sample.md': SAMPLE },
      open: 'sample.md',
      expect: 'The model reads',
      settings: { 'window.dialogStyle': 'custom' },
      alone: true,
    });
    writeModel('processor', 'tokenizer.json', (json) => ({ ...json, post_processor: { type: HOSTILE } }));
    writeModel('type', 'config.json', (json) => ({ ...json, model_type: HOSTILE, architectures: [HOSTILE] }));
    writeModel(HOSTILE, 'config.json', (json) => json);
    mkdirSync(place('gguf'));
    writeFileSync(place('gguf/stranger.gguf'), gguf(HOSTILE));
  });
  afterAll(async () => {
    await session?.close();
    await hub?.close();
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  const place = (name: string): string => join(session.code.workspace, name);
  const use = (name: string): void =>
    writeSettings(session.code, { 'explainTokens.model': place(name), 'explainTokens.hubEndpoint': hub.endpoint });
  const writeModel = (name: string, file: string, change: (json: Readonly<Record<string, unknown>>) => unknown): void => {
    cpSync(BUNDLED, place(name), { recursive: true });
    writeFileSync(
      join(place(name), file),
      JSON.stringify(change(JSON.parse(readFileSync(join(BUNDLED, file), 'utf8')) as Record<string, unknown>)),
    );
  };
  /** The place shows the words, as words. */
  const showsInert = async (where: Locator): Promise<void> => {
    await where.waitFor({ timeout: 120_000 });
    const text = await where.innerText();
    expect(text).toContain('[Repair] (command:');
    for (const acting of ['\u001b', '\u202e', '](', '$(']) expect(text).not.toContain(acting);
    expect(await where.locator('a[href], a[data-href], .codicon-trash').count()).toBe(0);
  };
  const nothingRan = async (): Promise<void> =>
    expect(await session.page.locator('.terminal-wrapper, .integrated-terminal').count()).toBe(0);

  it.each(['processor', 'type', 'gguf/stranger.gguf'])('a refusal of %s is a notification without a link', async (name) => {
    use(name);
    await session.workbench.selectLines(1, 1);
    await session.page.keyboard.press('Control+Alt+e');
    await showsInert(session.workbench.notifications().filter({ hasText: 'Repair' }).first());
    await session.screenshot(`95 inert ${name}`);
    await nothingRan();
    await session.workbench.clearNotifications();
  });

  it('a folder’s name is a name in the status bar, the panel’s title, the view, the list and a hover', async () => {
    const { page, workbench } = session;
    use(HOSTILE);
    await workbench.selectLines(1, 1);
    await page.keyboard.press('Control+Alt+e');
    const item = workbench.status().locator('.statusbar-item', { hasText: '[Repair] (comm' });
    await item.waitFor({ timeout: 120_000 });
    expect(await item.locator('.codicon-trash').count()).toBe(0);
    await page.locator('.pane-header', { hasText: 'Language Models' }).click();
    await showsInert(
      page.locator('.pane-body .monaco-list-row[role="treeitem"]', { hasText: 'Repair' }).filter({ hasText: 'current' }).first(),
    );
    const hover = await workbench.hover('model');
    for (const acting of ['\u001b', '\u202e']) expect(hover).not.toContain(acting);
    expect(
      await page.locator('.monaco-hover:not(.hidden) a[data-href*="terminal"], .monaco-hover:not(.hidden) .codicon-trash').count(),
    ).toBe(0);
    await page.keyboard.press('Escape');
    await page.keyboard.press('F1');
    await workbench.answer('>Explain Tokens: Choose Model…');
    await showsInert(page.locator('.quick-input-list .monaco-list-row', { hasText: 'Repair' }).first());
    await session.screenshot('95 inert list');
    await page.keyboard.press('Escape');
    await nothingRan();
  });

  it('what the hub says is text in the question before a download', async () => {
    const { page, workbench } = session;
    await page.keyboard.press('F1');
    await workbench.answer('>Explain Tokens: Download a Model…');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'GPT-2' }).first().waitFor();
    await page.locator('.quick-input-widget:not([style*="display: none"]) input:not([type="checkbox"])').first().fill('tester/tiny');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'tester/tiny' }).click();
    const dialog = page.locator('.monaco-dialog-box');
    await showsInert(dialog);
    await session.screenshot('95 inert dialog');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await nothingRan();
  });
});

import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { zh } from './chinese.ts';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { filesOf, startHub, type HubServer } from '../library/hubServer.ts';
import { ggufWithTokenizer } from './ggufWithTokenizer.ts';
import { panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { HUGE, writeZeroModel } from './zeroModel.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine } from './trace.ts';
import { until } from './until.ts';
import { chooseInMenu, menuWith } from './workbench.ts';

const BUNDLED = join(ROOT, 'media/models/explain-tokens-9m');
const LINE = sampleLines(1, 1);
const TOKEN = 'hf_letmein';
/** What stands before the first thing filled in. */
const start = (text: string): string => zh(text).split('{')[0] ?? '';

describe('the model library in Chinese, in a dark theme', () => {
  let session: Session;
  let panel: Panel;
  let hub: HubServer;

  beforeAll(async () => {
    const gguf = ggufWithTokenizer(LINE, 64);
    hub = await startHub(
      {
        id: 'tester/closed',
        files: filesOf(BUNDLED, ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']),
        licence: 'llama3',
        gatedFor: TOKEN,
      },
      { id: 'tester/several', files: { 'tiny-Q4_K_M.gguf': gguf, 'tiny-Q8_0.gguf': gguf }, licence: 'mit' },
    );
    session = await openSession({
      files: { 'sample.md': SAMPLE, 'models/readme.txt': '' },
      open: 'sample.md',
      expect: 'The model reads',
      settings: { 'window.dialogStyle': 'custom' },
      language: 'zh-cn',
      alone: true,
    });
    panel = panelOf(session.workbench);
    writeZeroModel(join(session.code.workspace, 'models/huge'), HUGE);
    useSettings({});
    await session.workbench.selectLines(1, 1);
    await session.page.keyboard.press('Control+Alt+e');
    await panel.frame.locator('.strip').waitFor({ timeout: 120_000 });
  });
  afterAll(async () => {
    await session?.close();
    await hub?.close();
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  const useSettings = (more: Readonly<Record<string, unknown>>): void =>
    writeSettings(session.code, {
      'explainTokens.hubEndpoint': hub.endpoint,
      // Its limit is the same on every machine.
      'explainTokens.runtime': 'wasm',
      'workbench.colorTheme': 'Dark Modern',
      ...more,
    });
  const input = (): Locator =>
    session.page.locator('.quick-input-widget:not([style*="display: none"]) input:not([type="checkbox"])').first();
  const choice = (text: string): Locator => session.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
  const download = async (id: string): Promise<void> => {
    await session.page.keyboard.press('F1');
    await input().fill('>Explain Tokens: 下载模型');
    await choice('下载模型').click();
    await choice('GPT-2').waitFor();
    await input().fill(id);
    await choice(id).click();
  };
  const modelIs = async (name: string): Promise<void> => {
    const texts = (): Promise<string[]> => session.page.locator('.statusbar-item, .notification-list-item-message').allInnerTexts();
    await until(`the model ${name}`, texts, (all) => all.some((text) => text.endsWith(`· ${name}`)), 120_000);
  };

  it('refuses a model that does not fit in memory with the numbers, and uses the one offered instead', async () => {
    useSettings({ 'explainTokens.model': join(session.code.workspace, 'models/huge') });
    const refusal = await session.workbench.notification('huge');
    expect(await refusal.innerText()).toMatch(/huge 需要 [\d.]+ GB 内存，超出 WebAssembly 运行时的上限。.*[\d.]+ MB/s);
    await session.screenshot('84 library does not fit');
    await session.workbench.pressInNotification('huge', start('Use {0}'));
    await modelIs('explain-tokens-9m');
    await session.workbench.clearNotifications();
  });

  it('uses a folder that came while the window is open from its menu', async () => {
    const { page } = session;
    cpSync(BUNDLED, join(session.code.workspace, 'models/mine'), { recursive: true });
    const explorer = page.locator('.explorer-folders-view');
    await explorer.getByRole('treeitem', { name: 'models' }).click();
    const item = page
      .getByRole('menuitem', { name: 'Explain Tokens: Use This Model' })
      .or(page.getByRole('menuitem', { name: 'Explain Tokens：使用此模型' }));
    await menuWith(explorer.getByRole('treeitem', { name: 'mine' }), item);
    await session.screenshot('85 library folder menu');
    await chooseInMenu(item);
    await modelIs('mine');
    await session.page.locator('.pane-header', { hasText: /Language Models|语言模型/ }).click();
    await session.screenshot('85 library view Chinese');
  });

  it('lets one of several GGUF files be chosen, and says what would come', async () => {
    await download('tester/several');
    await choice('tiny-Q8_0.gguf').waitFor();
    await session.screenshot('86 library GGUF files');
    await choice('tiny-Q8_0.gguf').click();
    const dialog = session.page.locator('.monaco-dialog-box');
    await dialog.getByText('tester/several').first().waitFor();
    expect(await dialog.innerText()).toContain('tiny-Q8_0.gguf');
    expect(await dialog.innerText()).not.toContain('tiny-Q4_K_M.gguf');
    await session.screenshot('86 library consent Chinese');
    await session.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(hub.requests.filter(({ host }) => host === 'cdn')).toEqual([]);
  });

  it('asks for the token of a gated model, and downloads with it', async () => {
    await download('tester/closed');
    const dialog = session.page.locator('.monaco-dialog-box');
    await dialog.getByRole('button', { name: zh('Download'), exact: true }).click();
    await session.workbench.notification(zh('Set Access Token…'));
    await session.screenshot('87 library gated');
    await session.workbench.pressInNotification('tester/closed', zh('Set Access Token…'));
    await input().waitFor();
    await session.screenshot('87 library token');
    // The download's own, when it leaves, takes the focus from the field.
    await expect.poll(() => session.workbench.notifications().count()).toBe(0);
    await session.workbench.answer(TOKEN);
    await session.workbench.notification(zh('The access token of {0} is kept.').split('{0}')[1] ?? '');
    await session.workbench.clearNotifications();
    await download('tester/closed');
    await dialog.getByRole('button', { name: zh('Download'), exact: true }).click();
    await session.workbench.pressInNotification(zh('Use This Model'), zh('Use This Model'));
    await modelIs('tester/closed');
    expect(hub.requests.filter(({ host, headers }) => host === 'cdn' && headers.authorization !== undefined)).toEqual([]);
    await session.screenshot('88 library closed model');
    expect(traceByCommandLine(LINE)).toHaveLength(await panel.frame.locator('.strip .token').count());
    expect(session.ownErrors()).toEqual([]);
  });
});

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { filesOf, startHub, type HubServer } from '../library/hubServer.ts';
import { ggufWithTokenizer } from './ggufWithTokenizer.ts';
import { expectSameNumbers, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine, type TracedToken } from './trace.ts';
import { until } from './until.ts';
import { chooseInMenu } from './workbench.ts';

const BUNDLED = join(ROOT, 'media/models/explain-tokens-9m');
const FIRST_LINE = sampleLines(1, 1);
/** Rows of the tiny model's unembedding. */
const TINY_VOCAB = 32;
const HASH = 'c'.repeat(64);

describe('the model library', () => {
  let session: Session;
  let panel: Panel;
  let hub: HubServer;
  let traced: readonly TracedToken[];
  let models: string;

  beforeAll(async () => {
    hub = await startHub({
      id: 'tester/tiny',
      files: filesOf(BUNDLED, ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']),
      licence: 'mit',
    });
    session = await openSession({
      files: { 'sample.md': SAMPLE, 'models/readme.txt': '' },
      open: 'sample.md',
      expect: 'The model reads',
      settings: { 'window.dialogStyle': 'custom' },
      alone: true,
    });
    panel = panelOf(session.workbench);
    traced = traceByCommandLine(FIRST_LINE);
    const { code } = session;
    writeSettings(code, { 'explainTokens.hubEndpoint': hub.endpoint });
    models = join(code.workspace, 'models');
    cpSync(BUNDLED, join(models, 'mine'), { recursive: true });
    write(join(models, 'tiny.gguf'), ggufWithTokenizer(FIRST_LINE, TINY_VOCAB));
    // What other programs keep, in the home of this VS Code.
    write(join(code.folder, `.ollama/models/blobs/sha256-${HASH}`), ggufWithTokenizer(FIRST_LINE, TINY_VOCAB));
    write(
      join(code.folder, '.ollama/models/manifests/registry.ollama.ai/library/tiny-llama/latest'),
      JSON.stringify({ layers: [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${HASH}` }] }),
    );
    write(join(code.folder, '.lmstudio/models/someone/broken-GGUF/broken.gguf'), 'GGUF and nothing more');
  });
  afterAll(async () => {
    await session?.close();
    await hub?.close();
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  function write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  /** Rows of the view, by how a screen reader reads them. */
  const row = (name: RegExp): Locator =>
    session.page.locator('.pane-body .monaco-list-row[role="treeitem"]').and(session.page.getByRole('treeitem', { name }));
  const choice = (text: string): Locator => session.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
  /** Runs a command that goes on asking. */
  const begin = async (title: string): Promise<void> => {
    const { page } = session;
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget:not([style*="display: none"]) input:not([type="checkbox"])').first().fill(`>${title}`);
    await choice(title).click();
  };
  const showsNumbersOf = async (model: string, expected: readonly TracedToken[]): Promise<void> => {
    await panel.frame.getByText(model, { exact: true }).first().waitFor({ timeout: 120_000 });
    await panel.shows(expected.length);
    expectSameNumbers(await panel.rows(), expected);
  };

  it('lists what is bundled and what other programs keep, with what each is and why one cannot be used', async () => {
    const { workbench, page } = session;
    await workbench.selectLines(1, 1);
    await workbench.command('Explain Tokens');
    const read = traced.flatMap(({ logprob }) => logprob ?? []);
    const bits = -read.reduce((sum, logprob) => sum + logprob, 0) / read.length / Math.LN2;
    await workbench
      .status()
      .getByText(`${read.length} tokens · ${bits.toFixed(1)} bits/token · explain-tokens-9m`)
      .waitFor({ timeout: 120_000 });
    await showsNumbersOf('explain-tokens-9m', traced);
    await page.locator('.pane-header', { hasText: 'Language Models' }).click();
    await row(
      new RegExp(
        `^Bundled model, current, llama, 9M parameters, 18\\.0 MB, ${BUNDLED_CONTEXT.toLocaleString('en')} tokens, F16, needs ` +
          `\\d+\\.\\d MB$`,
      ),
    ).waitFor();
    await row(/^tiny-llama:latest, llama, .* 64 tokens, Q4_K_M, needs/).waitFor();
    await begin('Explain Tokens: Choose Model…');
    await choice('broken').waitFor();
    await until(
      'the reason',
      () => choice('broken').innerText(),
      (text) => text.includes('is a GGUF file of version'),
    );
    await session.screenshot('80 library choice');
    await page.keyboard.press('Escape');
  });

  it('uses a GGUF file from its menu, and the text stays', async () => {
    const { page } = session;
    const explorer = page.locator('.explorer-folders-view');
    await explorer.getByRole('treeitem', { name: 'models' }).click();
    await explorer.getByRole('treeitem', { name: 'tiny.gguf' }).click({ button: 'right' });
    await chooseInMenu(page.getByRole('menuitem', { name: 'Explain Tokens: Use This Model' }));
    const path = join(models, 'tiny.gguf');
    await showsNumbersOf('tiny', traceByCommandLine(FIRST_LINE, ['--model', path]));
    await session.screenshot('81 library GGUF');
  });

  it('adds a folder and uses it', async () => {
    const { page } = session;
    await begin('Explain Tokens: Add a Model…');
    await choice('A folder').click();
    const input = page.locator('.quick-input-widget:not([style*="display: none"]) input:not([type="checkbox"])').first();
    await page.locator('.quick-input-action .monaco-button', { hasText: 'Use This Model' }).waitFor();
    // The dialog begins where the workspace is.
    await until(
      'the place to begin',
      () => input.inputValue(),
      (value) => value.endsWith('/workspace/'),
    );
    await choice('models').waitFor();
    await input.fill(`${join(models, 'mine')}/`);
    await choice('..').waitFor();
    await choice('models').waitFor({ state: 'hidden' });
    await page.locator('.quick-input-action .monaco-button', { hasText: 'Use This Model' }).click();
    await showsNumbersOf('mine', traced);
    await row(/^mine, current, llama/).waitFor();
  });

  it('downloads a model over a connection that breaks, and uses it', async () => {
    const { page } = session;
    hub.misbehave({ where: 'content', file: 'model.safetensors', kind: 'cut', after: 5_000_000, times: 1 });
    await begin('Explain Tokens: Download a Model…');
    await choice('GPT-2').first().waitFor();
    await page.locator('.quick-input-widget:not([style*="display: none"]) input:not([type="checkbox"])').first().fill('tester/tiny');
    await choice('tester/tiny').click();
    const dialog = page.locator('.monaco-dialog-box');
    await dialog.getByText('Download tester/tiny?').waitFor();
    await session.screenshot('82 library download');
    await dialog.getByRole('button', { name: 'Download' }).click();
    await session.workbench.pressInNotification('Use This Model', 'Use This Model');
    const ranges = hub.requests
      .filter(({ host, url }) => host === 'cdn' && url.includes('model.safetensors'))
      .map(({ headers }) => headers.range);
    expect(ranges.some((range) => range !== undefined && range !== 'bytes=0-')).toBe(true);
    await showsNumbersOf('tester/tiny', traced);
    await row(/^tester\/tiny, current, llama/).waitFor();
    await session.screenshot('83 library downloaded');
  });

  it('switches by the view, and removes from the disk only what was downloaded', async () => {
    const { page } = session;
    await row(/^tester\/tiny/).click({ button: 'right' });
    await chooseInMenu(page.getByRole('menuitem', { name: 'Remove…' }));
    const dialog = page.locator('.monaco-dialog-box');
    const folder = await dialog.getByText('tester--tiny').innerText();
    expect(existsSync(folder)).toBe(true);
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await row(/^Bundled model, current/).waitFor();
    await until(
      'the folder gone',
      () => existsSync(folder),
      (there) => !there,
    );
    // The rows below move up when the view has heard of it.
    await row(/^tester\/tiny/).waitFor({ state: 'detached' });
    await row(/^mine, llama/).click();
    await showsNumbersOf('mine', traced);
    await row(/^mine, current/).click({ button: 'right' });
    await chooseInMenu(page.getByRole('menuitem', { name: 'Remove…' }));
    await showsNumbersOf('explain-tokens-9m', traced);
    expect(readFileSync(join(models, 'mine/config.json'), 'utf8')).toContain('llama');
    expect(session.ownErrors()).toEqual([]);
  });
});

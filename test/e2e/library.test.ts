import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { filesOf, startHub, type HubServer } from '../library/hubServer.ts';
import { expectSameNumbers, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine } from './trace.ts';

const BUNDLED = join(ROOT, 'media/models/explain-tokens-9m');
const GGUF = join(ROOT, 'test/fixtures/gguf/llama.q4_k.gguf.gz');
const HASH = 'c'.repeat(64);
const FIRST_LINE = sampleLines(1, 1);

describe('the model library', () => {
  let session: Session;
  let panel: Panel;
  let hub: HubServer;
  const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-library-'));

  beforeAll(async () => {
    hub = await startHub({ id: 'tester/tiny', files: filesOf(BUNDLED, ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json']), licence: 'mit' });
    session = await openSession({
      files: { 'sample.md': SAMPLE, 'models/readme.txt': '' },
      open: 'sample.md',
      expect: 'The model reads',
      settings: { 'explainTokens.hubEndpoint': hub.endpoint, 'window.dialogStyle': 'custom', 'files.simpleDialog.enable': true },
    });
    panel = panelOf(session.workbench);
    const { folder, workspace } = session.code;
    // What other programs keep, in the home of this VS Code.
    write(join(folder, `.ollama/models/blobs/sha256-${HASH}`), gunzipSync(readFileSync(GGUF)));
    write(join(folder, '.ollama/models/manifests/registry.ollama.ai/library/tiny-llama/latest'), JSON.stringify({ layers: [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${HASH}` }] }));
    write(join(folder, '.lmstudio/models/someone/broken-GGUF/broken.gguf'), 'GGUF and nothing more');
    cpSync(BUNDLED, join(workspace, 'models/mine'), { recursive: true });
    write(join(workspace, 'models/tiny.gguf'), gunzipSync(readFileSync(GGUF)));
  });
  afterAll(async () => {
    await session.close();
    await hub.close();
    rmSync(scratch, { recursive: true, force: true });
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  function write(path: string, content: string | Uint8Array): void {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
  }
  const row = (name: string | RegExp): Locator => session.page.getByRole('tree', { name: 'Language Models' }).getByRole('treeitem', { name });

  it('explore', async () => {
    const { page, workbench } = session;
    await workbench.selectLines(1, 1);
    await workbench.command('Explain Tokens');
    await panel.shows(traceByCommandLine(FIRST_LINE).length);
    await page.locator('.pane-header', { hasText: 'Language Models' }).click();
    await page.waitForTimeout(4000);
    await session.screenshot('80 library view');
    console.log(await page.locator('.pane-body').allInnerTexts());
    await workbench.command('Explain Tokens: Choose Model…');
    await page.waitForTimeout(2500);
    await session.screenshot('81 library choice');
    expect(existsSync(scratch)).toBe(true);
    expect(expectSameNumbers).toBeDefined();
    void row;
  });
});

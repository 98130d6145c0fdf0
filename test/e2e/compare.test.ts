import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { workbenchUrl, writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { shownNumber } from '../shownNumber.ts';
import { compareByCommandLine, expectCompared, FIRST, SECOND } from './compared.ts';
import { panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { isStored } from './storage.ts';
import { byCommandLine } from './trace.ts';
import { until } from './until.ts';

/** What `explain-tokens patch` writes, as far as it is read here. */
interface PatchJson {
  /** [layers][heads] */
  readonly shares: readonly (readonly (number | null)[])[];
}

const COMPARE = 'Explain Tokens: Compare With…';
const MODEL = join(ROOT, 'media/models/explain-tokens-9m');

describe('Compare in VS Code', () => {
  let session: Session;
  let panel: Panel;
  const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-'));
  const other = join(scratch, 'other-epsilon');

  beforeAll(async () => {
    cpSync(MODEL, other, { recursive: true });
    const config = JSON.parse(readFileSync(join(other, 'config.json'), 'utf8')) as Record<string, unknown>;
    writeFileSync(join(other, 'config.json'), JSON.stringify({ ...config, rms_norm_eps: 0.05 }));
    session = await openSession({ files: { 'first.txt': FIRST, 'second.txt': SECOND }, open: 'first.txt', expect: 'She ate' });
    panel = panelOf(session.workbench);
  });
  afterAll(async () => {
    await session?.close();
    rmSync(scratch, { recursive: true, force: true });
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  it('offers both ways where there is no second side', async () => {
    const { page, workbench } = session;
    await workbench.selectLines(1, 2);
    await page.keyboard.press('Control+Alt+e');
    await panel.frame.locator('.strip').waitFor({ timeout: 120_000 });
    await panel.frame.locator('.page > .status').first().waitFor({ state: 'hidden', timeout: 120_000 });
    await panel.openTab('Compare');
    await panel.frame.getByRole('button', { name: 'Another Model…' }).waitFor();
    await session.screenshot('80 compare empty');
  });

  it('compares the explained text with a selection', async () => {
    const { workbench } = session;
    await workbench.selectLines(1, 1);
    await workbench.command(COMPARE);
    const [line = ''] = FIRST.split('\n');
    await expectCompared(panel, compareByCommandLine('--text', FIRST.trimEnd(), '--with-text', line));
    await session.screenshot('81 compare selection');
  });

  it('compares with another open file', async () => {
    const { workbench } = session;
    await workbench.openFile('second.txt');
    await workbench.command(COMPARE);
    await expectCompared(panel, compareByCommandLine('--text', FIRST.trimEnd(), '--with-text', SECOND));
    await panel.frame.locator('.maps .heatmaplayer image').nth(2).waitFor({ state: 'attached' });
    await session.screenshot('82 compare files');
  });

  it('patches one text with numbers of the other, as the command line does', async () => {
    const card = panel.frame.locator('.compare-patching');
    await card.locator('.segment', { hasText: 'Heads' }).click();
    await card.getByRole('button', { name: 'Patch the first text' }).press('Enter');
    await card.getByText(/^\d+ cells measured; correlation/).waitFor({ timeout: 120_000 });
    const [, position = ''] = /\(position (\d+)\)/.exec(await card.locator('.status-text').innerText()) ?? [];
    const [token = '', rival = ''] = await card
      .locator('select')
      .evaluateAll((lists) => lists.map((list) => (list as HTMLSelectElement).value));
    const texts = ['--text', SECOND, '--with-text', FIRST.trimEnd()];
    const asked = ['--grid', 'heads', '--position', position, '--token', token, '--rival', rival, '--format', 'json'];
    const { shares } = JSON.parse(byCommandLine('patch', ...texts, ...asked).toString()) as PatchJson;
    const said = await card.locator('.patch-readout').innerText();
    const [, layer = '', head = '', measured = ''] = /Layer (\d+), head (\d+): measured ([+−][\d.]+)/.exec(said) ?? [];
    expect(shownNumber(measured)).toBeCloseTo(shares[Number(layer)]?.[Number(head)] ?? Number.NaN, 2);
    await session.screenshot('82 compare patching');
  });

  it('is as it was after the panel was hidden and shown', async () => {
    const { page, workbench } = session;
    // A new file opens where the focus is: in front of the panel.
    await panel.frame.getByRole('tab', { name: 'Compare' }).click();
    await page.locator('.editor-group-container.active .tab', { hasText: 'Tokens: ' }).waitFor();
    await workbench.command('File: New Untitled Text File');
    await expect.poll(() => page.locator('iframe.webview').first().isVisible()).toBe(false);
    await workbench.panelTab().click();
    await expectCompared(panel, compareByCommandLine('--text', FIRST.trimEnd(), '--with-text', SECOND));
  });

  it('comes back after the window was reloaded', async () => {
    const { page, workbench } = session;
    // VS Code in a browser writes the state of its editors every few seconds, not when the page is left.
    await until(
      'the comparison in storage',
      () => page.evaluate(isStored, '"text":"She ate a green'),
      (stored) => stored,
      120_000,
    );
    // Without a file to open in the address, VS Code brings back the editors it had.
    await page.goto(workbenchUrl(session.code));
    await workbench.ready('She ate');
    await expectCompared(panel, compareByCommandLine('--text', FIRST.trimEnd(), '--with-text', SECOND));
    expect(await panel.frame.getByRole('tab', { name: 'Compare' }).getAttribute('aria-selected')).toBe('true');
  });

  it('has the text read by another model', async () => {
    const { page, workbench } = session;
    writeSettings(session.code, { 'explainTokens.model': other, 'window.title': 'other model' });
    await expect.poll(() => page.title(), { timeout: 120_000 }).toBe('other model');
    await workbench.openFile('first.txt');
    await workbench.selectLines(1, 2);
    await page.keyboard.press('Control+Alt+e');
    await panel.frame.locator('.model-name', { hasText: 'other-epsilon' }).waitFor({ timeout: 120_000 });
    await workbench.command('Explain Tokens: Compare With Another Model…');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Bundled model' }).click();
    await panel.frame.getByText('First: other-epsilon').waitFor({ timeout: 120_000 });
    await expectCompared(panel, compareByCommandLine('--model', other, '--text', FIRST.trimEnd(), '--with-model', MODEL));
    await session.screenshot('83 compare models');
    writeSettings(session.code, { 'explainTokens.model': '', 'window.title': 'bundled model' });
    await expect.poll(() => page.title(), { timeout: 120_000 }).toBe('bundled model');
  });

  it('compares the two sides of a diff', async () => {
    const { page, workbench } = session;
    // Nothing else is open: the diff is the only choice, and is taken at once.
    await workbench.command('View: Close All Editors');
    await workbench.openFile('first.txt');
    await workbench.selectLines(1, 1);
    await page.keyboard.press('Control+Alt+e');
    await panel.frame.locator('.strip').waitFor({ timeout: 120_000 });
    const rows = page.locator('.quick-input-list .monaco-list-row');
    await page.keyboard.press('F1');
    await page.keyboard.type('File: Compare Active File With...');
    await rows.filter({ hasText: 'Compare Active File With...' }).first().click();
    await page.getByPlaceholder(/Search files by name/).fill('second.txt');
    await rows.filter({ hasText: 'second.txt' }).first().click();
    await page.locator('.monaco-diff-editor').waitFor();
    await workbench.command(COMPARE);
    await expectCompared(panel, compareByCommandLine('--text', FIRST, '--with-text', SECOND));
    await session.screenshot('85 compare diff');
  });

  it('breaks no rule of the page and asks nothing outside', () => {
    expect(session.browser.outside).toEqual([]);
    expect(session.ownErrors()).toEqual([]);
  });
});

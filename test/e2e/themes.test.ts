import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ARTIFACTS, ROOT } from '../../scripts/lib/paths.mjs';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { panelOf, widenPanel, type Panel, type TabTitle } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, SAMPLE_LINES, sampleLines } from './texts.ts';
import { traceByCommandLine } from './trace.ts';

const TABS: readonly TabTitle[] = ['Tokens', 'Attention', 'Embeddings', 'Predictions', 'Why'];
const THEMES = [
  ['Light Modern', 'vscode-light', 'light'],
  ['Dark Modern', 'vscode-dark', 'dark'],
  ['Default High Contrast', 'vscode-high-contrast', 'high contrast'],
  ['Default High Contrast Light', 'vscode-high-contrast-light', 'high contrast light'],
] as const;

const README_PICTURE = '32-attention-in-a-wide-window';

describe('the panel', () => {
  let session: Session;
  let panel: Panel;

  beforeAll(async () => {
    session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads' });
    panel = panelOf(session.workbench);
    await session.workbench.command('View: Toggle Primary Side Bar Visibility');
    await session.workbench.selectLines(1, SAMPLE_LINES);
    await session.workbench.command('Explain Tokens');
    await panel.shows(traceByCommandLine(sampleLines(1, SAMPLE_LINES)).length);
  });
  afterAll(async () => {
    await session?.close();
    if (process.env['UPDATE_SCREENSHOTS'] !== '1') return;
    mkdirSync(join(ROOT, 'media/screenshots'), { recursive: true });
    copyFileSync(join(ARTIFACTS, `screenshots/${README_PICTURE}.png`), join(ROOT, 'media/screenshots/panel?.png'));
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  /** Waits until the tab's data has been asked for, answered and drawn. */
  const drawn = async (): Promise<void> => {
    await expect.poll(() => panel.frame.locator('[aria-busy="true"]').count(), { timeout: 120_000 }).toBe(0);
  };
  const photographTabs = async (name: string): Promise<void> => {
    for (const tab of TABS) {
      await panel.openTab(tab);
      await drawn();
      await session.screenshot(`${name} ${tab.toLowerCase()}`);
    }
  };

  it.each(THEMES)('takes on the theme %s', async (theme, bodyClass, name) => {
    writeSettings(session.code, { 'workbench.colorTheme': theme });
    await expect.poll(() => panel.frame.locator('body').getAttribute('class'), { timeout: 120_000 }).toContain(bodyClass);
    const colours = await panel.frame.locator('body').evaluate((body) => ({
      shown: getComputedStyle(body).color,
      wanted: getComputedStyle(body).getPropertyValue('--vscode-foreground'),
    }));
    const wanted = await panel.frame.locator('body').evaluate((body, value) => {
      const probe = body.ownerDocument.createElement('span');
      probe.style.color = value;
      body.append(probe);
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    }, colours.wanted);
    expect(colours.shown).toBe(wanted);
    await photographTabs(`30 ${name}`);
  });

  it.each([480, 1400])('fits a width of %i pixels', async (width) => {
    await widenPanel(session.page, width);
    for (const tab of TABS) {
      await panel.openTab(tab);
      await drawn();
      const overflow = await panel.frame.locator('html').evaluate((html) => html.scrollWidth - html.clientWidth);
      await session.screenshot(`31 width ${width} ${tab.toLowerCase()}`);
      expect(overflow, `${tab} is wider than the panel by`).toBeLessThanOrEqual(0);
    }
  });

  it('shows the overview and one head side by side in a wide window', async () => {
    writeSettings(session.code, { 'workbench.colorTheme': 'Light Modern' });
    await expect.poll(() => panel.frame.locator('body').getAttribute('class'), { timeout: 120_000 }).toContain('vscode-light');
    await session.page.setViewportSize({ width: 1900, height: 1080 });
    await panel.openTab('Attention');
    await panel.tokens.nth(9).click();
    await panel.frame.getByRole('group', { name: 'Heads that stand out' }).getByRole('button').first().click();
    await drawn();
    await session.page.mouse.move(300, 700);
    const topOf = async (name: string): Promise<number> => (await panel.frame.getByRole('region', { name }).boundingBox())?.y ?? NaN;
    await expect.poll(async () => (await topOf('One head')) - (await topOf('All heads'))).toBe(0);
    await session.screenshot(README_PICTURE);
  });

  it('asks nothing outside this machine and breaks no rule of the page', () => {
    expect(session.browser.outside).toEqual([]);
    expect(session.ownErrors()).toEqual([]);
  });
});

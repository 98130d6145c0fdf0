import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { openBrowser } from './browser.ts';
import { panelOf } from './panel.ts';
import { isStored } from './storage.ts';
import { until } from './until.ts';
import { workbenchOf } from './workbench.ts';
import { alive, processTree } from '../../scripts/lib/processes.mjs';

/** Explains a line of the sample at the printed address, and loads the page anew. */
async function expectPanelAfterReload(address: string): Promise<void> {
  const browser = await openBrowser();
  try {
    const { page } = browser;
    const workbench = workbenchOf(page);
    const panel = panelOf(workbench);
    await page.goto(address, { timeout: 120_000 });
    await workbench.ready('What does a language model see?');
    await workbench.selectLines(1, 1);
    await workbench.command('Explain Tokens');
    await panel.tokens.nth(3).click({ timeout: 120_000 });
    await panel.selected(3);
    const texts = await panel.tokens.allTextContents();
    // VS Code in a browser writes the state of its editors every few seconds, not when the page is left.
    await until(
      'the panel state in storage',
      () => page.evaluate(isStored, '"selected":3'),
      (stored) => stored,
      120_000,
    );
    await page.reload();
    await workbench.ready('What does a language model see?');
    await panel.shows(texts.length);
    expect(await panel.tokens.allTextContents()).toEqual(texts);
    expect(await page.locator('.tabs-container .tab').count()).toBe(2);
  } finally {
    await browser.close();
  }
}

it(
  'npm start serves VS Code on loopback behind a token, prints an address whose page keeps its panel over a reload, and leaves ' +
    'nothing running after Ctrl+C',
  async () => {
    const { DISPLAY: _x, WAYLAND_DISPLAY: _wayland, ...env } = process.env;
    const child = spawn(process.execPath, [join(ROOT, 'scripts/start.mjs'), '--serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((done) => {
      child.once('exit', done);
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const address = (): string | undefined => /http:\/\/127\.0\.0\.1:\d+\/\S+/.exec(output)?.[0];
    let pids: number[] = [];
    try {
      await expect.poll(address, { timeout: 120_000, interval: 200, message: 'the printed address' }).toBeDefined();
      const url = new URL(address() ?? '');
      expect((await fetch(url, { redirect: 'manual' })).status).toBe(302);
      expect((await fetch(url.origin)).status).toBe(403);
      await expectPanelAfterReload(url.href);
      pids = processTree(child.pid ?? 0);
      expect(pids.length).toBeGreaterThan(1);
    } finally {
      child.kill('SIGINT');
    }
    expect(await ended).toBe(0);
    expect(pids.filter(alive)).toEqual([]);
  },
);

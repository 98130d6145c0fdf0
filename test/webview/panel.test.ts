import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import type { FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARTIFACTS, ROOT } from '../../scripts/lib/paths.mjs';
import type { Browser } from '../e2e/browser.ts';
import { unfold } from '../e2e/panel.ts';
import { startHarness, type HarnessServer } from './harness/server.ts';
import { panelPage } from './panelPage.ts';
import { readFixture } from './readFixture.ts';

const page = panelPage();
const { picture, posted, savedFrom, tab, violations } = page;
let server: HarnessServer;
let browser: Browser;
let panel: FrameLocator;

/** Opens the harness: the built panel under the extension's policy, answered from the fixture. */
const open = (options = '', kept?: 'kept'): Promise<void> => page.open(server, options, kept);

/**
 * How far a drawing, as a program that is no browser draws it, is from the picture of the same figure: the mean over all pixels, as a share
 * of the scale of each colour. `png`: bytes as Latin-1.
 */
async function drawnApart(svg: string, png: string): Promise<number> {
  const drawn = new Resvg(svg, { fitTo: { mode: 'zoom', value: 2 } }).render().asPng();
  return browser.page.evaluate(
    async (pictures) => {
      const [one, other] = await Promise.all(
        pictures.map(async (base64) => {
          const bytes = Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));
          return createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        }),
      );
      if (one === undefined || other === undefined) return 1;
      if (Math.abs(one.width - other.width) > 2 || Math.abs(one.height - other.height) > 2) return 1;
      const [width, height] = [Math.min(one.width, other.width), Math.min(one.height, other.height)];
      const pixelsOf = (image: ImageBitmap): Uint8ClampedArray => {
        const context = new OffscreenCanvas(width, height).getContext('2d');
        context?.drawImage(image, 0, 0);
        return context?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
      };
      const [a, b] = [pixelsOf(one), pixelsOf(other)];
      return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / (255 * a.length);
    },
    [drawn.toString('base64'), Buffer.from(png, 'latin1').toString('base64')],
  );
}

beforeAll(async () => {
  server = await startHarness();
  ({ browser, panel } = page);
});
afterAll(() => server?.close());

describe('the panel in a browser, under the extension’s policy', () => {
  it('shows every tab without breaking the policy, leaving the machine, or offering an upload', async () => {
    await open();
    for (const name of ['Tokens', 'Attention', 'Embeddings', 'Predictions']) await tab(name);
    await panel.locator('.lens-cell[data-layer="0"]').first().waitFor();
    expect(await violations()).toEqual([]);
    expect(browser.outside).toEqual([]);
    expect(await panel.locator('.modebar, [data-title*="cloud" i], [data-title*="share" i], a[href^="http"]').count()).toBe(0);
    expect(browser.errors.filter((error) => !error.includes('favicon'))).toEqual([]);
  });

  it('writes the numbers of the reference', async () => {
    await open();
    await tab('Tokens');
    const row = panel.locator('.token-table tbody tr').nth(34);
    const { logprob, rank } = readFixture().shown.explanation;
    const probability = 100 * Math.exp(logprob[34] ?? Number.NaN);
    expect((await row.locator('td').allTextContents()).slice(0, 6)).toEqual([
      '34',
      '·i',
      '20 69',
      '745',
      `${probability.toFixed(2)}%`,
      String(rank[34]),
    ]);
    expect(await row.getAttribute('title')).toBe('·i · Bytes: 20 69');
  });

  it('opens the attention on the strongest head, chooses another with the keyboard, and asks for its attention', async () => {
    await open();
    await panel.locator('.strip .token[aria-selected="true"]').press('4');
    await panel.locator('.overview-canvas').press('ArrowDown');
    await panel.locator('.overview-canvas').press('ArrowRight');
    await expect
      .poll(() => panel.getByRole('region', { name: 'One head' }).getByRole('heading', { level: 2 }).innerText())
      .toBe('Layer 3, head 6');
    await expect
      .poll(async () => (await posted()).filter((message) => message.type === 'query').map((message) => message.query))
      .toContainEqual({ name: 'attentionPicture', args: { layer: 3, head: 6 } });
  });

  it('locks a cell, shows its arithmetic, and unlocks with Escape', async () => {
    await open();
    await tab('Attention');
    await panel.getByRole('button', { name: /^Previous token L2 H5/ }).click();
    await panel.locator('.token').nth(9).click();
    await expect.poll(() => panel.locator('.cell-weight').innerText()).toMatch(/%$/);
    const map = panel.getByRole('application', { name: /Attention of one head/ });
    await map.press('ArrowLeft');
    const unlock = panel.getByRole('button', { name: 'Unlock' });
    await unlock.waitFor();
    expect(await panel.locator('.step').count()).toBe(5);
    await map.press('Escape');
    await expect.poll(() => unlock.isVisible()).toBe(false);
  });

  it('saves figures and their numbers under the same policy, from a menu that shows or comes with the pointer and the focus', async () => {
    await open();
    await tab('Attention');
    const ofMap = panel.getByRole('button', { name: 'Save: Attention of one head' });
    const [name, svg] = await savedFrom(ofMap, 'Drawing (SVG)');
    expect(name).toMatch(/^layer-\d-head-\d-attention\.svg$/);
    expect(svg).toMatch(/^<svg[^]*<image/);
    expect(svg).toMatch(/<text[^>]*>[^<]*the/i);
    const [pngName, png] = await savedFrom(ofMap, 'Picture (PNG)');
    expect([pngName.replace('.png', '.svg'), png.slice(1, 4)]).toEqual([name, 'PNG']);
    const [width, height] = [...Array(2).keys()].map((i) => Buffer.from(png, 'latin1').readUInt32BE(16 + 4 * i));
    const own = (await panel.getByRole('application', { name: /^Attention of one head/ }).boundingBox()) ?? { width: 0, height: 0 };
    expect([width, height]).toEqual([2 * Math.floor(own.width), expect.closeTo(2 * own.height, -1)]);
    const [, white] = await savedFrom(ofMap, 'Picture on white (PNG)');
    expect(white).not.toBe(png);
    const [, csv] = await savedFrom(ofMap, 'Table (CSV)');
    const sums = new Map<string, number>();
    for (const [query = '', weight] of csv
      .split('\r\n')
      .slice(1, -1)
      .map((line) => [line.split(',')[0], line.split(',').at(-1)] as const))
      sums.set(query, (sums.get(query) ?? 0) + Number(weight));
    expect(sums.size).toBe(await panel.locator('.strip .token').count());
    for (const sum of sums.values()) expect(sum).toBeCloseTo(1, 4);
    const [npyName, npy] = await savedFrom(ofMap, 'Numbers (NumPy)');
    expect([npyName.slice(-4), npy.slice(1, 6)]).toEqual(['.npy', 'NUMPY']);
    const [, code] = await savedFrom(ofMap, 'Copy as code (Python)');
    expect(code).toMatch(/^# Attention weights of layer \d, head \d: [^]*\nprint\(result\)\n$/);
    // With the keys alone: the menu opens on its first entry, arrows move, Escape gives the focus back.
    await browser.page.mouse.move(0, 0);
    await ofMap.press('Enter');
    await picture('save-menu');
    if (process.env['UPDATE_SCREENSHOTS'] === '1')
      copyFileSync(join(ARTIFACTS, 'webview/save-menu.png'), join(ROOT, 'media/screenshots/save.png'));
    await panel.getByRole('menuitem', { name: 'Picture (PNG)' }).press('ArrowDown');
    await panel.locator('.menu :focus').press('End');
    expect(await panel.locator('.menu :focus').innerText()).toBe('Copy as code (Python)');
    await panel.locator('.menu :focus').press('Escape');
    expect(await ofMap.evaluate((button) => button === document.activeElement)).toBe(true);
    const ofRow = panel.getByRole('button', { name: 'Save: Where the query attends to' });
    const opacity = (): Promise<string> => ofRow.evaluate((button) => getComputedStyle(button.closest('.plot-tools') ?? button).opacity);
    await browser.page.mouse.move(0, 0);
    expect(await opacity()).toBe('0');
    await ofRow.focus();
    expect(await opacity()).toBe('1');
    expect((await savedFrom(ofRow, 'Drawing (SVG)'))[0]).toMatch(/^layer-\d-head-\d-query-\d+-attention\.svg$/);
    expect(await savedFrom(ofRow, 'Copy table')).toEqual(['', expect.stringMatching(/^key\tkey_text\tweight\r\n0\t/)]);
    expect(await violations()).toEqual([]);
  });

  it('offers every figure of every tab as a picture and as a drawing, which another program draws alike', async () => {
    await open();
    const apart: Record<string, number> = {};
    for (const title of ['Attention', 'Embeddings', 'Positions', 'Predictions']) {
      await tab(title);
      await unfold(panel);
      const plots = panel.locator('.panel:not([hidden]) .plot:visible');
      await expect.poll(() => plots.count(), { message: title }).toBeGreaterThan(0);
      const labels = await plots.evaluateAll((all) => all.map((plot) => plot.getAttribute('aria-label')));
      for (const label of labels)
        expect(await panel.getByRole('button', { name: `Save: ${label}`, exact: true }).count(), label ?? '').toBeGreaterThan(0);
      for (const label of new Set(labels)) {
        const save = panel.getByRole('button', { name: `Save: ${label}`, exact: true }).first();
        const [, svg] = await savedFrom(save, 'Drawing (SVG)');
        const [, png] = await savedFrom(save, 'Picture (PNG)');
        apart[`${title}: ${label}`] = await drawnApart(svg, png);
      }
    }
    for (const [figure, share] of Object.entries(apart)) expect(share, figure).toBeLessThan(0.01);
    await tab('Attention');
    expect(await panel.locator('.map-card .legend:visible').innerText()).toMatch(/^0%\s+[\d.]+%$/);
  });

  it('selects with keys in the strip and tells the editor', async () => {
    await open();
    await panel.locator('.token').nth(3).click();
    await panel.locator('.token').nth(3).press('ArrowRight');
    await panel.locator('.token').nth(4).press('End');
    await expect
      .poll(async () => (await posted()).filter((message) => message.type === 'select').map((message) => message.token))
      .toEqual([3, 4, 53]);
  });

  it('shows the selected token whole, and whole lines only, in a strip that scrolls', async () => {
    await browser.page.setViewportSize({ width: 360, height: 600 });
    await open();
    const chips = panel.locator('.strip .token');
    await chips.first().click();
    for (const key of ['End', 'Home', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown']) {
      await panel.locator('.strip .token[aria-selected="true"]').press(key);
      const cut = await panel.locator('.strip').evaluate((strip) => {
        const box = strip.getBoundingClientRect();
        const seen = [...strip.querySelectorAll('.token')]
          .map((chip) => chip.getBoundingClientRect())
          .filter((chip) => chip.bottom > box.top && chip.top < box.bottom);
        const selected = strip.querySelector('[aria-selected="true"]')?.getBoundingClientRect();
        return {
          scrolls: strip.scrollHeight > strip.clientHeight,
          cut: seen.filter((chip) => chip.top < box.top || chip.bottom > box.bottom).length,
          room: selected === undefined ? -1 : Math.min(selected.top - box.top, box.bottom - selected.bottom),
        };
      });
      expect(cut.scrolls).toBe(true);
      expect(cut.cut, key).toBe(0);
      expect(cut.room, key).toBeGreaterThanOrEqual(4);
    }
    await browser.page.setViewportSize({ width: 1280, height: 720 });
  });

  it('keeps the focus ring of the overview whole and its links on one line', async () => {
    await open();
    await tab('Attention');
    for (const width of [480, 800, 1000, 1400]) {
      await browser.page.setViewportSize({ width, height: 900 });
      await expect
        .poll(() => panel.locator('.overview-frame').evaluate((frameBox) => frameBox.scrollWidth - frameBox.clientWidth), {
          message: `${width} px`,
        })
        .toBeLessThanOrEqual(0);
      await expect
        .poll(() => panel.locator('.best-head').evaluateAll((links) => Math.max(...links.map((link) => link.clientHeight))), {
          message: `${width} px`,
        })
        .toBeLessThan(34);
    }
    await browser.page.setViewportSize({ width: 1280, height: 720 });
  });

  it('waits no longer after a question failed, and shows no figure under another title', async () => {
    for (const name of ['Attention', 'Embeddings', 'Predictions']) {
      await open();
      await tab('Tokens');
      // Started there, no other view has asked yet.
      await expect.poll(() => browser.page.evaluate(() => sessionStorage.getItem('state') ?? '')).toContain('"tab":"tokens"');
      await open('', 'kept');
      await browser.page.evaluate(() => {
        const { fixture } = window.harness;
        if (fixture !== undefined)
          window.harness.fixture = {
            ...fixture,
            answer: () => {
              throw new Error('The model is gone.');
            },
          };
      });
      await tab(name);
      await panel.getByText('The model is gone.').first().waitFor();
      expect(await panel.locator('[aria-busy="true"]').count()).toBe(0);
      expect(await panel.locator('.plot:visible').count()).toBe(0);
    }
  });

  it('redraws the candidates for a temperature without asking the model again', async () => {
    await open();
    await panel.locator('.strip .token').nth(20).click();
    await tab('Predictions');
    const probability = panel.locator('.candidates tbody tr').first().locator('td').last();
    const before = Number.parseFloat(await probability.innerText());
    const asked = (await posted()).filter((message) => message.type === 'query' && message.query.name === 'distribution').length;
    await panel.locator('.sampling').getByLabel('Temperature').fill('0.5');
    await expect.poll(async () => Number.parseFloat(await probability.innerText())).toBeGreaterThan(before);
    await panel.locator('.sampling').getByLabel('Temperature').fill('0');
    await expect.poll(() => probability.innerText()).toBe('100.00%');
    expect((await posted()).filter((message) => message.type === 'query' && message.query.name === 'distribution').length).toBe(asked);
  });

  it('shows hostile tokens as text, in Plotly’s labels too', async () => {
    await open();
    await browser.page.evaluate(() => {
      const { fixture, send } = window.harness;
      if (fixture === undefined) throw new Error('no fixture');
      const texts = [
        '<img src=x onerror="parent.hacked=1">',
        '<b>bold</b>',
        '<a href="javascript:parent.hacked=1">x</a>',
        '\u0000',
        '\u202e',
        '$x^2$',
        '%{x}',
      ];
      const tokens = fixture.shown.explanation.tokens.map((token, index) => {
        const text = texts[index % texts.length] ?? '';
        return { ...token, text, bytes: [...new TextEncoder().encode(text)], special: false };
      });
      send({
        type: 'explanation',
        shown: { ...fixture.shown, serial: 2, explanation: { ...fixture.shown.explanation, text: 'hostile', tokens } },
      });
    });
    await expect.poll(() => panel.locator('.token').first().innerText()).toBe('<img·src=x·onerror="parent.hacked=1">');
    for (const name of ['Tokens', 'Attention', 'Embeddings', 'Predictions']) await tab(name);
    await tab('Attention');
    await expect.poll(() => panel.locator('.ytick text >> visible=true').first().textContent()).toContain('<');
    expect(await panel.locator('#root').locator('img, b, a, script').count()).toBe(0);
    expect(await browser.page.evaluate(() => 'hacked' in window)).toBe(false);
  });

  it('comes back to the same view after a reload', async () => {
    await open();
    await tab('Embeddings');
    await panel.getByRole('radio', { name: '3D' }).check();
    await panel.locator('.token').nth(5).click();
    await expect.poll(() => browser.page.evaluate(() => sessionStorage.getItem('state') ?? '')).toMatch(/"selected":5,/);
    await open('', 'kept');
    expect(await panel.getByRole('tab', { name: 'Embeddings' }).getAttribute('aria-selected')).toBe('true');
    await expect.poll(() => panel.getByRole('radio', { name: '3D' }).isChecked()).toBe(true);
    expect(await panel.locator('.token').nth(5).getAttribute('aria-selected')).toBe('true');
  });

  it('fits its window in all themes at all widths', { timeout: 300_000 }, async () => {
    for (const [theme, width] of [
      ['dark', 480],
      ['dark', 1400],
      ['light', 800],
      ['high-contrast', 480],
      ['high-contrast-light', 1400],
    ] as const) {
      await browser.page.setViewportSize({ width, height: 900 });
      await open(`theme=${theme}`);
      for (const name of ['Tokens', 'Attention', 'Embeddings', 'Predictions']) {
        await tab(name);
        await picture(`${name.toLowerCase()}-${theme}-${width}`);
      }
    }
  });
});

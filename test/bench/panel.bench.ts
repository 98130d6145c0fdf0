import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { panelOf, type Panel } from '../e2e/panel.ts';
import { openSession, vsixPath, type Session } from '../e2e/session.ts';
import { until } from '../e2e/until.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { median, record } from './report.ts';
import { BUNDLED, benchText } from './text.ts';

const SWITCHES = 9;
/** The first ones in a new window share it with what else starts there; they are told apart. */
const FIRST = 2;
/** From a pointer's arrival at a head to the press of its button: a quick hand's. */
const POINT_MS = 150;
/** A reader's pace from head to head. */
const STEP_MS = 600;
/** Places in the overview, as shares of its width and height, each in another layer and far from the one before. */
const JUMPS = [[0.9, 0.1], [0.2, 0.9], [0.8, 0.3], [0.3, 0.7], [0.95, 0.5], [0.4, 0.2], [0.7, 0.8]] as const;
const WINDOWS = 5;
/** Until the other extensions have started. */
const REST_MS = 10_000;

/** What activationProbe.cjs writes. */
interface Activation {
  readonly loadMs: number;
  readonly activateMs: number;
  readonly cpuMs: number;
}

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-bench-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const CASES = [
  { name: 'bundled', tokens: 256, folder: '' },
  { name: 'GPT-2 124M shape', tokens: 1024, folder: join(scratch, 'gpt2') },
];

test.each(CASES)('the panel in a real VS Code: $name, $tokens tokens', { timeout: 600_000 }, async ({ name, tokens, folder }) => {
  if (folder !== '') writeRandomGpt2(folder, BUNDLED);
  const text = (await benchText()).part(tokens, 0);
  const activationLog = join(scratch, `activation of ${name}.json`);
  const session = await openSession({
    files: { 'bench.txt': text },
    open: 'bench.txt',
    expect: text.split('\n', 1)[0] ?? '',
    vsix: folder === '' ? [] : [vsixPath()],
    nodeArgs: ['--require', join(import.meta.dirname, 'activationProbe.cjs')],
    env: { ACTIVATION_LOG: activationLog },
  });
  try {
    writeSettings(session.code, { 'explainTokens.model': folder, 'explainTokens.runtime': 'wasm' });
    if (folder === '') record('activation in VS Code', await activation(session, activationLog));
    const panel = panelOf(session.workbench);
    const first = await explainMs(session, panel, tokens);
    const again = await explainMs(session, panel, tokens);
    await panel.openTab('Attention');
    const switches: number[] = [];
    const jumps: number[] = [];
    await pause(STEP_MS);
    for (let i = 0; i < SWITCHES; i++) {
      switches.push(await switchMs(panel, { key: i % 2 === 0 ? 'ArrowDown' : 'ArrowRight' }));
      await pause(STEP_MS);
    }
    for (const [across, down] of JUMPS) {
      jumps.push(await switchMs(panel, { across, down }));
      await pause(STEP_MS);
    }
    record('panel in VS Code, WASM', { model: name, tokens, 'command to first picture ms': first, 'again ms': again, 'first switches ms': median(switches.slice(0, FIRST)), 'next layer or head ms': median(switches.slice(FIRST)), 'any other head ms': median(jumps) });
    if (folder === '') record('generation in the panel, WASM', { model: name, context: tokens, ...(await generationSpeed(panel)) });
  } finally {
    await session.close();
  }
});

/**
 * What activating costs: the VSIX is installed into a window that has come to rest and starts there at once. At the start of a window
 * it shares the processor with everything else, and VS Code's own figure ("Show Running Extensions") then holds the loading of all extensions that
 * start at the same moment.
 */
async function activation({ code, page, workbench }: Session, log: string): Promise<Readonly<Record<string, number>>> {
  const rows: Activation[] = [];
  while (rows.length < WINDOWS) {
    if (rows.length > 0) {
      await code.uninstall('explain-tokens.explain-tokens');
      await page.reload();
      await workbench.focusEditor();
    }
    await pause(REST_MS);
    await code.install(vsixPath());
    await until('the activation', () => existsSync(log), Boolean, 60_000);
    rows.push(JSON.parse(readFileSync(log, 'utf8')) as Activation);
    rmSync(log);
  }
  return {
    windows: WINDOWS, 'load and activate ms': median(rows.map(({ loadMs, activateMs }) => loadMs + activateMs)),
    'of it activate ms': median(rows.map(({ activateMs }) => activateMs)), 'processor ms': median(rows.map(({ cpuMs }) => cpuMs)),
  };
}

/** From the keys to every token on screen. */
async function explainMs({ page, workbench }: Session, panel: Panel, tokens: number): Promise<number> {
  await workbench.focusEditor();
  await page.keyboard.press('Control+a');
  // What an earlier explanation left on screen does not count.
  await panel.tokens.evaluateAll((shown) => shown.forEach((token) => token.setAttribute('data-earlier', '')));
  const start = performance.now();
  await page.keyboard.press('Control+Alt+e');
  await panel.frame.locator('.token[data-earlier]').first().waitFor({ state: 'detached', timeout: 120_000 });
  await panel.shows(tokens);
  return performance.now() - start;
}

const GENERATED = 64;

/** Tokens a second from Play to the last token on screen. */
async function generationSpeed({ frame }: Panel): Promise<Readonly<Record<string, number>>> {
  await frame.locator('#tab-generate').click();
  await frame.getByRole('radio', { name: 'Greedy', exact: true }).check();
  const limit = frame.getByRole('spinbutton', { name: 'New tokens at most' });
  await limit.fill(String(GENERATED));
  await limit.press('Tab');
  const written = frame.getByRole('listbox', { name: 'Generated tokens' }).getByRole('option');
  const start = performance.now();
  await frame.getByRole('button', { name: 'Play', exact: true }).click();
  await until('the end', () => frame.locator('.generate-state').innerText(), (state) => state.includes('Ended'), 120_000);
  return { tokens: await written.count(), 'tokens/s': (await written.count()) / ((performance.now() - start) / 1000) };
}

type Choice = { readonly key: string } | { readonly across: number; readonly down: number };

/** From a key, or a click in the overview where the pointer has just come, to the first frame after the map of the head it leads to was drawn, in the page's own time. */
function switchMs(panel: Panel, choice: Choice): Promise<number> {
  return panel.frame.locator('.map-card').evaluate(async (card, { chosen, pointMs }) => {
    const canvas = document.querySelector('.overview-canvas');
    if (canvas === null) throw new Error('There is no overview.');
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const place = 'key' in chosen ? null : { clientX: left + width * chosen.across, clientY: top + height * chosen.down, bubbles: true };
    if (place !== null) {
      canvas.dispatchEvent(new MouseEvent('mousemove', place));
      await new Promise((resolve) => setTimeout(resolve, pointMs));
    }
    const start = performance.now();
    const drawn = new Promise<void>((resolve) => {
      const observer = new MutationObserver(() => {
        if (card.getAttribute('aria-busy') === 'true') return;
        observer.disconnect();
        resolve();
      });
      observer.observe(card, { attributes: true, attributeFilter: ['aria-busy'] });
    });
    canvas.dispatchEvent('key' in chosen ? new KeyboardEvent('keydown', { key: chosen.key, bubbles: true }) : new MouseEvent('click', place ?? {}));
    await drawn;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return performance.now() - start;
  }, { chosen: choice, pointMs: POINT_MS });
}

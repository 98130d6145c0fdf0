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
import { explainShown } from './shown.ts';
import { BUNDLED, benchText } from './text.ts';

const SWITCHES = 9;
/** Number of switches that are reported separately, because other things still start in a new window. */
const FIRST = 2;
/** Time from the pointer's arrival at a head to the press of the button, for a quick hand. */
const POINT_MS = 150;
/** Time between two heads, at a reader's pace. */
const STEP_MS = 600;
/** Places in the overview, as fractions of its width and height, each in another layer and far from the one before. */
const JUMPS = [
  [0.9, 0.1],
  [0.2, 0.9],
  [0.8, 0.3],
  [0.3, 0.7],
  [0.95, 0.5],
  [0.4, 0.2],
  [0.7, 0.8],
] as const;
const WINDOWS = 5;
/** Time in which the other extensions start. */
const REST_MS = 10_000;

/** The measurement that activationProbe.cjs writes. */
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
    const first = (await explainShown(session, panel, tokens)).picture;
    const again = (await explainShown(session, panel, tokens)).picture;
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
    record('panel in VS Code, WASM', {
      model: name,
      tokens,
      'command to first picture ms': first,
      'again ms': again,
      'first switches ms': median(switches.slice(0, FIRST)),
      'next layer or head ms': median(switches.slice(FIRST)),
      'any other head ms': median(jumps),
    });
    if (folder === '') record('generation in the panel, WASM', { model: name, context: tokens, ...(await generationSpeed(panel)) });
  } finally {
    await session.close();
  }
});

/**
 * Time and processor time of the activation. The VSIX is installed into an idle window, where it starts at once; while a window opens,
 * it would share the processor with everything else, and VS Code's own figure ("Show Running Extensions") would include the loading of
 * all extensions that start at the same moment.
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
    windows: WINDOWS,
    'load and activate ms': median(rows.map(({ loadMs, activateMs }) => loadMs + activateMs)),
    'of it activate ms': median(rows.map(({ activateMs }) => activateMs)),
    'processor ms': median(rows.map(({ cpuMs }) => cpuMs)),
  };
}

const GENERATED = 64;

/** Tokens per second, from Play until the last token is on screen. */
async function generationSpeed({ frame }: Panel): Promise<Readonly<Record<string, number>>> {
  await frame.locator('#tab-generate').click();
  await frame.getByRole('radio', { name: 'Greedy', exact: true }).check();
  const limit = frame.getByRole('spinbutton', { name: 'New tokens at most' });
  await limit.fill(String(GENERATED));
  await limit.press('Tab');
  const written = frame.getByRole('listbox', { name: 'Generated tokens' }).getByRole('option');
  const start = performance.now();
  await frame.getByRole('button', { name: 'Play', exact: true }).click();
  await until(
    'the end',
    () => frame.locator('.generate-state').innerText(),
    (state) => state.includes('Ended'),
    120_000,
  );
  return { tokens: await written.count(), 'tokens/s': (await written.count()) / ((performance.now() - start) / 1000) };
}

type Choice = { readonly key: string } | { readonly across: number; readonly down: number };

/**
 * Milliseconds from a key, or a click in the overview, to the first frame after the map of the chosen head was drawn, by the page's
 * clock. The pointer arrives `POINT_MS` before the click.
 */
function switchMs(panel: Panel, choice: Choice): Promise<number> {
  return panel.frame.locator('.map-card').evaluate(
    async (card, { chosen, pointMs }) => {
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
      canvas.dispatchEvent(
        'key' in chosen ? new KeyboardEvent('keydown', { key: chosen.key, bubbles: true }) : new MouseEvent('click', place ?? {}),
      );
      await drawn;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      return performance.now() - start;
    },
    { chosen: choice, pointMs: POINT_MS },
  );
}

import { expect, test } from 'vitest';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { panelOf } from '../e2e/panel.ts';
import { openSession } from '../e2e/session.ts';
import { until } from '../e2e/until.ts';
import { percentiles, record } from './report.ts';
import { explainShown } from './shown.ts';
import { benchText } from './text.ts';

const TOKENS = 984;
const MOVES = 60;
/** Time between two moves of the cursor, at a reader's pace; no multiple of a frame's. */
const MOVE_MS = 170;

/** A move of the cursor: until it is drawn, and until the other words are shaded; NaN where none changed, as it stayed on its token. */
interface Move {
  readonly drawnMs: number;
  readonly shadedMs: number;
}

/** What `watchShades` adds to the page. */
interface Watched {
  /** Parts of lines that are shaded by attention. */
  countShades(): number;
  /** The moves since the last time. */
  endMoves(): Move[];
}

/** How long the shades of attention take to follow the cursor: what the window's own clock says of each key. */
test.each(['wasm', 'native'])('attention of the token at the cursor in a real VS Code, %s', { timeout: 600_000 }, async (runtime) => {
  const text = (await benchText()).part(TOKENS, 0);
  const session = await openSession({
    files: { 'read.txt': text },
    open: 'read.txt',
    expect: text.split('\n', 1)[0] ?? '',
    settings: { 'editor.wordWrap': 'on', 'editor.occurrencesHighlight': 'off' },
  });
  const { page, workbench } = session;
  try {
    writeSettings(session.code, { 'explainTokens.runtime': runtime });
    await explainShown(session, panelOf(workbench), TOKENS);
    await workbench.focusEditor();
    await page.keyboard.press('Control+Home');
    // As deep in the text as is on screen, where a token has many before it.
    for (let line = 0; line < 12; line++) await page.keyboard.press('ArrowDown');
    await page.evaluate(watchShades);
    const shades = (): Promise<number> => page.evaluate(() => (globalThis as unknown as Watched).countShades());
    const asked = performance.now();
    await workbench.command("Explain Tokens: Toggle the Attention of the Cursor's Token");
    await until('the first shades', shades, (count) => count > 0, 120_000);
    const first = performance.now() - asked;
    // All rows are there.
    await page.waitForTimeout(2000);
    await page.evaluate(() => (globalThis as unknown as Watched).endMoves());
    for (let move = 0; move < MOVES; move++) {
      await page.keyboard.press(move % 12 < 8 ? 'Control+ArrowRight' : 'ArrowDown');
      await page.waitForTimeout(MOVE_MS);
    }
    const moves = await page.evaluate(() => (globalThis as unknown as Watched).endMoves());
    expect(moves).toHaveLength(MOVES);
    // Most moves are to another token.
    expect(moves.filter(({ shadedMs }) => shadedMs >= 0).length).toBeGreaterThan(0.8 * MOVES);
    record('attention of the token at the cursor in VS Code', {
      runtime,
      tokens: TOKENS,
      'command to first shades ms': first,
      ...percentiles('cursor drawn', moves, ({ drawnMs }) => drawnMs),
      ...percentiles('shaded', moves, ({ shadedMs }) => shadedMs),
    });
  } finally {
    await session.close();
  }
});

/** In the page: listens to keys, and to what is painted in the editor. */
function watchShades(): void {
  const editor = document.querySelector('.editor-group-container .monaco-editor');
  const overlays = editor?.querySelector('.view-overlays');
  const cursor = editor?.querySelector('.cursors-layer');
  if (!editor || !overlays || !cursor) throw new Error('There is no editor.');
  const probe = editor.appendChild(document.createElement('div'));
  const colors = [1, 2, 3].map((level) => {
    probe.style.backgroundColor = `var(--vscode-explainTokens-attention${level})`;
    return getComputedStyle(probe).backgroundColor;
  });
  probe.remove();
  const known = new Map<string, boolean>();
  const isShade = (element: HTMLElement): boolean => {
    const found = known.get(element.className) ?? colors.includes(getComputedStyle(element).backgroundColor);
    known.set(element.className, found);
    return found;
  };
  const shades = (): readonly string[] =>
    [...overlays.querySelectorAll<HTMLElement>('[class*="ced-"]')]
      .filter(isShade)
      .map(({ className, style, parentElement }) => [className, style.left, style.width, parentElement?.style.top ?? ''].join());
  const moves: { readonly begun: number; drawnMs: number; shadedMs: number }[] = [];
  let before = '';
  const shaded = new MutationObserver(() => {
    const now = shades().join(' ');
    if (now === before) return;
    before = now;
    const move = moves.at(-1);
    if (move !== undefined) move.shadedMs = performance.now() - move.begun;
  });
  const drawn = new MutationObserver(() => {
    const move = moves.at(-1);
    if (move !== undefined && Number.isNaN(move.drawnMs)) move.drawnMs = performance.now() - move.begun;
  });
  shaded.observe(overlays, { childList: true, subtree: true, attributes: true });
  drawn.observe(cursor, { subtree: true, attributes: true, attributeFilter: ['style'] });
  window.addEventListener(
    'keydown',
    ({ timeStamp, key }) => {
      if (key.startsWith('Arrow')) moves.push({ begun: timeStamp, drawnMs: NaN, shadedMs: NaN });
    },
    { capture: true },
  );
  Object.assign(globalThis, {
    countShades: () => shades().length,
    endMoves: () => moves.splice(0).map(({ drawnMs, shadedMs }) => ({ drawnMs, shadedMs })),
  });
}

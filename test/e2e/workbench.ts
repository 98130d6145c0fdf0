import type { FrameLocator, Locator, Page } from 'playwright-core';
import { until } from './until.ts';

/** What a user does in VS Code's window. Every step waits for what it leads to. */
export interface Workbench {
  readonly page: Page;
  /** Waits until the window is up, the file's editor shows `text`, and the extension's keys and commands are there: its view is. */
  ready(text: string): Promise<void>;
  /** Runs a command from the palette by its full title. */
  command(title: string): Promise<void>;
  /** Types into a quick input that is open and confirms. */
  answer(text: string): Promise<void>;
  /** Selects whole lines of the editor, counted from 1. */
  selectLines(first: number, last: number): Promise<void>;
  /** Selects everything in the first group's editor. */
  selectAll(): Promise<void>;
  /** Moves the pointer onto a word of the editor and returns its hover's text. */
  hover(word: string): Promise<string>;
  /** The `nth` occurrence of a word on screen in the editor. */
  wordBox(word: string, nth?: number): Promise<Box>;
  focusEditor(): Promise<void>;
  /** Opens a file of the workspace in the first group, focused. */
  openFile(name: string): Promise<void>;
  /** The document inside the webview. */
  webview(): FrameLocator;
  /** The panel's tab among the editors' tabs. */
  panelTab(): Locator;
  closePanel(): Promise<void>;
  status(): Locator;
  notifications(): Locator;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Name of the extension's view in the Explorer, in either language. */
const MODELS_VIEW = /Language Models|语言模型/;
/** How the editor draws a space. */
const NO_BREAK_SPACE = '\u00a0';

export function workbenchOf(page: Page): Workbench {
  const quickInput = page.locator('.quick-input-widget:not([style*="display: none"]) input:not([type="checkbox"])').first();
  const editor = page.locator('.editor-group-container .monaco-editor').first();

  const open = async (text: string): Promise<void> => {
    await page.keyboard.press('F1');
    await quickInput.waitFor({ state: 'visible' });
    await quickInput.fill(text);
  };
  const wordBox = async (word: string, nth = 0): Promise<Box> => {
    const find = (): Promise<Box | null> => page.evaluate(boxOfWord, { word, nth });
    const box = await until(`"${word}" on screen`, find, (found) => found !== null);
    if (box === null) throw new Error(`"${word}" is not on screen.`);
    return box;
  };

  return {
    page,
    wordBox,
    async ready(text) {
      await page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
      await page.locator('.view-line', { hasText: text.replaceAll(' ', NO_BREAK_SPACE) }).or(page.locator('.view-line', { hasText: text })).first().waitFor({ timeout: 60_000 });
      await page.locator('.pane-header', { hasText: MODELS_VIEW }).waitFor({ timeout: 60_000 });
    },
    async command(title) {
      await open(`>${title}`);
      const rows = page.locator('.quick-input-list .monaco-list-row');
      const labels = await until(`the command "${title}"`, () => rows.evaluateAll((all) => all.map((row) => row.getAttribute('aria-label') ?? '')), (all) => all.some((label) => isTitled(label, title)));
      await rows.nth(labels.findIndex((label) => isTitled(label, title))).click();
      await quickInput.waitFor({ state: 'hidden' });
    },
    async answer(text) {
      await quickInput.waitFor({ state: 'visible' });
      await quickInput.fill(text);
      await page.keyboard.press('Enter');
    },
    async focusEditor() {
      const line = editor.locator('.view-line').first();
      await line.click({ position: { x: 2, y: 8 } });
      await page.locator('.editor-group-container .monaco-editor.focused').first().waitFor();
    },
    async openFile(name) {
      await this.command('View: Focus First Editor Group');
      await open(name);
      await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: name }).first().waitFor();
      await page.keyboard.press('Enter');
      await quickInput.waitFor({ state: 'hidden' });
      await page.locator(`.tabs-container .tab.active[data-resource-name="${name}"]`).waitFor();
    },
    async selectLines(first, last) {
      await this.focusEditor();
      await page.keyboard.press('Control+Home');
      for (let line = 1; line < first; line++) await page.keyboard.press('ArrowDown');
      for (let line = first; line < last; line++) await page.keyboard.press('Shift+ArrowDown');
      await page.keyboard.press('Shift+End');
      await this.status().getByText('selected)').waitFor();
    },
    async selectAll() {
      await this.focusEditor();
      await page.keyboard.press('Control+a');
      await this.status().getByText('selected)').waitFor();
    },
    async hover(word) {
      const hover = page.locator('.monaco-hover:not(.hidden) .monaco-hover-content').first();
      // The editor may still be at work where the pointer comes to rest: come again.
      for (let attempt = 0; attempt < 4 && !(await hover.isVisible()); attempt++) {
        const box = await wordBox(word);
        await page.mouse.move(box.x + box.width + 150, box.y + 200);
        await page.mouse.move(box.x + box.width / 2 - 2, box.y + box.height / 2);
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
        await hover.waitFor({ timeout: 5000 }).catch(() => undefined);
      }
      return until('the hover', () => hover.innerText(), (text) => text !== '' && text !== 'Loading...');
    },
    webview: () => page.frameLocator('iframe.webview').first().frameLocator('iframe#active-frame'),
    panelTab: () => page.locator('.tabs-container .tab', { hasText: 'Tokens: ' }),
    async closePanel() {
      const tab = this.panelTab();
      await tab.hover();
      await tab.getByRole('button', { name: /^Close/ }).click();
      await tab.waitFor({ state: 'detached' });
    },
    status: () => page.locator('.part.statusbar'),
    notifications: () => page.locator('.notifications-toasts .notification-list-item-message'),
  };
}

/** A command's row is labelled by its title, then its keybinding and kind. */
function isTitled(label: string, title: string): boolean {
  return label === title || label.startsWith(`${title}, `);
}

/** Client rectangle of a word in the first editor; runs in the page. */
function boxOfWord({ word, nth }: { word: string; nth: number }): Box | null {
  const lines = document.querySelector('.editor-group-container .monaco-editor .view-lines');
  if (lines === null) return null;
  const walker = document.createTreeWalker(lines, NodeFilter.SHOW_TEXT);
  let left = nth;
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const data = (node.textContent ?? '').replaceAll('\u00a0', ' ');
    for (let at = data.indexOf(word); at >= 0; at = data.indexOf(word, at + 1)) {
      if (left-- > 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + word.length);
      const { x, y, width, height } = range.getBoundingClientRect();
      const editor = lines.closest('.monaco-editor')?.getBoundingClientRect();
      return editor === undefined || x + width > editor.right ? null : { x, y, width, height };
    }
  }
  return null;
}

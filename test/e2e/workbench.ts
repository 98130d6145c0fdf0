import type { FrameLocator, Locator, Page } from 'playwright-core';
import { until } from './until.ts';

/** A user's actions in a window of VS Code. Every action waits for its effect. */
export interface Workbench {
  readonly page: Page;
  /**
   * Waits until the editor shows `text` and the extension's view is there, and with it the extension's keys and commands; `alone`: it is
   * not installed yet.
   */
  ready(text: string, alone?: boolean): Promise<void>;
  /** Runs a command from the palette by its full title. */
  command(title: string): Promise<void>;
  /** Types into the open quick input and confirms. */
  answer(text: string): Promise<void>;
  /** Selects whole lines of the editor, counted from 1. */
  selectLines(first: number, last: number): Promise<void>;
  /** Selects everything in the editor of the first group. */
  selectAll(): Promise<void>;
  /** Moves the pointer onto a word in the editor and returns the text of its hover. */
  hover(word: string): Promise<string>;
  /** Rectangle of the `nth` occurrence (from 0) of a word on screen in the editor. */
  wordBox(word: string, nth?: number): Promise<Box>;
  focusEditor(): Promise<void>;
  /** Opens a file of the workspace in the first group and focuses it. */
  openFile(name: string): Promise<void>;
  /** The document inside the webview. */
  webview(): FrameLocator;
  /** The panel's tab among the tabs of editors. */
  panelTab(): Locator;
  closePanel(): Promise<void>;
  status(): Locator;
  notifications(): Locator;
  /** Closes all notifications, and waits until none is on screen: one that leaves takes the focus from what opens meanwhile. */
  clearNotifications(): Promise<void>;
  /** The notification that holds a text, once it is on screen, in the list of all where VS Code does not show it by itself. */
  notification(text: string): Promise<Locator>;
  /** Presses a button of the notification that holds a text, once it is there. */
  pressInNotification(text: string, button: string): Promise<void>;
}

/** A rectangle in CSS pixels, in client coordinates. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Name of the extension's view in the Explorer, in either language. */
const MODELS_VIEW = /Language Models|语言模型/;
/** The character that the editor draws for a space. */
const NO_BREAK_SPACE = '\u00a0';

/** The workbench in a page. */
export function workbenchOf(page: Page): Workbench {
  const quickInputs = page.locator('.quick-input-widget:not([style*="display: none"]) input:not([type="checkbox"])');
  const quickInput = quickInputs.first();
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
    async ready(text, alone = false) {
      await page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 120_000 });
      await page
        .locator('.view-line', { hasText: text.replaceAll(' ', NO_BREAK_SPACE) })
        .or(page.locator('.view-line', { hasText: text }))
        .first()
        .waitFor({ timeout: 120_000 });
      if (!alone) await page.locator('.pane-header', { hasText: MODELS_VIEW }).waitFor({ timeout: 120_000 });
    },
    async command(title) {
      await open(`>${title}`);
      const rows = page.locator('.quick-input-list .monaco-list-row');
      const labels = await until(
        `the command "${title}"`,
        () => rows.evaluateAll((all) => all.map((row) => row.getAttribute('aria-label') ?? '')),
        (all) => all.some((label) => isTitled(label, title)),
      );
      await rows.nth(labels.findIndex((label) => isTitled(label, title))).click();
      // The palette is gone; a command that asks at once has a list of its own in the same place.
      await until(
        `"${title}" to begin`,
        () => quickInputs.evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value)),
        ([value = '']) => !value.startsWith('>'),
      );
    },
    async answer(text) {
      await quickInput.waitFor({ state: 'visible' });
      await quickInput.fill(text);
      await page.keyboard.press('Enter');
    },
    async focusEditor() {
      // Where the text may be scrolled to: lines are in no order, some beyond the edge, and a long one begins left of it.
      const at = await editor.evaluate((element) => {
        const text = element.querySelector('.editor-scrollable')?.getBoundingClientRect();
        const tops = [...element.querySelectorAll('.view-line')].map((line) => line.getBoundingClientRect().top);
        return text && { x: text.left + 2, y: Math.min(...tops.filter((top) => top >= text.top)) + 8 };
      });
      if (at === undefined) throw new Error('The editor has no text.');
      await page.mouse.click(at.x, at.y);
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
      if (await hover.isVisible()) {
        // That of another word.
        await page.mouse.move(0, 0);
        await hover.waitFor({ state: 'hidden' });
      }
      // A busy editor may miss the pointer, which then comes again.
      for (let attempt = 0; attempt < 4 && !(await hover.isVisible()); attempt++) {
        const box = await wordBox(word);
        await page.mouse.move(box.x + box.width + 150, box.y + 200);
        await page.mouse.move(box.x + box.width / 2 - 2, box.y + box.height / 2);
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
        await hover.waitFor({ timeout: 5000 }).catch(() => undefined);
      }
      return until(
        'the hover',
        () => hover.innerText(),
        (text) => text !== '' && text !== 'Loading...',
      );
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
    async clearNotifications() {
      await this.command('Notifications: Clear All Notifications');
      const onScreen = (): Promise<number> =>
        this.notifications().evaluateAll(
          (all) => all.filter((one) => one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })).length,
        );
      await until('no notification', onScreen, (count) => count === 0);
    },
    async notification(text) {
      const notification = page
        .locator(':is(.notifications-toasts, .notifications-center) .notification-list-item', { hasText: text })
        .first();
      // VS Code does not show every one by itself: the others are in its list, and the bell says so.
      const isShown = async (): Promise<boolean> => {
        if (await notification.isVisible()) return true;
        if ((await page.locator('.statusbar .codicon-bell-dot').count()) > 0) await this.command('Notifications: Show Notifications');
        return false;
      };
      await until(`the notification "${text}"`, isShown, (shown) => shown, 120_000);
      return notification;
    },
    async pressInNotification(text, button) {
      const notification = await this.notification(text);
      // In one step of the page: a notification moves, or is drawn anew, when another one comes or goes, and what has two steps (a
      // pointer that goes down and up, a focus and its key) misses it then.
      await notification.getByRole('button', { name: button }).evaluate((element: HTMLElement) => element.click());
    },
  };
}

/** Whether a row of the palette is the command; its label is the title, followed by keybinding and kind. */
function isTitled(label: string, title: string): boolean {
  return label === title || label.startsWith(`${title}, `);
}

/** Client rectangle of a word in the first editor, null where it is not on screen; runs in the page. */
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

/** Time after which a menu of VS Code accepts a click; within 100 ms it may still be the click that opened the menu. */
const MENU_LISTENS_AFTER_MS = 150;

/** How long a menu is looked at for an item that may not be known yet. */
const LOOKED_AT_MS = 2_000;

/** Opens the menu of `target` until it has `item`: a menu shows what was known when it opened. */
export async function menuWith(target: Locator, item: Locator): Promise<void> {
  for (let turn = 1; ; turn++) {
    await target.click({ button: 'right' });
    const found = await item.waitFor({ timeout: LOOKED_AT_MS }).then(
      () => true,
      () => false,
    );
    if (found) return;
    if (turn === 30) throw new Error('The menu has no such item.');
    await target.page().keyboard.press('Escape');
  }
}

/** Clicks an item of the menu that was just opened, as soon as the menu accepts it. */
export async function chooseInMenu(item: Locator): Promise<void> {
  await item.waitFor();
  await item.page().waitForTimeout(MENU_LISTENS_AFTER_MS);
  await item.click();
}

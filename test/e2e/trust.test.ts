import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSession, type Session } from './session.ts';
import { SAMPLE } from './texts.ts';

const EVIL = '/tmp/evil-model';
/** A model that nobody has chosen, as the view's own argument would name it. */
const forged = { entry: { group: 'added', setting: EVIL, name: 'evil', aliases: [], bytes: null, id: '../..' } };
const KEYS: Readonly<Record<string, { readonly command: string; readonly args?: unknown }>> = {
  'ctrl+f1': { command: 'explainTokens.useModelHere' },
  'ctrl+f2': { command: 'explainTokens.useModelHere', args: { scheme: 'file', path: EVIL, fsPath: EVIL } },
  'ctrl+f3': { command: 'explainTokens.useModel', args: forged },
  'ctrl+f6': { command: 'explainTokens.removeModel', args: forged },
  'ctrl+f7': { command: 'explainTokens.revealModel', args: forged },
  'ctrl+f8': { command: 'explainTokens.useModel', args: { entry: null } },
  'ctrl+f9': { command: 'explainTokens.useModel', args: ['x', 1, null] },
};
const keybindings = Object.entries(KEYS).map(([key, what]) => ({ key, ...what }));

describe.each([
  ['an untrusted', true],
  ['a trusted', false],
] as const)('commands called by key bindings with anything, in %s workspace', (_, trust) => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession({
      files: { 'sample.md': SAMPLE },
      open: 'sample.md',
      expect: 'The model reads',
      alone: true,
      trust,
      keybindings,
      settings: { 'security.workspace.trust.startupPrompt': 'never', 'security.workspace.trust.banner': 'never' },
    });
    await session.workbench.focusEditor();
  });
  afterAll(() => session?.close());
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  const press = async (key: string): Promise<void> => {
    await session.workbench.clearNotifications();
    await session.workbench.focusEditor();
    await session.page.keyboard.press(key.replace('ctrl+f', 'Control+F'));
  };
  /** No setting names a model. */
  const expectNoModel = (): void => {
    const settings = join(session.code.userData, 'User/settings.json');
    expect(existsSync(settings) ? readFileSync(settings, 'utf8') : '').not.toContain('explainTokens.model');
    expect(readFileSync(join(session.code.userData, 'Machine/settings.json'), { encoding: 'utf8', flag: 'a+' })).not.toContain(
      'explainTokens.model',
    );
  };

  it.each(['ctrl+f1', 'ctrl+f2'])('a model of the workspace is used by none (%s)', async (key) => {
    await press(key);
    await session.workbench.notification(
      trust
        ? 'A model of a workspace can be used once you trust the workspace.'
        : 'This command is for the folder or a file of a model: choose it in the menu there.',
    );
    await session.screenshot(`89 trust ${trust} ${key}`);
    expectNoModel();
    if (!trust || key !== 'ctrl+f1') return;
    await session.workbench.pressInNotification('once you trust the workspace', 'Manage Workspace Trust');
    const editor = session.page.locator('.workspace-trust-editor');
    await editor.waitFor({ timeout: 120_000 });
    await session.page.keyboard.press('Escape');
    await editor.waitFor({ state: 'hidden' });
  });

  it.each(['ctrl+f3', 'ctrl+f6', 'ctrl+f7', 'ctrl+f8', 'ctrl+f9'])(
    'a model that the library does not have is not taken (%s)',
    async (key) => {
      await press(key);
      const sentence = 'This command is for a model of the view “Language Models”: choose it in the menu there.';
      await session.workbench.notification(sentence);
      expectNoModel();
      expect(session.ownErrors().filter((line) => !line.includes('This command is for'))).toEqual([]);
    },
  );
});

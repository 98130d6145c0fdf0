import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { compareByCommandLine, expectCompared, FIRST, SECOND } from './compared.ts';
import { panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';

const NAME = 'prompt.txt';

let session: Session;
let panel: Panel;
let folder: string;
const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: folder, encoding: 'utf8' });

beforeAll(async () => {
  session = await openSession({ files: { [NAME]: FIRST }, open: NAME, expect: 'She ate' });
  panel = panelOf(session.workbench);
  folder = session.code.workspace;
});
afterAll(async () => {
  await session.close();
  rmSync(join(folder, '.git'), { recursive: true, force: true });
});
afterEach(async (context) => {
  if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
});

it('compares a changed file with the last commit, one click from the source control view', async () => {
  const { page, workbench } = session;
  git('init', '-q', '-b', 'trunk');
  git('add', NAME);
  git('commit', '-q', '-m', 'first');
  writeFileSync(join(folder, NAME), SECOND);
  await workbench.command('Source Control: Focus on Changes View');
  const row = page.locator('.scm-view .monaco-list-row', { hasText: NAME });
  await row.waitFor({ timeout: 60_000 });
  await row.hover();
  await row.getByRole('button', { name: 'Compare With the Last Commit' }).click();
  await expectCompared(panel, compareByCommandLine('--text', FIRST, '--with-text', SECOND));
  const notices = await panel.frame.locator('.compare-sides .notices li, .notices li').allInnerTexts();
  expect(notices.join('\n')).toMatch(/What follows the change, \d+ tokens, takes [\d.]+ bits at HEAD and [\d.]+ now\./);
  await session.screenshot('84 compare with HEAD');
  expect(session.ownErrors()).toEqual([]);
});

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compareByCommandLine, expectCompared, FIRST } from './compared.ts';
import { panelOf } from './panel.ts';
import { openSession } from './session.ts';
import { until } from './until.ts';

const CHANGED = FIRST.replace('red', 'green');

/** Makes a folder a Git repository in which `FIRST` is committed and then changed. */
function commitAndChange(folder: string): void {
  const git = (...args: readonly string[]): void => {
    const user = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false'];
    execFileSync('git', [...user, ...args], { cwd: folder, stdio: 'ignore' });
  };
  git('init');
  git('add', '.');
  git('commit', '-m', 'First');
  writeFileSync(join(folder, 'prompt.txt'), CHANGED);
}

it('compares a changed file with the last commit, one click from the source control view', async () => {
  const session = await openSession({ files: { 'prompt.txt': FIRST }, prepare: commitAndChange, open: 'prompt.txt', expect: 'She ate' });
  try {
    const { page, workbench } = session;
    const panel = panelOf(workbench);
    await workbench.command('Source Control: Focus on Changes View');
    const row = page.locator('.scm-view .monaco-list-row', { hasText: 'prompt.txt' });
    await row.waitFor({ timeout: 120_000 });
    const compare = row.getByRole('button', { name: 'Compare With the Last Commit' });
    // The list is made anew while Git looks through the folder, and the row's buttons are there under the pointer only.
    await until(
      'the row’s buttons',
      async () => {
        await row.hover();
        return compare.isVisible();
      },
      (isThere) => isThere,
    );
    await compare.click();
    await expectCompared(panel, compareByCommandLine('--text', FIRST, '--with-text', CHANGED));
    await panel.frame.getByText(/takes \d+\.\d bits at HEAD/).waitFor();
    await session.screenshot('85 compared with the last commit');
    expect(session.ownErrors()).toEqual([]);
  } catch (error) {
    await session.screenshot('failed compared with the last commit');
    throw error;
  } finally {
    await session.close();
  }
});

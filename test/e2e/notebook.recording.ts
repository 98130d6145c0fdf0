// README's picture of a notebook: the code that is copied for one, run by a real Python, in a real VS Code.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { notebookCode } from '../../src/report/notebookCode.ts';
import { REPORT_VERSION } from '../../src/report/report.ts';
import { openSession } from './session.ts';

const TEXT = 'The lighthouse keeper lit the lamp. The ships saw the light of the lighthouse.';
const REPORT = 'lighthouse.tokens.html';
const NOTEBOOK = 'lighthouse.ipynb';
/** What a reader might ask of the numbers. */
const QUESTIONS = [
  `for token, bits, place in list(zip(explanation["tokens"], -logprob / np.log(2), rank))[1:6]:
    print(f'{token["text"]!r:8} {bits:6.2f} bits, rank {place}')`,
  `import matplotlib.pyplot as plt

names = [token["text"] for token in explanation["tokens"]]
plt.rc("font", size=7)
plt.figure(figsize=(4.4, 3.7))
plt.imshow(attention[3, 1], cmap="Blues")
plt.xticks(range(T), names, rotation=90)
plt.yticks(range(T), names)
plt.title("Layer 3, head 1: each query (row) and the keys it reads")
plt.show()`,
];
/** Runs all cells of a notebook, and keeps what they print in its file. */
const EXECUTE = `import sys, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook).execute()
nbformat.write(notebook, sys.argv[1])`;

/** Writes a report, and a notebook that has read it. `PYTHON` names a Python with nbclient, ipykernel and matplotlib. */
function prepare(folder: string): void {
  const run = (program: string, ...args: readonly string[]): Buffer => execFileSync(program, args, { cwd: folder });
  run('node', join(ROOT, 'dist/cli.js'), 'report', '--text', TEXT, '--include', 'attention', '--output', REPORT);
  const cells = [notebookCode(REPORT, REPORT_VERSION), ...QUESTIONS].map((source, index) => ({
    id: `cell-${index}`,
    cell_type: 'code',
    execution_count: null,
    metadata: {},
    outputs: [],
    source,
  }));
  writeFileSync(join(folder, NOTEBOOK), JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }));
  run(process.env['PYTHON'] ?? 'python3', '-c', EXECUTE, NOTEBOOK);
}

it('a notebook', async () => {
  const session = await openSession({
    files: { 'lighthouse.md': TEXT },
    open: 'lighthouse.md',
    expect: 'keeper',
    prepare,
    settings: {
      'workbench.colorTheme': 'Light Modern',
      'workbench.activityBar.location': 'hidden',
      'editor.fontSize': 12,
      'notebook.output.fontSize': 12,
      'notebook.showCellStatusBar': 'hidden',
      'notebook.globalToolbar': false,
    },
    alone: true,
  });
  try {
    const { page, workbench } = session;
    await page.setViewportSize({ width: 1000, height: 1100 });
    await workbench.command('View: Toggle Primary Side Bar Visibility');
    await workbench.openFile(NOTEBOOK);
    await page.locator('.notebookOverlay .view-line', { hasText: 'import gzip' }).waitFor();
    await workbench.command('Notebook: Focus Last Cell');
    await page.frameLocator('iframe.webview').first().frameLocator('iframe#active-frame').locator('img').waitFor();
    await session.screenshot('readme notebook');
  } finally {
    await session.close();
  }
});

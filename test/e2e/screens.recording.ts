// README's pictures of a notebook and of an agent's questions: a real VS Code, with what Python and a client of the protocol really print.
import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { notebookCode } from '../../src/report/notebookCode.ts';
import { REPORT_VERSION } from '../../src/report/report.ts';
import { folderOf, openSession } from './session.ts';

const TEXT = 'The lighthouse keeper counted the ships that passed in the night.';
const REPORT = 'lighthouse.tokens.html';
const NOTEBOOK = 'lighthouse.ipynb';
const AGENT = 'agent.mjs';
const ANSWERS = 'answers.txt';

/** What a cell printed, and what its last line came to. */
type Output = readonly [text: string, result: string | null];

const CELLS = [
  notebookCode(REPORT, REPORT_VERSION),
  `for token, bits, place in zip(explanation["tokens"], -logprob / np.log(2), rank):
    print(f'{token["text"]!r:12} {bits:6.2f} bits, rank {place}')`,
  'attention[0, 0][:6, :6].round(2)',
];
/** Runs the cells of a JSON list as a notebook does, and prints their outputs as one. */
const RUNNER = `
import ast, contextlib, io, json, sys
scope, outputs = {}, []
for cell in json.load(sys.stdin):
    tree, text, result = ast.parse(cell), io.StringIO(), None
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(text):
        exec(compile(tree, "cell", "exec"), scope)
        if last is not None:
            result = eval(compile(ast.Expression(last.value), "cell", "eval"), scope)
    outputs.append([text.getvalue(), None if result is None else repr(result)])
json.dump(outputs, sys.stdout)
`;
/** An agent's side of the protocol, by its official SDK. */
const CLIENT = `import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const client = new Client({ name: 'agent', version: '1.0.0' });
await client.connect(new StdioClientTransport({ command: 'node', args: ['extension/dist/cli.js', 'mcp'] }));

const { tools } = await client.listTools();
console.log(tools.map(({ name }) => name).join(', '));

const ask = async (name, question) => {
  const { content } = await client.callTool({ name, arguments: question });
  console.log(\`\\n> \${name} \${JSON.stringify(question)}\\n\${content[0].text}\`);
};
await ask('next_tokens', { text: 'Paris is the capital of', top: 3 });
await ask('score_text', { text: 'The cat sat on the mat. The cat sat on the moon.', by: 'word' });
await client.close();
`;

/** Writes the files that the pictures show: a report, a notebook that was run on it, and what the agent was answered. */
function prepare(folder: string): void {
  execFileSync('node', [join(ROOT, 'dist/cli.js'), 'report', '--text', TEXT, '--output', REPORT], { cwd: folder });
  const python = process.env['PYTHON'] ?? 'python3';
  const told = execFileSync(python, ['-c', RUNNER], { cwd: folder, input: JSON.stringify(CELLS), encoding: 'utf8' });
  writeFileSync(join(folder, NOTEBOOK), JSON.stringify(notebook(JSON.parse(told) as readonly Output[])));
  // Apart from the workspace, whose files VS Code looks through.
  const elsewhere = folderOf({ [AGENT]: CLIENT });
  symlinkSync(ROOT, join(elsewhere, 'extension'));
  symlinkSync(join(ROOT, 'node_modules'), join(elsewhere, 'node_modules'));
  writeFileSync(join(folder, ANSWERS), execFileSync('node', [AGENT], { cwd: elsewhere }));
  rmSync(elsewhere, { recursive: true });
}

it('a notebook, and an agent', async () => {
  const session = await openSession({
    files: { [AGENT]: CLIENT },
    open: AGENT,
    expect: 'listTools',
    prepare,
    settings: { 'workbench.colorTheme': 'Light Modern', 'editor.fontSize': 12, 'editor.wordWrap': 'on' },
    alone: true,
  });
  try {
    const { page, workbench } = session;
    await page.setViewportSize({ width: 1400, height: 820 });
    await workbench.command('View: Toggle Primary Side Bar Visibility');
    await workbench.openFile(ANSWERS);
    await workbench.command('View: Move Editor into Right Group');
    await page.locator('.view-line', { hasText: '> score_text' }).waitFor();
    await session.screenshot('readme agent');
    await workbench.command('View: Close All Editors');
    await workbench.openFile(NOTEBOOK);
    await page.locator('.notebookOverlay .cell .view-line').first().waitFor();
    await workbench.command('View: Move Editor into Right Group');
    await workbench.openFile(REPORT);
    await workbench.webview().locator('.strip .token').first().waitFor();
    await page.locator('.notebookOverlay .cell .view-line').first().click();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+End');
    // Outputs have a page of their own, which says nothing when it is drawn.
    await page.waitForTimeout(3000);
    await session.screenshot('readme notebook');
  } finally {
    await session.close();
  }
});

/** A notebook of the cells with what they printed. */
function notebook(outputs: readonly Output[]): object {
  const cells = CELLS.map((source, index) => {
    const [text = '', result = null] = outputs[index] ?? [];
    return {
      cell_type: 'code',
      metadata: {},
      execution_count: index + 1,
      source,
      outputs: [
        ...(text === '' ? [] : [{ output_type: 'stream', name: 'stdout', text }]),
        ...(result === null
          ? []
          : [{ output_type: 'execute_result', execution_count: index + 1, metadata: {}, data: { 'text/plain': result } }]),
      ],
    };
  });
  return { cells, metadata: { language_info: { name: 'python' } }, nbformat: 4, nbformat_minor: 5 };
}

// README's pictures of a notebook and of an agent's questions: a real VS Code, with what Python and a client of the protocol really print.
import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { notebookCode } from '../../src/report/notebookCode.ts';
import { REPORT_VERSION } from '../../src/report/report.ts';
import { openSession, type Session, type SessionOptions } from './session.ts';

const TEXT = 'The lighthouse keeper counted the ships that passed in the night.';
const REPORT = 'lighthouse.tokens.html';
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
await ask('why', { text: 'Paris is the capital of', token: ' the', rival: ' a' });
await client.close();
`;

let session: Session | undefined;
afterEach(async (context) => {
  if (context.task.result?.state === 'fail') await session?.screenshot(`failed ${context.task.name}`);
  await session?.close();
  session = undefined;
});

async function open(options: Pick<SessionOptions, 'files' | 'open' | 'expect' | 'prepare'>): Promise<Session> {
  session = await openSession({
    ...options,
    settings: {
      'workbench.colorTheme': 'Light Modern',
      'editor.fontSize': 12,
      'terminal.integrated.fontSize': 12,
      'terminal.integrated.gpuAcceleration': 'off',
    },
    alone: true,
  });
  await session.workbench.command('View: Toggle Primary Side Bar Visibility');
  return session;
}

it('a notebook', async () => {
  const python = process.env['PYTHON'] ?? 'python3';
  const { page, workbench, screenshot } = await open({
    files: { 'start.md': 'A text.\n' },
    open: 'start.md',
    expect: 'A text.',
    prepare: (folder) => {
      execFileSync('node', [join(ROOT, 'dist/cli.js'), 'report', '--text', TEXT, '--output', REPORT], { cwd: folder });
      const told = execFileSync(python, ['-c', RUNNER], { cwd: folder, input: JSON.stringify(CELLS), encoding: 'utf8' });
      const outputs = JSON.parse(told) as readonly (readonly [string, string | null])[];
      writeFileSync(join(folder, 'lighthouse.ipynb'), JSON.stringify(notebook(outputs)));
    },
  });
  await page.setViewportSize({ width: 1400, height: 900 });
  await workbench.openFile('lighthouse.ipynb');
  await workbench.command('View: New Editor Group to the Right');
  await workbench.openFile(REPORT);
  await workbench.webview().locator('.strip .token').first().waitFor();
  await page.locator('.notebookOverlay .cell').first().click();
  await page.keyboard.press('Control+End');
  await page.locator('.notebookOverlay').getByText('array([[').waitFor();
  await screenshot('readme notebook');
});

it('an agent', async () => {
  const { page, workbench, screenshot } = await open({
    files: { 'agent.mjs': CLIENT },
    open: 'agent.mjs',
    expect: 'listTools',
    prepare: (folder) => {
      symlinkSync(ROOT, join(folder, 'extension'));
      symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    },
  });
  await page.setViewportSize({ width: 1400, height: 900 });
  await workbench.command('Terminal: Create New Terminal');
  await page.locator('.terminal-wrapper.active .xterm-helper-textarea').focus();
  await page.keyboard.type('PS1="$ "; clear; node agent.mjs');
  await page.keyboard.press('Enter');
  await page.locator('.terminal-wrapper.active .xterm-rows').getByText('> why').first().waitFor({ timeout: 60_000 });
  await screenshot('readme agent');
});

/** A notebook of the cells with what they printed. */
function notebook(outputs: readonly (readonly [string, string | null])[]): object {
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

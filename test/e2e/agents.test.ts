import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SERVER_NODE, VSCE } from '../../scripts/lib/paths.mjs';
import { TOOL_PREFIX } from '../../src/host/agents/toolPrefix.ts';
import { AGENT_TOOLS } from '../../src/agents/tools.ts';
import { folderOf, openSession, vsixPath } from './session.ts';
import { traceByCommandLine } from './trace.ts';
import { until } from './until.ts';

const TEXT = 'Paris is the capital of';
const QUESTIONS = [
  { name: 'next_tokens', input: { text: TEXT, top: 3 } },
  { name: 'count_tokens', input: { text: TEXT } },
  { name: 'list_models', input: {} },
  { name: 'lens', input: { text: TEXT, model: '/etc/passwd' } },
].map(({ name, input }) => ({ name: TOOL_PREFIX + name, input }));

/** An extension that asks every question once, as an agent does, and writes what it was told into the workspace. */
const ASKER = {
  'package.json': JSON.stringify({
    name: 'asker',
    publisher: 'test',
    version: '1.0.0',
    engines: { vscode: '^1.95.0' },
    main: './extension.js',
    activationEvents: ['onStartupFinished'],
  }),
  'extension.js': `
const vscode = require('vscode');
exports.activate = () => void (async () => {
  const answers = [];
  const { token } = new vscode.CancellationTokenSource();
  for (const { name, input } of ${JSON.stringify(QUESTIONS)}) {
    try {
      const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined }, token);
      answers.push({ text: content.map(({ value }) => value).join('') });
    } catch (error) {
      answers.push({ error: error.message });
    }
  }
  const tools = vscode.lm.tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  const file = vscode.Uri.joinPath(vscode.workspace.workspaceFolders[0].uri, 'answers.json');
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(JSON.stringify({ answers, tools })));
})();
`,
};

interface Told {
  readonly answers: readonly { readonly text?: string; readonly error?: string }[];
  readonly tools: readonly { readonly name: string; readonly description: string; readonly inputSchema: object }[];
}

it('the tools are there for the agents of VS Code, which get the numbers of the command line', async () => {
  const asker = folderOf(ASKER);
  const vsix = join(asker, 'asker.vsix');
  const how = ['--no-dependencies', '--allow-missing-repository', '--skip-license', '--out', vsix];
  execFileSync(SERVER_NODE, [VSCE, 'package', ...how], { cwd: asker, stdio: 'ignore' });
  const session = await openSession({ files: { 'sample.md': TEXT }, open: 'sample.md', expect: TEXT, vsix: [vsixPath(), vsix] });
  rmSync(asker, { recursive: true });
  try {
    const file = join(session.code.workspace, 'answers.json');
    await until(
      'the answers',
      async () => existsSync(file),
      (there) => there,
    );
    const { answers, tools } = JSON.parse(readFileSync(file, 'utf8')) as Told;
    expect(tools.filter(({ name }) => name.startsWith(TOOL_PREFIX)).toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(
      AGENT_TOOLS.map(({ name, description, inputSchema }) => ({ name: TOOL_PREFIX + name, description, inputSchema })).toSorted((a, b) =>
        a.name.localeCompare(b.name),
      ),
    );
    const [next, count, models, refused] = answers;
    const last = traceByCommandLine(TEXT, ['--top', '3']).at(-1);
    const told = JSON.parse(next?.text ?? '{}') as { readonly next: readonly { readonly id: number; readonly prob: number }[] };
    expect(told.next.map(({ id }) => id)).toEqual(last?.top.map(({ id }) => id));
    told.next.forEach(({ prob }, index) => expect(prob).toBeCloseTo(last?.top[index]?.prob ?? NaN, 5));
    expect(JSON.parse(count?.text ?? '{}')).toMatchObject({ characters: TEXT.length });
    expect(JSON.parse(models?.text ?? '{}')).toMatchObject({ models: [{ name: 'explain-tokens-9m', family: 'llama' }] });
    expect(refused?.error).toContain('There is no model "/etc/passwd" here; there are "explain-tokens-9m".');
    // VS Code logs what a tool refuses.
    expect(session.ownErrors().filter((line) => !line.includes('There is no model "/etc/passwd" here'))).toEqual([]);
  } finally {
    await session.close();
  }
});

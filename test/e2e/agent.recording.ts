// README's picture of an agent: a real VS Code with a client of the protocol, and what it was really told.
import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { folderOf, openSession } from './session.ts';

const AGENT = 'agent.mjs';
const ANSWERS = 'answers.txt';
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

/** Writes what the agent was answered, asked apart from the workspace, whose files VS Code looks through. */
function prepare(folder: string): void {
  const elsewhere = folderOf({ [AGENT]: CLIENT });
  symlinkSync(ROOT, join(elsewhere, 'extension'));
  symlinkSync(join(ROOT, 'node_modules'), join(elsewhere, 'node_modules'));
  writeFileSync(join(folder, ANSWERS), execFileSync('node', [AGENT], { cwd: elsewhere }));
  rmSync(elsewhere, { recursive: true });
}

it('an agent', async () => {
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
  } finally {
    await session.close();
  }
});

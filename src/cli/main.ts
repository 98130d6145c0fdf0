import { version } from '../../package.json';
import { compute, exitCodeOf } from './compute.ts';
import { computeApart, isApart } from './computeApart.ts';
import { HELP } from './help.ts';
import { parseCommand } from './options.ts';
import { standardOutput } from './output.ts';
import { say } from './sayLine.ts';

async function run(): Promise<number> {
  const command = parseCommand(process.argv.slice(2));
  if (command.kind === 'help') await standardOutput().write(HELP);
  else if (command.kind === 'version') await standardOutput().write(`${version}\n`);
  else if (command.kind === 'download') await (await import('./runDownload.ts')).download(command.options, say);
  else if (command.kind === 'mcp') await (await import('./mcpServer.ts')).serveAgents(command.options, __dirname, say);
  else if (isApart()) {
    const { endWithParent } = await import('../worker/port.node.ts');
    endWithParent();
    return compute(command, __dirname, say);
  } else return computeApart(__filename, command.options.output);
  return 0;
}

// The runtime's threads would keep the process alive; everything has been written by now.
void exitCodeOf(run, say).then((code) => process.exit(code));

import { vscode } from '../vscode.ts';
import { isEngineSetting } from '../../engines/engineSetting.ts';
import { readSettings } from '../configuration.ts';
import { folderUri, localPath, nodeCommand } from '#platform';
import type { ServerCommand } from './newerEditor.ts';

/**
 * The server of tools for agents that ask servers alone, with the model that the user chose, as `explain-tokens mcp` serves them; none
 * where the user does not want it, or nothing can be started.
 */
export function agentServers(extensionUri: vscode.Uri, version: string): readonly ServerCommand[] {
  const { mcpServer, model, runtime, nativeRuntime } = readSettings();
  const node = nodeCommand();
  const script = localPath(vscode.Uri.joinPath(extensionUri, 'dist', 'cli.js'));
  if (!mcpServer || node === undefined || script === undefined) return [];
  // The server's models are on this machine.
  const path = model === '' || isEngineSetting(model) ? undefined : localPath(folderUri(model));
  const native = nativeRuntime === '' || runtime === 'wasm' ? undefined : localPath(folderUri(nativeRuntime));
  return [
    {
      label: 'Explain Tokens',
      command: node.command,
      args: [
        script,
        'mcp',
        '--runtime',
        runtime,
        ...(native === undefined ? [] : ['--native-runtime', native]),
        ...(path === undefined ? [] : [path]),
      ],
      env: node.env,
      version,
    },
  ];
}

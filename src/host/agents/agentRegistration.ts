import type { Parts } from '../hostParts.ts';
import { onSettingChange } from '../configuration.ts';
import { vscode } from '../vscode.ts';
import { registerServers, registerTool } from './newerEditor.ts';

/** Contributions of package.json for agents. */
export interface AgentManifest {
  readonly contributes: {
    readonly languageModelTools: readonly { readonly name: string }[];
    readonly mcpServerDefinitionProviders: readonly { readonly id: string }[];
  };
}

/** Registers the tools and servers that package.json contributes, where the editor has agents. What answers is loaded when one asks. */
export function registerForAgents({ contributes }: AgentManifest, parts: () => Promise<Parts>): vscode.Disposable[] {
  const changed = new vscode.EventEmitter<void>();
  const tools = contributes.languageModelTools.map(({ name }) =>
    registerTool(name, async (input, token) => (await parts()).askTool(name, input, token)),
  );
  const servers = contributes.mcpServerDefinitionProviders.map(({ id }) =>
    registerServers(id, changed.event, async () => (await parts()).agentServers()),
  );
  const settings = onSettingChange(['mcpServer', 'model', 'runtime', 'nativeRuntime'], () => changed.fire());
  return [changed, settings, ...[...tools, ...servers].filter((one) => one !== undefined)];
}

import { vscode } from '../vscode.ts';

/** How an agent asks a tool. */
export interface ToolInvocation {
  readonly input: unknown;
}

/** A command that VS Code runs to start a server for agents. */
export interface ServerCommand {
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
}

/** A result of a tool, opaque to us. */
export type ToolResult = object;

/**
 * What editors newer than the declared engine have, as VS Code's `vscode.d.ts` of 1.101 declares it; a fork may lack any part of it.
 * `lm.registerTool` is there since 1.95, the servers since 1.101.
 */
interface NewerEditor {
  readonly lm?: {
    registerTool?(
      name: string,
      tool: { invoke(options: ToolInvocation, token: vscode.CancellationToken): Promise<ToolResult> },
    ): vscode.Disposable;
    registerMcpServerDefinitionProvider?(
      id: string,
      provider: {
        readonly onDidChangeMcpServerDefinitions?: vscode.Event<void>;
        provideMcpServerDefinitions(): Promise<readonly object[]>;
      },
    ): vscode.Disposable;
  };
  readonly LanguageModelToolResult?: new (content: readonly object[]) => ToolResult;
  readonly LanguageModelTextPart?: new (value: string) => object;
  readonly McpStdioServerDefinition?: new (
    label: string,
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    version: string,
  ) => object;
}

/** The editor's API with what this version of it may have. */
function newer(): NewerEditor {
  return vscode as unknown as NewerEditor;
}

/** Offers a tool to the editor's agents; undefined where the editor has none. `answer`: what the tool says of an input. */
export function registerTool(
  name: string,
  answer: (input: unknown, token: vscode.CancellationToken) => Promise<string>,
): vscode.Disposable | undefined {
  const { lm, LanguageModelToolResult: Result, LanguageModelTextPart: Text } = newer();
  if (Result === undefined || Text === undefined) return undefined;
  return lm?.registerTool?.(name, {
    invoke: async ({ input }, token) => new Result([new Text(await answer(input, token))]),
  });
}

/** Offers servers for agents; undefined where the editor knows none. */
export function registerServers(
  id: string,
  onDidChange: vscode.Event<void>,
  servers: () => Promise<readonly ServerCommand[]>,
): vscode.Disposable | undefined {
  const { lm, McpStdioServerDefinition: Definition } = newer();
  if (Definition === undefined) return undefined;
  return lm?.registerMcpServerDefinitionProvider?.(id, {
    onDidChangeMcpServerDefinitions: onDidChange,
    provideMcpServerDefinitions: async () =>
      (await servers()).map(({ label, command, args, env, version }) => new Definition(label, command, args, env, version)),
  });
}

import { MODEL_VIEW, PANEL_TYPE, REPORT_EDITOR } from './host/commandIds.ts';
import { registerForAgents, type AgentManifest } from './host/agents/agentRegistration.ts';
import { LazyModelTree } from './host/models/lazyModelTree.ts';
import type { Parts } from './host/hostParts.ts';
import { reportProvider } from './host/report/reportProvider.ts';
import { readEditors } from './host/editor/target.ts';
import { vscode } from './host/vscode.ts';

/** The rest is loaded when it is first needed, at the latest when the window has started. */
const STARTED_MS = 3000;
/** Commands about what the user has selected. */
const ABOUT_SELECTION = ['explainTokens.explain', 'explainTokens.why', 'explainTokens.compareWith'];
/** With this a command does nothing. */
const NOTHING = Symbol('nothing');

/** Registers what VS Code must know from the start, and no more: it costs every start of every window. */
export function activate(context: vscode.ExtensionContext): void {
  let loading: Promise<Parts> | undefined;
  const parts = (): Promise<Parts> => {
    loading ??= import('./host/hostParts.ts').then(({ createParts }) => createParts(context));
    return loading;
  };
  const timer = setTimeout(() => void parts(), STARTED_MS);
  const tree = new LazyModelTree(parts);
  let last = vscode.window.activeTextEditor;
  context.subscriptions.push(
    { dispose: () => clearTimeout(timer) },
    tree,
    vscode.window.registerTreeDataProvider(MODEL_VIEW, tree),
    // While the panel has the focus no editor is active.
    vscode.window.onDidChangeActiveTextEditor((editor) => {
      last = editor ?? last;
    }),
    ...commandsOf(context.extension.packageJSON).map((id) =>
      vscode.commands.registerCommand(id, async (...args: readonly unknown[]) => {
        if (args[0] === NOTHING) return;
        const editors = readEditors(last);
        await (await parts()).run(id, args, editors);
      }),
    ),
    vscode.window.registerWebviewPanelSerializer(PANEL_TYPE, {
      deserializeWebviewPanel: async (panel, state: unknown) => (await parts()).revive(panel, state),
    }),
    vscode.window.registerCustomEditorProvider(REPORT_EDITOR, reportProvider(parts), { supportsMultipleEditorsPerDocument: true }),
    vscode.window.registerUriHandler({ handleUri: async (link) => (await parts()).follow(link) }),
    ...registerForAgents(context.extension.packageJSON as AgentManifest, parts),
    // A selection's tokens are counted.
    vscode.window.onDidChangeTextEditorSelection(({ selections: [selection] }) => void (selection?.isEmpty === false && parts())),
  );
  void askAhead();
}

/**
 * Before a command's first run in a window VS Code asks for what belongs to it, and waits for the answer while the user types on:
 * what is selected by then is something else. A run from here has it ask now.
 */
async function askAhead(): Promise<void> {
  for (const id of ABOUT_SELECTION) await vscode.commands.executeCommand(id, NOTHING);
}

/** The ids that package.json contributes. */
function commandsOf(manifest: { readonly contributes: { readonly commands: readonly { readonly command: string }[] } }): readonly string[] {
  return manifest.contributes.commands.map(({ command }) => command);
}

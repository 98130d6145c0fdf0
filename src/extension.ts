import { MODEL_VIEW, PANEL_TYPE } from './host/ids.ts';
import { LazyModelTree } from './host/lazyModelTree.ts';
import type { Parts } from './host/parts.ts';
import { vscode } from './host/vscode.ts';

/** The rest is loaded when it is first needed, at the latest when the window has started. */
const STARTED_MS = 3000;

/** Registers what VS Code must know from the start, and no more: it costs every start of every window. */
export function activate(context: vscode.ExtensionContext): void {
  let loading: Promise<Parts> | undefined;
  const parts = (): Promise<Parts> => {
    loading ??= import('./host/parts.ts').then(({ createParts }) => createParts(context));
    return loading;
  };
  const timer = setTimeout(() => void parts(), STARTED_MS);
  const tree = new LazyModelTree(parts);
  context.subscriptions.push(
    { dispose: () => clearTimeout(timer) },
    tree,
    vscode.window.registerTreeDataProvider(MODEL_VIEW, tree),
    ...commandsOf(context.extension.packageJSON).map((id) => vscode.commands.registerCommand(id, async (...args: readonly unknown[]) => (await parts()).run(id, args))),
    vscode.window.registerWebviewPanelSerializer(PANEL_TYPE, { deserializeWebviewPanel: async (panel, state: unknown) => (await parts()).revive(panel, state) }),
    // A selection's tokens are counted.
    vscode.window.onDidChangeTextEditorSelection(({ selections: [selection] }) => void (selection?.isEmpty === false && parts())),
  );
}

/** The ids that package.json contributes. */
function commandsOf(manifest: { readonly contributes: { readonly commands: readonly { readonly command: string }[] } }): readonly string[] {
  return manifest.contributes.commands.map(({ command }) => command);
}

import { vscode } from './vscode.ts';
import { chooseModel } from './chooseModel.ts';
import { compareModel, compareWith } from './compareCommands.ts';
import type { Comparer } from './comparer.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import { downloadModel } from './downloadCommand.ts';
import type { Downloads } from './downloads.ts';
import type { Explainer } from './explainer.ts';
import { removeHubToken, setHubToken } from './hubAccess.ts';
import type { Log } from './log.ts';
import { libraryCommands } from './libraryCommands.ts';
import type { ModelLibrary } from './modelLibrary.ts';
import type { PanelView } from './panelView.ts';
import { readSettings, writeSetting } from './settings.ts';
import { targetOfEditor } from './target.ts';

export interface CommandContext {
  readonly explainer: Explainer;
  readonly comparer: Comparer;
  readonly current: CurrentExplanation;
  readonly panel: PanelView;
  readonly library: ModelLibrary;
  readonly downloads: Downloads;
  readonly secrets: vscode.SecretStorage;
  readonly log: Log;
}

/** What every command of package.json does, by its id. */
export function commandsOf(context: CommandContext): Readonly<Record<string, (...args: readonly unknown[]) => Promise<void> | void>> {
  const { explainer, current, panel, library, downloads, secrets, log } = context;
  return {
    'explainTokens.explain': () => explainSelection(explainer),
    'explainTokens.runAgain': () => explainer.runAgain(),
    'explainTokens.toggleColors': () => writeSetting('colors', !readSettings().colors),
    'explainTokens.clear': () => {
      panel.close();
      current.clear();
    },
    'explainTokens.compareWith': () => compareWith(context),
    'explainTokens.compareModel': () => compareModel(context),
    'explainTokens.chooseModel': () => chooseModel(library),
    'explainTokens.downloadModel': () => downloadModel(downloads, log),
    'explainTokens.setHubToken': () => setHubToken(secrets),
    'explainTokens.removeHubToken': () => removeHubToken(secrets),
    'explainTokens.showLog': () => log.show(),
    ...libraryCommands(library),
  };
}

async function explainSelection(explainer: Explainer): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return inform(vscode.l10n.t('Open a text and select what to explain.'));
  const target = targetOfEditor(editor);
  if (!target) return inform(vscode.l10n.t('There is no text here to explain: write or select some first.'));
  await explainer.explain(target);
}

function inform(message: string): void {
  void vscode.window.showInformationMessage(message);
}

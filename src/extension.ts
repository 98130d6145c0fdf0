import { vscode } from './host/vscode.ts';
import { registerCommands } from './host/commands.ts';
import { CancelledError } from './core/errors.ts';
import { Comparer } from './host/comparer.ts';
import { CurrentExplanation } from './host/currentExplanation.ts';
import { Downloads } from './host/downloads.ts';
import { PANEL_TYPE } from './host/explainPanel.ts';
import { Explainer } from './host/explainer.ts';
import { insertGenerated, wholeTarget } from './host/generatedText.ts';
import { Log, reportError } from './host/log.ts';
import { ModelClient } from './host/modelClient.ts';
import type { WantedModel } from './host/liveWorker.ts';
import { adviceFor } from './host/modelAdvice.ts';
import { ModelFolders } from './host/modelFolders.ts';
import { ModelLibrary } from './host/modelLibrary.ts';
import { wantedModel } from './host/modelLocation.ts';
import { ModelTree } from './host/modelTree.ts';
import { parsePersistedState } from './host/panelMessages.ts';
import { PanelView } from './host/panelView.ts';
import { onSettingChange, readSettings } from './host/settings.ts';
import { StatusBar } from './host/statusBar.ts';
import { targetOfState } from './host/target.ts';
import { TokenDecorations } from './host/tokenDecorations.ts';
import { TokenFocus } from './host/tokenFocus.ts';
import { TokenHover } from './host/tokenHover.ts';
import type { WorkerApi } from './worker/api.ts';
import { connect, type Connection } from './worker/rpc.ts';
import { startWorker } from '#platform';

/** Builds the parts and wires them. Neither worker nor model is touched before the first request. */
export function activate({ extensionUri, globalState, globalStorageUri, secrets, subscriptions }: vscode.ExtensionContext): void {
  const { t } = vscode.l10n;
  const execute = (command: string): void => void vscode.commands.executeCommand(`explainTokens.${command}`);
  const log = new Log();
  const attempt = (what: string, work: Promise<void>): void => void work.catch((error: unknown) => (error instanceof CancelledError ? undefined : reportError(log, what, error)));
  const current = new CurrentExplanation();
  const focus = new TokenFocus(current);
  const connectWorker = async (): Promise<Connection<WorkerApi>> => {
    const { runtime, nativeRuntime } = readSettings();
    return connect<WorkerApi>(await startWorker(extensionUri, { choice: runtime, nativeFolder: nativeRuntime }));
  };
  const wanted = (model: string): WantedModel => wantedModel(extensionUri, { ...readSettings(), model }, library.nameOf(model));
  const client = new ModelClient({
    connect: connectWorker,
    wanted: () => wanted(readSettings().model),
    onState: (state) => statusBar.setState(state),
    onRefused: (refused, kept, error) => {
      log.info(`The model ${kept.name} stays in use.`);
      void adviceFor(library, error).then((advice) => reportError(log, `Opening ${refused.key}`, advice.error, { ...advice.remedies, [t('Choose Model')]: () => execute('chooseModel') }));
    },
    onIdleFailure: (error) => log.error('Idle worker', error),
    t,
  });
  const comparer = new Comparer({ client, current, log, connect: connectWorker, wanted });
  const downloads = new Downloads({ globalStorageUri, secrets });
  const library = new ModelLibrary({ downloads, connect: connectWorker, log, locate: (model) => wanted(model).locate(), state: globalState });
  const statusBar = new StatusBar(client, current, log);
  const explainer = new Explainer(client, current, log, (error) => adviceFor(library, error));
  const panel = new PanelView(
    { extensionUri, client, current, comparer, focus, log },
    {
      cancel: () => explainer.cancel(), runAgain: () => execute('runAgain'), chat: (on) => (explainer.setChat(on), execute('runAgain')),
      compareWith: () => execute('compareWith'), compareModel: () => execute('compareModel'),
      insertGenerated: (generated) => attempt('Inserting the generated text', insertGenerated(client, current, generated)),
      explainGenerated: (generated) => attempt('Explaining the generated text', wholeTarget(client, generated).then((target) => explainer.explain(target))),
      chooseModel: () => execute('chooseModel'), showLog: () => log.show(),
    },
  );
  explainer.attach(panel);
  subscriptions.push(
    log,
    current,
    focus,
    client,
    statusBar,
    comparer,
    downloads,
    library,
    new ModelTree(library),
    new ModelFolders(),
    explainer.onWillExplain(() => comparer.cancel()),
    explainer,
    panel,
    new TokenHover(current),
    new TokenDecorations(current, focus),
    registerCommands({ explainer, comparer, current, panel, library, downloads, secrets, log }),
    onSettingChange(['model', 'runtime', 'nativeRuntime'], () => void explainer.changeModel()),
    current.onDidChange(() => void vscode.commands.executeCommand('setContext', 'explainTokens.explained', current.value !== undefined)),
    vscode.window.registerWebviewPanelSerializer(PANEL_TYPE, {
      deserializeWebviewPanel: async (restored, value: unknown) => {
        panel.revive(restored);
        const state = parsePersistedState(value);
        explainer.setChat(state?.chat === true);
        if (!state) return panel.close();
        void explainer.explain(targetOfState(state)).then(() => state.compared && comparer.restore(state.compared));
      },
    }),
  );
}

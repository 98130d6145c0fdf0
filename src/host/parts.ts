import { vscode } from './vscode.ts';
import { commandsOf } from './commands.ts';
import { CancelledError } from '../core/errors.ts';
import { Comparer } from './comparer.ts';
import { CurrentExplanation } from './currentExplanation.ts';
import { Downloads } from './downloads.ts';
import { Explainer } from './explainer.ts';
import { insertGenerated, wholeTarget } from './generatedText.ts';
import { Log, reportError } from './log.ts';
import { ModelClient } from './modelClient.ts';
import type { WantedModel } from './liveWorker.ts';
import { adviceFor } from './modelAdvice.ts';
import { ModelFolders } from './modelFolders.ts';
import { ModelLibrary } from './modelLibrary.ts';
import { wantedModel } from './modelLocation.ts';
import { ModelTree } from './modelTree.ts';
import { parsePersistedState } from './panelMessages.ts';
import { PanelView } from './panelView.ts';
import { onSettingChange, readSettings } from './settings.ts';
import { StatusBar } from './statusBar.ts';
import { targetOfState } from './target.ts';
import { TokenDecorations } from './tokenDecorations.ts';
import { TokenFocus } from './tokenFocus.ts';
import { TokenHover } from './tokenHover.ts';
import type { WorkerApi } from '../worker/api.ts';
import { connect, type Connection } from '../worker/rpc.ts';
import { startWorker } from '#platform';

/** What the extension does once it is needed. */
export interface Parts {
  readonly tree: ModelTree;
  /** Runs a command by its id. What it throws is shown once, here. */
  run(command: string, args: readonly unknown[]): Promise<void>;
  /** Fills a panel that VS Code kept over a restart. */
  revive(panel: vscode.WebviewPanel, state: unknown): void;
}

/** Builds the parts of the extension and wires them. Neither worker nor model is touched before the first request. */
export function createParts({ extensionUri, globalState, globalStorageUri, secrets, subscriptions }: vscode.ExtensionContext): Parts {
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
  const tree = new ModelTree(library);
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
    tree,
    new ModelFolders(),
    explainer.onWillExplain(() => comparer.cancel()),
    explainer,
    panel,
    new TokenHover(current),
    new TokenDecorations(current, focus),
    onSettingChange(['model', 'runtime', 'nativeRuntime'], () => void explainer.changeModel()),
    current.onDidChange(() => void vscode.commands.executeCommand('setContext', 'explainTokens.explained', current.value !== undefined)),
  );
  const commands = commandsOf({ explainer, comparer, current, panel, library, downloads, secrets, log });
  return {
    tree,
    run: async (command, args) => {
      try {
        await commands[command]?.(...args);
      } catch (error) {
        void reportError(log, command, error);
      }
    },
    revive: (restored, value) => {
      panel.revive(restored);
      const state = parsePersistedState(value);
      explainer.setChat(state?.chat === true);
      if (!state) return panel.close();
      void explainer.explain(targetOfState(state)).then(() => state.compared && comparer.restore(state.compared));
    },
  };
}

import { vscode } from './vscode.ts';
import { agentServers } from './agents/agentServer.ts';
import { EditorTools } from './agents/editorTools.ts';
import type { ServerCommand } from './agents/newerEditor.ts';
import { commandsOf } from './commands.ts';
import { CancelledError } from '../core/errors.ts';
import type { Recipe } from '../core/run.ts';
import { Comparer } from './explain/comparer.ts';
import { Sizer } from './explain/sizer.ts';
import { CurrentExplanation } from './explain/currentExplanation.ts';
import { Engines } from './engines/engines.ts';
import { nearestHere } from './engines/localModels.ts';
import { openSameTokenizer, sameModelHere } from './engines/sameModel.ts';
import { engineWorker } from './engines/engineWorker.ts';
import { agreeToRequests } from './engines/engineCommands.ts';
import { Downloads } from './models/downloads.ts';
import { exampleTarget } from './explain/exampleTarget.ts';
import { Explainer } from './explain/explainer.ts';
import { insertGenerated, wholeTarget } from './explain/generatedText.ts';
import { chosenRecipe, openAsDocument } from './explain/recipeFiles.ts';
import { ReportDocument } from './report/reportDocument.ts';
import { ReportEditors } from './report/reportEditor.ts';
import { chosenVector, saveVector } from './explain/vectorFiles.ts';
import { saveNewFile } from './panel/savedFiles.ts';
import { Log, logRuntime, reportError, sentenceOf } from './log.ts';
import { isEngineSetting } from '../engines/engineSetting.ts';
import { ModelClient } from './client/modelClient.ts';
import type { WantedModel } from './client/liveWorker.ts';
import { adviceFor } from './models/modelAdvice.ts';
import { ModelFolders } from './models/modelFolders.ts';
import { ModelLibrary } from './models/modelLibrary.ts';
import { wantedModel } from './models/modelLocation.ts';
import { ModelTree } from './models/modelTree.ts';
import { parsePersistedState } from './panel/panelMessages.ts';
import { PanelView } from './panel/panelView.ts';
import { t } from './say.ts';
import { onSettingChange, readSettings } from './configuration.ts';
import { StatusBar } from './editor/statusBar.ts';
import { type EditorTexts, reopenDocument, targetOfState } from './editor/target.ts';
import { TokenDecorations } from './editor/tokenDecorations.ts';
import { TokenFocus } from './editor/tokenFocus.ts';
import { TokenHover } from './editor/tokenHover.ts';
import { AttentionDecorations } from './editor/attentionDecorations.ts';
import { AttentionMarks } from './editor/attentionMarks.ts';
import { Overlays } from './editor/overlays.ts';
import { WhyDecorations } from './editor/whyDecorations.ts';
import { WhyMarks } from './editor/whyMarks.ts';
import { WindowFollower } from './editor/windowFollower.ts';
import { Counts } from './counts/counts.ts';
import { Typing } from './typing.ts';
import { FileParts } from './wholeFile/fileParts.ts';
import type { WorkerApi } from '../worker/workerApi.ts';
import { connect, type Connection } from '../worker/rpc.ts';
import { startWorker } from '#platform';

/** Entry points of the extension, built when one is first needed. */
export interface Parts {
  /** The view of models. */
  readonly tree: ModelTree;
  /** Runs a command by its id on the given editors. Errors are reported to the user here. */
  run(command: string, args: readonly unknown[], editors: EditorTexts): Promise<void>;
  /** Restores a panel that VS Code kept over a restart from its saved state. */
  revive(panel: vscode.WebviewPanel, state: unknown): void;
  /** Reads a saved report. `backup`: a file of notes on it that are not saved. Rejects with a sentence for the user. */
  openReport(uri: vscode.Uri, backup: vscode.Uri | undefined): Promise<ReportDocument>;
  /** Shows a saved report in the panel of its editor. */
  showReport(document: ReportDocument, panel: vscode.WebviewPanel): void;
  /** Follows a link into the extension. Errors are reported to the user here. */
  follow(link: vscode.Uri): void;
  /** Answers an agent that asks a tool of package.json. Rejects with a sentence for the agent. */
  askTool(name: string, input: unknown, token: vscode.CancellationToken): Promise<string>;
  /** Servers for agents, as the settings want them. */
  agentServers(): readonly ServerCommand[];
}

/** Builds and connects the parts of the extension. No worker starts and no model is opened before the first request. */
export function createParts({
  extension,
  extensionUri,
  globalState,
  globalStorageUri,
  secrets,
  subscriptions,
}: vscode.ExtensionContext): Parts {
  const execute = (command: string): void => void vscode.commands.executeCommand(`explainTokens.${command}`);
  const setContext = (name: string, value: boolean): void =>
    void vscode.commands.executeCommand('setContext', `explainTokens.${name}`, value);
  const log = new Log();
  const attempt = (what: string, work: Promise<void>): void =>
    void work.catch((error: unknown) => {
      if (error instanceof CancelledError) return;
      panel.failGenerated(sentenceOf(error));
      void reportError(log, what, error);
    });
  const readWith = (recipe: Recipe): void => (explainer.setRecipe(recipe), execute('runAgain'));
  const saveFile = (name: string, content: string | Uint8Array): void =>
    void saveNewFile(name, content).catch((error: unknown) => void reportError(log, `Saving ${name}`, error));
  const { version } = extension.packageJSON as { readonly version: string };
  const current = new CurrentExplanation();
  const focus = new TokenFocus(current);
  const why = new WhyMarks(current);
  const engines = new Engines({ secrets, globalState });
  const connectWorker = async (model?: WantedModel): Promise<Connection<WorkerApi>> => {
    const { runtime, nativeRuntime, executionProvider, engineRequests: parallel } = readSettings();
    const served = model?.engine;
    if (served)
      return engineWorker({
        open: (signal) => engines.open(served, signal),
        allow: (opened) => engines.allow(opened),
        agree: agreeToRequests,
        tokenizer: async (opened) => {
          const same = await sameModelHere(library, opened);
          return same === undefined ? null : openSameTokenizer(await connectWorker(), await wanted(same.setting).locate());
        },
        parallel,
      });
    return connect<WorkerApi>(
      await startWorker(extensionUri, { choice: runtime, nativeFolder: nativeRuntime, provider: executionProvider }),
    );
  };
  const wanted = (model: string): WantedModel =>
    wantedModel(extensionUri, { ...readSettings(), model }, library.nameOf(model), () => library.paths());
  const typing = new Typing();
  const client = new ModelClient({
    connect: connectWorker,
    wanted: () => wanted(readSettings().model),
    onState: (state) => {
      statusBar.setState(state);
      if (state.kind === 'ready') logRuntime(log, state.info);
    },
    onRefused: (refused, kept, error) => {
      log.info(`The model ${kept.name} stays in use.`);
      const { model } = readSettings();
      void adviceFor(library, error).then((advice) => {
        if (wanted(readSettings().model).key === refused.key) panel.refuse({ model, kept: kept.name, message: sentenceOf(advice.error) });
        return reportError(log, `Opening ${refused.key}`, advice.error, [
          ...advice.remedies,
          { title: t('Choose Model'), run: () => execute('chooseModel') },
        ]);
      });
    },
    onIdleFailure: (error) => log.error('Idle worker', error),
    pause: typing.pause,
    t,
  });
  const attention = new AttentionMarks({
    client,
    current,
    focus,
    onFailure: (error) => void reportError(log, 'Attention in the editor', error),
  });
  const overlays = new Overlays(why, attention);
  const aside = (model: string): ModelClient => {
    const silent = (): void => undefined;
    return new ModelClient({
      connect: connectWorker,
      wanted: () => wanted(model),
      onState: silent,
      onRefused: silent,
      onIdleFailure: (error) => log.error('Idle worker', error),
      pause: typing.pause,
      t,
    });
  };
  /** A client of the model of this name, at an engine or here; undefined: none of the list has it. */
  const named = async (name: string, isServed: boolean): Promise<ModelClient | undefined> => {
    const entry = (await library.entries()).find(({ setting }) => isEngineSetting(setting) === isServed && wanted(setting).name === name);
    return entry && aside(entry.setting);
  };
  const comparer = new Comparer({ client, current, log, aside });
  const sizer = new Sizer({ current, log, aside, wanted });
  const downloads = new Downloads({ globalStorageUri, secrets });
  const library = new ModelLibrary({
    engines,
    downloads,
    connect: () => connectWorker(),
    log,
    locate: (model) => wanted(model).locate(),
    state: globalState,
  });
  const statusBar = new StatusBar(client, current, log);
  const explainer = new Explainer(client, current, log, (error) => adviceFor(library, error));
  const panel = new PanelView(
    {
      extensionUri,
      client,
      current,
      comparer,
      sizer,
      focus,
      why,
      attention,
      log,
      nearest: async (name) => (await nearestHere(library, name))?.name,
    },
    {
      cancel: () => explainer.cancel(),
      dismiss: () => explainer.dismiss(),
      command: execute,
      example: (name) =>
        void exampleTarget(name)
          .then((target) => target && explainer.explain(target))
          .catch((error: unknown) => void reportError(log, 'Opening an example', error)),
      window: (index) => {
        const at = current.windowOffset(index);
        if (at !== undefined) void explainer.showWindow(at).then((shown) => shown && focus.revealStart());
      },
      chat: (on) => (explainer.setChat(on), execute('runAgain')),
      recipe: (recipe) => readWith(recipe),
      exportRecipe: (recipe) =>
        void openAsDocument(recipe).catch((error: unknown) => void reportError(log, 'Opening a recipe as a document', error)),
      importRecipe: () => {
        const asked = current.value;
        if (asked === undefined) return;
        void chosenRecipe(asked.shown.explanation)
          // Another text may have been explained while the user looked for the file.
          .then((recipe) => recipe !== undefined && current.value === asked && readWith(recipe))
          .catch((error: unknown) => void reportError(log, 'Reading a recipe', error));
      },
      openVector: () => {
        const asked = current.value;
        if (asked === undefined) return;
        void chosenVector(client, asked)
          .then((vector) => vector !== undefined && panel.offerVector(vector))
          .catch((error: unknown) => void reportError(log, 'Reading a control vector', error));
      },
      saveVector: (vector) => {
        const asked = current.value;
        if (asked === undefined) return;
        void saveVector(client, asked, vector).catch((error: unknown) => void reportError(log, 'Saving a control vector', error));
      },
      saveFile,
      insertGenerated: (generated) => attempt('Inserting the generated text', insertGenerated(client, current, generated)),
      explainGenerated: (generated) =>
        attempt(
          'Explaining the generated text',
          wholeTarget(client, current, generated).then((target) => explainer.explain(target)),
        ),
    },
  );
  const reports = new ReportEditors({ extensionUri, client, named, log, saveFile });
  const files = new FileParts({ client, current, overlays, log, setContext, advise: (error) => adviceFor(library, error) });
  const counts = new Counts(client, setContext);
  const tree = new ModelTree(library);
  const tools = new EditorTools(client, library);
  explainer.attach(panel);
  subscriptions.push(
    log,
    current,
    focus,
    why,
    attention,
    overlays,
    engines,
    typing,
    client,
    statusBar,
    comparer,
    sizer,
    downloads,
    library,
    files,
    counts,
    tree,
    new ModelFolders(),
    explainer.onWillExplain(() => comparer.cancel()),
    explainer,
    panel,
    new WindowFollower(current, (at, editor) => void explainer.showWindow(at).then((shown) => shown && focus.follow(editor))),
    new TokenHover(current, why, attention),
    new TokenDecorations(current, focus, overlays),
    new WhyDecorations(current, why),
    new AttentionDecorations(current, attention),
    onSettingChange(['model', 'runtime', 'nativeRuntime', 'executionProvider'], () => {
      panel.refuse(null);
      void explainer.changeModel();
    }),
    current.onDidChange(() => setContext('explained', current.value !== undefined)),
    why.onDidChange(() => setContext('why', why.words !== null)),
    attention.onDidChange(() => setContext('attention', attention.isOn)),
  );
  return {
    tree,
    run: async (command, args, editors) => {
      try {
        await commandsOf({
          client,
          explainer,
          comparer,
          sizer,
          current,
          focus,
          why,
          attention,
          panel,
          reports,
          files,
          counts,
          library,
          engines,
          downloads,
          secrets,
          extensionUri,
          version,
          log,
          editors,
        })[command]?.(...args);
      } catch (error) {
        void reportError(log, command, error);
      }
    },
    askTool: (name, input, token) => tools.ask(name, input, token),
    openReport: (uri, backup) => ReportDocument.open(uri, backup),
    showReport: (document, opened) => reports.show(document, opened),
    follow: (link) => void reports.follow(link).catch((error: unknown) => void reportError(log, 'Following a link', error)),
    agentServers: () => agentServers(extensionUri, version),
    revive: (restored, value) => {
      panel.revive(restored);
      const state = parsePersistedState(value);
      explainer.setChat(state?.chat === true);
      if (state?.recipe) explainer.setRecipe(state.recipe.steps, state.recipe.model);
      // Nothing was explained when it was left: it says how to begin.
      if (!state) return;
      const found = state.at === undefined ? undefined : reopenDocument(state.source.uri);
      // A text leaves this machine by a command alone.
      if (client.isElsewhere) return explainer.hold(targetOfState(state));
      const explain = (): Promise<unknown> =>
        explainer.explain(targetOfState(state)).then(() => state.compared && comparer.restore(state.compared));
      void (found === undefined ? explain() : found.then(explain));
    },
  };
}

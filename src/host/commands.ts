import { vscode } from './vscode.ts';
import { engineCommands } from './engines/engineCommands.ts';
import type { Engines } from './engines/engines.ts';
import { chooseModel } from './models/chooseModel.ts';
import { compareHead } from './git/compareHead.ts';
import { compareModel, compareWith } from './explain/compareCommands.ts';
import { compareSizesCommand } from './explain/sizesCommand.ts';
import type { Sizer } from './explain/sizer.ts';
import type { Comparer } from './explain/comparer.ts';
import type { CurrentExplanation } from './explain/currentExplanation.ts';
import { downloadModel } from './models/downloadCommand.ts';
import type { Downloads } from './models/downloads.ts';
import { exampleTarget } from './explain/exampleTarget.ts';
import type { Explainer } from './explain/explainer.ts';
import { removeHubToken, setHubToken } from './models/hubAccess.ts';
import type { Log } from './log.ts';
import type { ReportEditors } from './report/reportEditor.ts';
import { saveReport } from './report/saveReport.ts';
import { libraryCommands } from './models/libraryCommands.ts';
import type { ModelClient } from './client/modelClient.ts';
import type { ModelLibrary } from './models/modelLibrary.ts';
import { examplesIn } from '../protocol/exampleTexts.ts';
import type { PanelView } from './panel/panelView.ts';
import { t } from './say.ts';
import { inform } from './surfaces.ts';
import { readSettings, writeSetting } from './configuration.ts';
import type { AttentionMarks } from './editor/attentionMarks.ts';
import { isWithheld, type EditorTexts } from './editor/target.ts';
import type { TokenFocus } from './editor/tokenFocus.ts';
import type { Counts } from './counts/counts.ts';
import { fileCommands, readAroundWindow } from './wholeFile/fileCommands.ts';
import type { FileParts } from './wholeFile/fileParts.ts';
import { surpriseCommands } from './wholeFile/surpriseCommands.ts';
import type { WhyMarks } from './editor/whyMarks.ts';

/** Parts of the extension that commands use. */
export interface CommandContext {
  readonly client: ModelClient;
  readonly explainer: Explainer;
  readonly comparer: Comparer;
  readonly sizer: Sizer;
  readonly current: CurrentExplanation;
  readonly focus: TokenFocus;
  readonly why: WhyMarks;
  readonly attention: AttentionMarks;
  readonly panel: PanelView;
  readonly reports: ReportEditors;
  readonly files: FileParts;
  readonly counts: Counts;
  readonly library: ModelLibrary;
  readonly engines: Engines;
  readonly downloads: Downloads;
  readonly secrets: vscode.SecretStorage;
  readonly extensionUri: vscode.Uri;
  /** Version of the extension. */
  readonly version: string;
  readonly log: Log;
  /** Visible texts at the moment of the command. */
  readonly editors: EditorTexts;
}

/** Handlers of the commands of package.json, by id. */
export function commandsOf(context: CommandContext): Readonly<Record<string, (...args: readonly unknown[]) => Promise<void> | void>> {
  const { explainer, current, panel, library, downloads, secrets, log } = context;
  return {
    'explainTokens.explain': async () => {
      await explainSelection(context);
      readAroundWindow(context);
    },
    'explainTokens.runAgain': () => explainer.runAgain(),
    'explainTokens.toggleColors': () => writeSetting('colors', !readSettings().colors),
    'explainTokens.clear': () => {
      panel.close();
      current.clear();
      context.files.reader.forgetUnasked();
    },
    'explainTokens.why': () => whyToken(context),
    'explainTokens.clearWhy': () => context.why.clear(),
    'explainTokens.showPath': () => showPath(context),
    'explainTokens.toggleAttention': () => toggleAttention(context),
    'explainTokens.compareWith': () => compareWith(context),
    'explainTokens.compareHead': (resource) => compareHead(context, resource),
    'explainTokens.compareModel': () => compareModel(context),
    'explainTokens.compareSizes': () => compareSizesCommand(context),
    'explainTokens.saveReport': () => saveReport(context),
    'explainTokens.copyForNotebook': () => context.reports.copyForNotebook(),
    'explainTokens.copyReportLink': () => context.reports.copyLink(),
    'explainTokens.chooseModel': () => chooseModel(library),
    'explainTokens.downloadModel': () => downloadModel(downloads, log),
    'explainTokens.setHubToken': () => setHubToken(secrets),
    'explainTokens.removeHubToken': () => removeHubToken(secrets),
    'explainTokens.showLog': () => log.show(),
    'explainTokens.countFolder': (folder) => context.counts.count(folder),
    'explainTokens.readBits': (node) => context.counts.readBits(node),
    ...fileCommands(context),
    ...surpriseCommands(context),
    ...libraryCommands(library),
    ...engineCommands(context),
  };
}

/** Explains what is selected. Where there is no text at all, the panel says how to begin and offers examples. */
async function explainSelection({ explainer, panel, editors: { active, nearest } }: CommandContext): Promise<void> {
  if (!active && isWithheld()) return void inform(t('VS Code gives this file to no extension: it is larger than 50 MB, or no text.'));
  if (!nearest && !panel.isOpen) return panel.openStart();
  if (!nearest) return void inform(t('Open a text and select what to explain.'));
  if (explainer.readHere(nearest)) return explainer.runAgain();
  const { target } = nearest;
  if (!target) return void inform(t('There is no text here to explain: write or select some first.'));
  await explainer.explain(target);
}

/** Asks why the token under the cursor is there: in the panel, and in the editor, whose words are coloured by how much they count. */
async function whyToken(context: CommandContext): Promise<void> {
  const { current, focus, why, attention, panel, editors } = context;
  const { active } = editors;
  if (!active) return void inform(t('Open a text and put the cursor on a token.'));
  const { document, selection } = active;
  const before = current.placeAt(document, selection.start);
  if (before.kind !== 'token') await explainSelection(context);
  const place = current.placeAt(document, selection.start);
  if (place.kind !== 'token') {
    // An explanation that failed or was cancelled has said so.
    if (current.value && current.outdated === null) void inform(t('There is no token of the explained text at the cursor.'));
    return;
  }
  if (place.token === 0) return void inform(t('Nothing precedes this token, so nothing predicted it.'));
  const position = place.token - 1;
  panel.open(current.value?.shown.source.label ?? '');
  attention.turn(false);
  why.want(position);
  focus.select(position);
  panel.askWhy(position);
}

/** Shows the path through the panel, over the explanation on show; without one over the text at the cursor, or else an example. */
async function showPath({ explainer, current, panel, editors }: CommandContext): Promise<void> {
  if (!current.value) {
    const target = editors.nearest?.target ?? (await exampleTarget(examplesIn(vscode.env.language)[0] ?? 'code'));
    if (target) await explainer.explain(target);
  }
  // An explanation that failed or was cancelled has said so.
  if (!current.value) return;
  panel.open(current.value.shown.source.label);
  panel.showPath();
}

/** Shades the words that the token at the cursor attends to, from now on or no longer; a text is explained first where none is. */
async function toggleAttention(context: CommandContext): Promise<void> {
  const { attention, current, why, editors } = context;
  if (attention.isOn) return attention.turn(false);
  const { active } = editors;
  if (!current.value || (active && !current.isAbout(active.document))) {
    await explainSelection(context);
    // An explanation that failed or was cancelled has said so.
    if (!current.value || current.outdated !== null || (active && !current.isAbout(active.document))) return;
  }
  if (current.value.shown.explanation.model.served)
    return void inform(t('This engine does not return attention weights: a model on this machine does.'));
  why.clear();
  attention.turn(true);
  if (!attention.hasToken) void inform(t('Attention follows the cursor: put it on a token of the explained text.'));
}

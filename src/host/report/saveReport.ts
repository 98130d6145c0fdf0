import { vscode } from '../vscode.ts';
import { bytesText } from '../../core/bytesText.ts';
import { CancelledError } from '../../core/errors.ts';
import { inert } from '../../core/inertText.ts';
import { isRecord } from '../../core/records.ts';
import { collectAnswers } from '../../report/collectAnswers.ts';
import { makeReport } from '../../report/makeReport.ts';
import { parseNotes } from '../../report/notes.ts';
import { REPORT_ENDING, writeReport } from '../../report/reportFile.ts';
import { loadReportPage } from '../../report/reportPage.ts';
import {
  aboutBytes,
  comparisonQuestions,
  REPORT_PARTS,
  type ReportChoice,
  type ReportPart,
  type SidedQuery,
} from '../../report/reportQuestions.ts';
import type { ModelClient } from '../client/modelClient.ts';
import type { Comparer, Comparison } from '../explain/comparer.ts';
import type { Current, CurrentExplanation } from '../explain/currentExplanation.ts';
import type { PanelView } from '../panel/panelView.ts';
import { writeWhole } from '../panel/savedFiles.ts';
import { t } from '../say.ts';
import { inform, pickSome, saveDialog, withProgress, type PickItem } from '../surfaces.ts';
import { fileName, safeName } from '../fileName.ts';
import { questionsTeller } from './questionsTeller.ts';

/** Parts of the extension that saving a report uses. */
export interface SaveContext {
  readonly extensionUri: vscode.Uri;
  /** Version of the extension. */
  readonly version: string;
  readonly client: ModelClient;
  readonly current: CurrentExplanation;
  readonly comparer: Comparer;
  readonly panel: PanelView;
}

/** Bytes that every report has: the page itself. */
const PAGE_BYTES = 900_000;
/** Parts that are chosen at first, where they are smaller than this. */
const SMALL_BYTES = 4_000_000;

/** A part of the report in the list of what goes in. */
interface PartItem extends PickItem {
  readonly part: ReportPart;
}

/**
 * Command "Save as Report…": asks what goes in and where to, asks the model for it, and writes one file that opens anywhere. Written whole
 * or not at all; cancelling writes nothing. Throws UserError where the file cannot be written.
 */
export async function saveReport(context: SaveContext): Promise<void> {
  const { current, comparer, panel } = context;
  const asked = current.value;
  if (!asked) return void inform(t('Explain a text first: then it can be saved as a report.'));
  const compared = comparer.value;
  const view = await panel.askView();
  const settings = isRecord(view) ? view : {};
  // What an engine has written is written anew, and sent for, each time it is asked.
  const questions = panel.questions.filter(({ side }) => !isServed(side === 'second' ? compared : asked));
  const choice = choiceOf(asked, settings);
  const parts = isServed(asked) ? [] : await chooseParts(asked, compared, choice);
  if (parts === undefined) return;
  const file = await chooseFile(asked);
  if (file === undefined) return;
  await withProgress(t('Saving a report'), async (view, signal) => {
    const tell = questionsTeller(view, signal);
    try {
      const bytes = await contentOf(context, { asked, compared, settings, questions, choice: { ...choice, parts }, signal, tell });
      if (signal.aborted) return;
      await writeWhole(file, bytes);
      void inform(t('Saved {0}: {1}.', fileName(file), bytesText(bytes.length)));
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
  });
}

/** Whether an engine has read a side: what it returned is known already, and nothing else of it can be. */
function isServed(side: Pick<Current | Comparison, 'shown'> | undefined): boolean {
  return side?.shown.explanation.model.served !== undefined;
}

/** What is saved, and how it is watched. */
interface Work {
  readonly asked: Current;
  readonly compared: Comparison | undefined;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly questions: readonly SidedQuery[];
  readonly choice: ReportChoice;
  readonly signal: AbortSignal;
  readonly tell: (done: number, total: number) => void;
}

async function contentOf({ client, extensionUri, version }: SaveContext, work: Work): Promise<Uint8Array> {
  const { asked, compared, settings, questions, choice, signal, tell } = work;
  const about = (side?: 'second') => (side === 'second' && compared ? compared : { ...asked, client });
  const answers = await collectAnswers(
    asked.shown,
    choice,
    [...(compared === undefined ? [] : comparisonQuestions(asked.shown.explanation, compared.shown.explanation, choice)), ...questions],
    (name, args, side) => {
      const { client: of, modelKey, shown } = about(side);
      return of.ask(modelKey, shown.explanation.run, name, args, signal);
    },
    tell,
  );
  const files = isServed(asked) ? [] : await client.ask(asked.modelKey, asked.shown.explanation.run, 'fileMarks', {}, signal);
  const page = await loadReportPage(async (name) =>
    new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extensionUri, ...name.split('/')))),
  );
  const { notes, ...view } = settings;
  const report = makeReport(
    { shown: asked.shown, comparison: compared?.shown ?? null, answers, choice, files, settings: view, notes: parseNotes(notes) },
    version,
    new Date(),
  );
  return new TextEncoder().encode(await writeReport(report, page));
}

/** The selected token and the last one, with the layer and the head on show. */
function choiceOf({ shown }: Current, settings: Readonly<Record<string, unknown>>): ReportChoice {
  const { tokens, model } = shown.explanation;
  const within = (name: string, least: number, end: number): number => {
    const value = settings[name];
    return typeof value === 'number' && Number.isInteger(value) && value >= least && value < end ? value : least;
  };
  return {
    parts: [],
    tokens: model.served === undefined ? [...new Set([within('selected', 0, tokens.length), tokens.length - 1])] : [],
    layer: within('layer', 0, model.layers),
    head: within('head', 0, model.heads),
    embeddingLayer: within('embeddingLayer', -1, model.layers + 1),
  };
}

/** Asks which parts go in, each with about how large it is, and the sum in the title; undefined: the user declined. */
async function chooseParts(
  { shown }: Current,
  compared: Comparison | undefined,
  choice: ReportChoice,
): Promise<readonly ReportPart[] | undefined> {
  const sizes = aboutBytes(shown.explanation, choice, compared?.shown.explanation ?? null);
  const labels: Readonly<Record<ReportPart, readonly [label: string, detail: string]>> = {
    attention: [t('Attention'), t('All heads’ numbers and pictures, and their weights')],
    lens: [t('Predictions'), t('The logit lens of all layers, and the whole distribution after the selected and the last token')],
    vectors: [t('Embeddings'), t('Projections of all layers, cosines, and the nearest tokens of the selected and the last token')],
    positions: [t('Positions'), t('How positions enter the chosen head of every layer, for the selected and the last token')],
    forward: [t('Forward pass'), t('Every step of the selected and the last token through all layers')],
    why: [t('Why'), t('Where the predictions after the selected and the last token come from')],
  };
  const items = REPORT_PARTS.map((part): PartItem => {
    const [label, detail] = labels[part];
    return { part, label: inert(label), description: t('about {0}', bytesText(sizes[part])), detail: inert(detail) };
  });
  const small = items.filter(({ part }) => sizes[part] <= SMALL_BYTES);
  const chosen = await pickSome(
    items,
    small,
    (now) => t('Save as Report: about {0}', bytesText(now.reduce((sum, { part }) => sum + sizes[part], PAGE_BYTES))),
    t('What goes in besides the text, its tokens and their predictions?'),
  );
  return chosen?.map(({ part }) => part);
}

async function chooseFile({ shown }: Current): Promise<vscode.Uri | undefined> {
  const name = `${safeName(shown.source.label.replace(/\.[^.]*$/, ''), 'analysis')}${REPORT_ENDING}`;
  // Dialogs know only the last part of an ending: with the whole of it some would append it again.
  const chosen = await saveDialog(t('Save as Report'), t('Save'), { [t('Report')]: ['html'] }, name);
  if (chosen === undefined || chosen.path.endsWith(REPORT_ENDING)) return chosen;
  const ended = chosen.with({ path: `${chosen.path.replace(/\.html?$/i, '')}${REPORT_ENDING}` });
  // The user was asked about the name chosen, and about no other.
  return (await isThere(ended)) ? chosen : ended;
}

function isThere(file: vscode.Uri): Promise<boolean> {
  return Promise.resolve(vscode.workspace.fs.stat(file)).then(
    () => true,
    () => false,
  );
}

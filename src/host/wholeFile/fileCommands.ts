import { vscode } from '../vscode.ts';
import { neighbourPlace, type TextPlace } from '../../core/placesAround.ts';
import { surprisingTokens } from '../../core/surprising.ts';
import { readSettings, writeSetting } from '../configuration.ts';
import { findDocument, isWithheld, type EditorTexts } from '../editor/target.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { t } from '../say.ts';
import { inform } from '../surfaces.ts';
import type { FileReader } from './fileReader.ts';
import { placeOf, scoredDocument, type FileReading, type Scored } from './fileReading.ts';
import { showPlace } from './surpriseCommands.ts';
import { notebookOf } from './wholeText.ts';

/** More than any offset in a document: what tells places of several documents apart. */
const BETWEEN_DOCUMENTS = 2 ** 32;

/** Parts of the extension that commands about whole files use. */
export interface FileContext {
  readonly files: { readonly reader: FileReader };
  readonly current: CurrentExplanation;
  readonly editors: EditorTexts;
}

/** Handlers of the commands about whole files, by id. */
export function fileCommands(context: FileContext): Readonly<Record<string, () => Promise<void> | void>> {
  const withFile = (act: (file: FileReading) => void) => (): void => {
    const file = fileOf(context);
    if (file === undefined) void inform(t('This file was not read as a whole: run Explain the Whole File first.'));
    else act(file);
  };
  return {
    'explainTokens.explainFile': () => explainFile(context),
    'explainTokens.stopFile': withFile((file) => context.files.reader.stop(file)),
    'explainTokens.clearFile': withFile((file) => context.files.reader.forget(file)),
    'explainTokens.toggleLive': () => {
      const file = fileOf(context);
      if (file === undefined) explainFile(context);
      const now = fileOf(context);
      if (now !== undefined) context.files.reader.setLive(now, !now.live);
    },
    'explainTokens.toggleLineSums': () => toggleLineSums(context),
    'explainTokens.nextSurprise': () => goTo(context, 'next'),
    'explainTokens.previousSurprise': () => goTo(context, 'previous'),
  };
}

function fileOf({ files, editors: { active, notebook } }: FileContext): FileReading | undefined {
  return active ? files.reader.of(active.document) : notebook && files.reader.ofNotebook(notebook);
}

function explainFile({ files, editors: { active, notebook } }: FileContext): void {
  const own = active ? notebookOf(active.document) : notebook;
  const isEmpty = own ? own.getCells().every(({ document }) => document.getText() === '') : active?.selectedOrWhole === null;
  if (!active && !own && isWithheld())
    return void inform(t('VS Code gives this file to no extension: it is larger than 50 MB, or no text.'));
  const what = own ?? active?.document;
  if (what === undefined) return void inform(t('Open the file that is to be read.'));
  if (isEmpty) return void inform(t('There is no text here to explain: write or select some first.'));
  files.reader.read(what);
}

/**
 * Begins to read the file of an explained text of which the panel shows a window, as the model does not read all of it at once. A window
 * that was read with interventions has other numbers than its file, which is read without them.
 */
export function readAroundWindow({ files, current, editors: { active } }: FileContext): void {
  const explanation = current.value?.shown.explanation;
  if (!active || !explanation?.window || explanation.run.recipe.length > 0) return;
  // A text that failed or was cancelled leaves the one before it on show.
  if (current.outdated !== null || !current.isAbout(active.document)) return;
  files.reader.readAround(notebookOf(active.document) ?? active.document);
}

/** Shows or hides the sums behind the lines; a file that was not read yet is read for them. */
async function toggleLineSums(context: FileContext): Promise<void> {
  const on = !readSettings().lineSums;
  await writeSetting('lineSums', on);
  if (on && fileOf(context) === undefined) explainFile(context);
}

/** Goes to the next or previous surprising token, and selects it: of the file that was read as a whole, or of the explained text. */
async function goTo(context: FileContext, direction: 'next' | 'previous'): Promise<void> {
  const {
    editors: { active, notebook },
    current,
  } = context;
  if (!active && !notebook) return void inform(t('Open the file that is to be read.'));
  const scored = fileOf(context)?.scored;
  const explained = !scored && active && current.isAbout(active.document) ? active.document : undefined;
  if (!scored && !explained) return void inform(t('This file was not read as a whole: run Explain the Whole File first.'));
  const places = scored ? placesIn(scored) : explained ? placesOfExplained(current, explained) : [];
  const uris = scored?.documents.map(({ uri }) => uri) ?? [explained?.uri.toString() ?? ''];
  const cursor = active
    ? uris.indexOf(active.document.uri.toString()) * BETWEEN_DOCUMENTS + active.document.offsetAt(active.selection.start)
    : -1;
  const place = neighbourPlace(places, cursor, direction);
  if (place === undefined) return void inform(t('No token of this text is surprising by the setting Surprising.'));
  const index = Math.floor(place.start / BETWEEN_DOCUMENTS);
  const document = findDocument(uris[index] ?? '');
  const [start, end] = [place.start - index * BETWEEN_DOCUMENTS, place.end - index * BETWEEN_DOCUMENTS];
  const editor = vscode.window.activeTextEditor;
  if (document === undefined || (active && editor?.document !== active.document)) return;
  if (editor?.document !== document) return showPlace(document, start, end);
  editor.selection = new vscode.Selection(document.positionAt(start), document.positionAt(end));
  editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** Places of a file's surprising tokens that were not edited, in order; those of its second document are beyond all of the first. */
function placesIn(scored: Scored): readonly TextPlace[] {
  const documents = scored.documents.map((own) => scoredDocument(scored, own));
  const { start } = scored.scores.tokens;
  return surprisingTokens(scored.scores, readSettings().surprising).flatMap((token) => {
    const index = documents.findIndex(({ from, to }) => to > (start[token] ?? 0) && to > from);
    const own = documents[index];
    const place = own && placeOf(own, token);
    if (!place || place.stale) return [];
    return [{ start: place.start + index * BETWEEN_DOCUMENTS, end: place.end + index * BETWEEN_DOCUMENTS }];
  });
}

function placesOfExplained(current: CurrentExplanation, document: vscode.TextDocument): readonly TextPlace[] {
  const { logprob } = current.value?.shown.explanation ?? { logprob: new Float32Array() };
  return surprisingTokens({ logprob }, readSettings().surprising).flatMap((token) => {
    const place = current.rangeOf(document, token);
    return place && !place.stale ? [{ start: document.offsetAt(place.range.start), end: document.offsetAt(place.range.end) }] : [];
  });
}

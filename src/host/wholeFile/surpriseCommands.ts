import { vscode } from '../vscode.ts';
import { SURPRISE_UNITS } from '../../core/surpriseList.ts';
import { findDocument } from '../editor/target.ts';
import { t } from '../say.ts';
import { askText, inform, pickOne } from '../surfaces.ts';
import { unitName, type Surprises } from './surprises.ts';
import { notebookOf } from './wholeText.ts';

/** Handlers of the commands of the view "Surprises", by id. */
export function surpriseCommands({
  files,
}: {
  readonly files: { readonly surprises: Surprises };
}): Readonly<Record<string, (...args: readonly unknown[]) => Promise<void> | void>> {
  return {
    'explainTokens.surpriseUnit': async () => {
      const items = SURPRISE_UNITS.map((unit) => ({ label: unitName(unit), unit }));
      const chosen = await pickOne(items, { title: t('Surprises'), placeHolder: t('What the list is made of') });
      if (chosen) files.surprises.choose({ unit: chosen.unit });
    },
    'explainTokens.surpriseOrder': () => files.surprises.choose({ order: files.surprises.choice.order === 'total' ? 'perByte' : 'total' }),
    'explainTokens.surpriseFilter': async () => {
      const filter = await askText(t('Surprises'), t('Only what holds this text; empty: all'), files.surprises.choice.filter);
      if (filter !== undefined) files.surprises.choose({ filter });
    },
    'explainTokens.copySurprises': async () => {
      const table = await files.surprises.table();
      if (table === null) return void inform(t('This file was not read as a whole: run Explain the Whole File first.'));
      await vscode.env.clipboard.writeText(table);
    },
    'explainTokens.goToSurprise': (place) => goTo(place),
  };
}

/** Shows and selects a place: `{ uri, start, end }` as the view gives it. */
async function goTo(place: unknown): Promise<void> {
  if (typeof place !== 'object' || place === null || !('uri' in place && 'start' in place && 'end' in place)) return;
  const { uri, start, end } = place;
  const document = typeof uri === 'string' ? findDocument(uri) : undefined;
  if (document === undefined || typeof start !== 'number' || typeof end !== 'number') return;
  await showPlace(document, start, end);
}

/** Shows and selects [start, end) of a document, which may be a cell of a notebook. */
export async function showPlace(document: vscode.TextDocument, start: number, end: number): Promise<void> {
  const selection = new vscode.Range(document.positionAt(start), document.positionAt(end));
  const notebook = notebookOf(document);
  const shown = notebook
    ? vscode.window.visibleNotebookEditors.find((editor) => editor.notebook === notebook)
    : vscode.window.visibleTextEditors.find((editor) => editor.document === document);
  await vscode.window.showTextDocument(document, { viewColumn: shown?.viewColumn ?? vscode.ViewColumn.One, selection });
}

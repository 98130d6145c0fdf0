import { vscode } from '../vscode.ts';
import { SURPRISE_UNITS } from '../../core/surpriseList.ts';
import { findDocument } from '../editor/target.ts';
import { t } from '../say.ts';
import { askText, inform, pickOne } from '../surfaces.ts';
import { unitName, type Surprises } from './surprises.ts';

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
  await vscode.window.showTextDocument(document, {
    viewColumn: vscode.window.visibleTextEditors.find((editor) => editor.document === document)?.viewColumn ?? vscode.ViewColumn.One,
    selection: new vscode.Range(document.positionAt(start), document.positionAt(end)),
  });
}

import { inert, withIcon } from '../../core/inertText.ts';
import { vscode } from '../vscode.ts';
import { pickModel } from '../models/chooseModel.ts';
import type { Comparer } from './comparer.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import type { Explainer } from './explainer.ts';
import type { ModelLibrary } from '../models/modelLibrary.ts';
import { fileName } from '../fileName.ts';
import { modelName } from '../models/modelLocation.ts';
import { t } from '../say.ts';
import { inform, pickOne, type PickItem } from '../surfaces.ts';
import { readSettings } from '../configuration.ts';
import { folderUri } from '#platform';
import { type EditorTexts, type Target, wholeTargetOf } from '../editor/target.ts';

/** Parts of the extension that the comparison commands use. */
export interface CompareContext {
  readonly explainer: Explainer;
  readonly comparer: Comparer;
  readonly current: CurrentExplanation;
  readonly editors: EditorTexts;
}

/** Texts offered for comparison. */
interface Choice extends PickItem {
  /** Text to explain as the first side; undefined: the explained text stays the first side. */
  readonly first?: () => Thenable<Target | null>;
  readonly second: () => Thenable<Target | null>;
}

/**
 * Command "Compare With…": compares the explained text with a selection elsewhere if there is one, else with an open text that the user
 * picks. Two editors side by side, or the two sides of a diff, are offered as a pair.
 */
export async function compareWith({ explainer, comparer, current, editors }: CompareContext): Promise<void> {
  const selected = selectionElsewhere(current, editors);
  if (selected) return comparer.compare({ kind: 'text', target: selected });
  const choices = [...pairs(editors), ...(current.value ? openTexts(current, editors) : [])];
  if (choices.length === 0)
    return void inform(
      current.value
        ? t('Select the second text, or open it in another editor, and run this again.')
        : t('Explain a text first, or open two texts side by side: then they can be compared.'),
    );
  const only = choices.length === 1 ? choices[0] : undefined;
  const chosen =
    only ??
    (await pickOne(choices, { title: t('Compare With'), placeHolder: t('Which text is the second side?'), matchOnDescription: true }));
  if (!chosen) return;
  const second = await chosen.second();
  const first = chosen.first && (await chosen.first());
  if (!second || first === null) return void inform(t('One of the two texts is empty: there is nothing to compare.'));
  if (first) await explainer.explain(first);
  // If explaining failed or was cancelled, there is no first side.
  if (first && current.value?.shown.source !== first.source) return;
  await comparer.compare({ kind: 'text', target: second });
}

/** Command "Compare With Another Model…": compares with the same text read by another model. */
export async function compareModel({ comparer, current, library }: CompareContext & { readonly library: ModelLibrary }): Promise<void> {
  if (!current.value) return void inform(t('Explain a text first: then another model can read it, too.'));
  const { adapterOn } = current.value.shown.explanation.model;
  const chosen = await pickModel(library, {
    title: t('Compare With Another Model'),
    placeHolder: t('Which model should read the text, too?'),
    without: [readSettings().model],
    ...(adapterOn === undefined
      ? {}
      : {
          first: {
            heading: t('The same without its adapter'),
            entry: { group: 'added', setting: adapterOn, name: modelName(folderUri(adapterOn)), aliases: [], bytes: null },
          },
        }),
  });
  if (chosen) await comparer.compare({ kind: 'model', model: chosen.setting });
}

/** The active editor's selection, unless that is the explained text; null if there is none. */
function selectionElsewhere(current: CurrentExplanation, { active }: EditorTexts): Target | null {
  if (!active || !current.value || active.selection.isEmpty) return null;
  const { document, target } = active;
  const explained = current.isAbout(document) ? current.sourceRange() : undefined;
  return target && explained?.start === target.source.start && explained.end === target.source.end ? null : target;
}

/** All texts in editor tabs except the explained one. */
function openTexts(current: CurrentExplanation, editors: EditorTexts): readonly Choice[] {
  const uris = new Map<string, vscode.Uri>();
  for (const { input } of vscode.window.tabGroups.all.flatMap((group) => group.tabs)) {
    if (input instanceof vscode.TabInputText && input.uri.toString() !== current.value?.shown.source.uri)
      uris.set(input.uri.toString(), input.uri);
  }
  return [...uris.values()].map((uri) => {
    const path = vscode.workspace.asRelativePath(uri);
    return {
      label: withIcon('file', inert(fileName(uri))),
      ...(path === fileName(uri) ? {} : { description: inert(path) }),
      second: wholeOrSelected(uri, editors),
    };
  });
}

/** The two sides of the active diff, or the only two visible editors. */
function pairs(editors: EditorTexts): readonly Choice[] {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputTextDiff) {
    return [
      {
        label: withIcon('diff', t('Both sides of the diff')),
        description: inert(fileName(input.modified)),
        first: wholeOrSelected(input.original, editors),
        second: wholeOrSelected(input.modified, editors),
      },
    ];
  }
  const [one, other, ...more] = editors.visible;
  if (!one || !other || more.length > 0 || one.document === other.document) return [];
  const [a, b] = [one.document.uri, other.document.uri];
  return [
    {
      label: withIcon('split-horizontal', t('{0} and {1}', fileName(a), fileName(b))),
      description: t('the two visible editors'),
      first: wholeOrSelected(a, editors),
      second: wholeOrSelected(b, editors),
    },
  ];
}

/** Reads the selection that a document had at the moment of the command, or else the whole document; null if there is no text. */
function wholeOrSelected(uri: vscode.Uri, { visible }: EditorTexts): () => Thenable<Target | null> {
  const shown = visible.filter(({ document }) => document.uri.toString() === uri.toString());
  const read = shown.find(({ selection }) => !selection.isEmpty) ?? shown[0];
  return read ? () => Promise.resolve(read.selectedOrWhole) : () => vscode.workspace.openTextDocument(uri).then(wholeTargetOf);
}

import { FILE_FORMATS, FORMAT_IDS } from '../../core/fileFormats.ts';
import { inert, joined, withIcon, type Inert } from '../../core/inertText.ts';
import { vscode } from '../vscode.ts';
import { factsOf, fitOf, groupText, GROUPS, type ModelEntry } from './modelEntries.ts';
import type { ModelLibrary } from './modelLibrary.ts';
import { iconOf } from './modelTree.ts';
import { t } from '../say.ts';
import { createPick, openDialog, type Pick, type PickItem, pickOne } from '../surfaces.ts';

/** File filters of the dialog, one for each format of models in a file. */
const FILE_FILTERS = Object.fromEntries(FORMAT_IDS.map((id) => [FILE_FORMATS[id].name, [FILE_FORMATS[id].ending]]));

interface Choice extends PickItem {
  readonly does:
    | { readonly kind: 'entry'; readonly entry: ModelEntry }
    | { readonly kind: 'add' }
    | { readonly kind: 'download' }
    | { readonly kind: 'engine' }
    | { readonly kind: 'heading' };
}

/** Texts and exclusions of a list of models. */
export interface PickOptions {
  readonly title: Inert;
  readonly placeHolder: Inert;
  /** Models that are not offered, by their `setting`. */
  readonly without?: readonly string[];
  /** A model that comes before all others, under a heading of its own. */
  readonly first?: { readonly heading: Inert; readonly entry: ModelEntry };
}

/** Asks for a model and makes it the current one. */
export async function chooseModel(library: ModelLibrary): Promise<void> {
  const chosen = await pickModel(library, { title: t('Model of Explain Tokens'), placeHolder: t('Which model should read your text?') });
  if (chosen) await library.use(chosen);
}

/**
 * Asks for a model of the library or a new one, which is then added. Descriptions appear as they become known. Undefined if the user
 * declines.
 */
export async function pickModel(library: ModelLibrary, options: PickOptions): Promise<ModelEntry | undefined> {
  const { title, placeHolder } = options;
  const pick = createPick<Choice>();
  pick.title = title;
  pick.placeholder = placeHolder;
  Object.assign(pick, { matchOnDescription: true, matchOnDetail: true, busy: true });
  const closed = new AbortController();
  pick.show();
  void fill(library, pick, options, closed.signal);
  const does = await new Promise<Choice['does'] | undefined>((resolve) => {
    pick.onDidAccept(() => resolve(pick.activeItems[0]?.does));
    pick.onDidHide(() => resolve(undefined));
  });
  closed.abort();
  pick.dispose();
  if (does?.kind === 'entry') return does.entry;
  if (does?.kind === 'add') return addModel(library);
  if (does?.kind === 'engine') await vscode.commands.executeCommand('explainTokens.addEngine');
  if (does?.kind === 'download') await vscode.commands.executeCommand('explainTokens.downloadModel');
  return undefined;
}

/** Fills a list with models, and again after each description; the active item stays active. */
async function fill(library: ModelLibrary, pick: Pick<Choice>, { without = [], first }: PickOptions, closed: AbortSignal): Promise<void> {
  let hasModels = false;
  const show = (entries: readonly ModelEntry[]): void => {
    // Before models are listed, VS Code activates the item that adds one, at the end of the list; the user did not choose that.
    const active = hasModels ? pick.activeItems[0]?.does : undefined;
    hasModels = entries.length > 0;
    pick.items = choicesOf(library, entries, first);
    const again = pick.items.find(
      ({ does }) =>
        does.kind === active?.kind && (does.kind !== 'entry' || (active.kind === 'entry' && does.entry.setting === active.entry.setting)),
    );
    if (again) pick.activeItems = [again];
  };
  show([]);
  const entries = (await library.entries()).filter(({ setting }) => !without.includes(setting) && setting !== first?.entry.setting);
  for (const entry of [undefined, ...(first ? [first.entry] : []), ...entries]) {
    if (entry) await library.describe(entry);
    if (closed.aborted) return;
    show(entries);
  }
  pick.busy = false;
}

/** Asks for a folder or a GGUF file and adds it to the library; undefined if the user declines. */
export async function addModel(library: ModelLibrary): Promise<ModelEntry | undefined> {
  const file = {
    label: withIcon('file-binary', t('A GGUF file')),
    detail: t('A model as llama.cpp, Ollama and LM Studio use it, in one file or several.'),
    folder: false,
  };
  const folder = {
    label: withIcon('folder', t('A folder')),
    detail: t('A model in Hugging Face layout: config.json, *.safetensors and tokenizer.json; or an adapter (LoRA) for one.'),
    folder: true,
  };
  const kind = await pickOne([folder, file], { title: t('Add a Model'), placeHolder: t('What is it?') });
  if (!kind) return undefined;
  const title = kind.folder ? t('Folder with config.json, *.safetensors and tokenizer.json') : t('GGUF file');
  const chosen = await openDialog(kind.folder ? 'folder' : 'file', title, t('Use This Model'), kind.folder ? {} : FILE_FILTERS);
  return chosen && library.add(settingOf(chosen));
}

/** Value of the setting `explainTokens.model` for a folder or file. */
export function settingOf(uri: vscode.Uri): string {
  return uri.scheme === 'file' ? uri.fsPath : uri.toString();
}

function choicesOf(library: ModelLibrary, entries: readonly ModelEntry[], first: PickOptions['first']): readonly Choice[] {
  const heading = (label: Inert): Choice => ({ label, kind: vscode.QuickPickItemKind.Separator, does: { kind: 'heading' } });
  const groups = GROUPS.flatMap((group) => {
    const own = entries.filter((entry) => entry.group === group);
    return own.length === 0 ? [] : [heading(groupText(group, t)), ...own.map((entry) => choiceOf(library, entry))];
  });
  return [
    ...(first === undefined ? [] : [heading(first.heading), choiceOf(library, first.entry)]),
    ...groups,
    heading(t('More')),
    { label: withIcon('add', t('Add a folder or a file…')), alwaysShow: true, does: { kind: 'add' } },
    { label: withIcon('cloud-download', t('Download a model…')), alwaysShow: true, does: { kind: 'download' } },
    { label: withIcon('server', t('Add an engine that serves a model…')), alwaysShow: true, does: { kind: 'engine' } },
  ];
}

function choiceOf(library: ModelLibrary, entry: ModelEntry): Choice {
  const known = library.known(entry);
  const fit = fitOf(known, t);
  const current = library.isCurrent(entry);
  const facts = factsOf(entry, known, t, vscode.env.language);
  const place = entry.setting === '' ? t('Small, works offline, reads English, Chinese and code.') : inert(entry.setting);
  return {
    label: withIcon(iconOf(entry, fit.kind, current), inert(entry.name)),
    description: joined([...(current ? [t('current')] : []), ...facts], ' · '),
    detail: fit.kind === 'fits' ? place : fit.reason,
    does: { kind: 'entry', entry },
  };
}

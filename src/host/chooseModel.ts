import { vscode } from './vscode.ts';
import { detailsOf, factsOf, fitOf, groupText, GROUPS, type ModelEntry } from './modelEntries.ts';
import type { ModelLibrary } from './modelLibrary.ts';
import { iconOf } from './modelTree.ts';

interface Choice extends vscode.QuickPickItem {
  readonly does: { readonly kind: 'entry'; readonly entry: ModelEntry } | { readonly kind: 'add' } | { readonly kind: 'download' } | { readonly kind: 'heading' };
}

export interface PickOptions {
  readonly title: string;
  readonly placeHolder: string;
  /** Settings of models that are not offered. */
  readonly without?: readonly string[];
}

/** Asks for the model and makes it the current one. */
export async function chooseModel(library: ModelLibrary): Promise<void> {
  const { t } = vscode.l10n;
  const chosen = await pickModel(library, { title: t('Model of Explain Tokens'), placeHolder: t('Which model should read your text?') });
  if (chosen) await library.use(chosen);
}

/** Asks for a model of the library, or for a new one, which is then added. What is known of each is filled in as it becomes known. */
export async function pickModel(library: ModelLibrary, { title, placeHolder, without = [] }: PickOptions): Promise<ModelEntry | undefined> {
  const pick = vscode.window.createQuickPick<Choice>();
  Object.assign(pick, { title, placeholder: placeHolder, matchOnDescription: true, matchOnDetail: true, busy: true });
  const closed = new AbortController();
  pick.show();
  void fill(library, pick, without, closed.signal);
  const does = await new Promise<Choice['does'] | undefined>((resolve) => {
    pick.onDidAccept(() => resolve(pick.activeItems[0]?.does));
    pick.onDidHide(() => resolve(undefined));
  });
  closed.abort();
  pick.dispose();
  if (does?.kind === 'entry') return does.entry;
  if (does?.kind === 'add') return addModel(library);
  if (does?.kind === 'download') await vscode.commands.executeCommand('explainTokens.downloadModel');
  return undefined;
}

/** Fills a pick with what is known, again and again; the choice under the cursor stays. */
async function fill(library: ModelLibrary, pick: vscode.QuickPick<Choice>, without: readonly string[], closed: AbortSignal): Promise<void> {
  const show = (entries: readonly ModelEntry[]): void => {
    const active = pick.activeItems[0]?.does;
    pick.items = choicesOf(library, entries);
    const again = pick.items.find(({ does }) => does.kind === active?.kind && (does.kind !== 'entry' || (active.kind === 'entry' && does.entry.setting === active.entry.setting)));
    if (again) pick.activeItems = [again];
  };
  show([]);
  const entries = (await library.entries()).filter(({ setting }) => !without.includes(setting));
  for (const entry of [undefined, ...entries]) {
    if (entry) await library.describe(entry);
    if (closed.aborted) return;
    show(entries);
  }
  pick.busy = false;
}

/** Asks for a folder or a GGUF file and puts it on the list; undefined where the user declined. */
export async function addModel(library: ModelLibrary): Promise<ModelEntry | undefined> {
  const { t } = vscode.l10n;
  const file = { label: `$(file-binary) ${t('A GGUF file')}`, detail: t('A model as llama.cpp, Ollama and LM Studio use it, in one file or several.'), folder: false };
  const folder = { label: `$(folder) ${t('A folder')}`, detail: t('A model in Hugging Face layout: config.json, *.safetensors and tokenizer.json.'), folder: true };
  const kind = await vscode.window.showQuickPick([folder, file], { title: t('Add a Model'), placeHolder: t('What is it?') });
  if (!kind) return undefined;
  const [chosen] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: !kind.folder,
      canSelectFolders: kind.folder,
      canSelectMany: false,
      ...(kind.folder ? {} : { filters: { GGUF: ['gguf'] } }),
      title: kind.folder ? t('Folder with config.json, *.safetensors and tokenizer.json') : t('GGUF file'),
      openLabel: t('Use This Model'),
    })) ?? [];
  return chosen && library.add(settingOf(chosen));
}

/** What `explainTokens.model` is for a place. */
export function settingOf(uri: vscode.Uri): string {
  return uri.scheme === 'file' ? uri.fsPath : uri.toString();
}

function choicesOf(library: ModelLibrary, entries: readonly ModelEntry[]): readonly Choice[] {
  const { t } = vscode.l10n;
  const heading = (label: string): Choice => ({ label, kind: vscode.QuickPickItemKind.Separator, does: { kind: 'heading' } });
  const groups = GROUPS.flatMap((group) => {
    const own = entries.filter((entry) => entry.group === group);
    return own.length === 0 ? [] : [heading(groupText(group, t)), ...own.map((entry) => choiceOf(library, entry))];
  });
  return [
    ...groups,
    heading(t('More')),
    { label: `$(add) ${t('Add a folder or a file…')}`, alwaysShow: true, does: { kind: 'add' } },
    { label: `$(cloud-download) ${t('Download a model…')}`, alwaysShow: true, does: { kind: 'download' } },
  ];
}

function choiceOf(library: ModelLibrary, entry: ModelEntry): Choice {
  const { t } = vscode.l10n;
  const known = library.known(entry);
  const fit = fitOf(known, t);
  const current = library.isCurrent(entry);
  const facts = factsOf(entry, known, t, vscode.env.language);
  const [, ...details] = detailsOf(entry, known, t, vscode.env.language);
  const place = details.find((line) => line === entry.setting) ?? t('Small, works offline, reads English, Chinese and code.');
  return {
    label: `$(${iconOf(entry, fit.kind, current)}) ${entry.name}`,
    description: [...(current ? [t('current')] : []), ...facts].join(' · '),
    detail: fit.kind === 'fits' ? place : fit.reason,
    does: { kind: 'entry', entry },
  };
}

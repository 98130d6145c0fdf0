import { bytesText } from '../core/bytesText.ts';
import { parseModelId } from '../library/hub/address.ts';
import { suggestedModels, type SuggestedModel } from './downloadList.ts';
import type { Downloads } from './downloads.ts';
import { vscode } from './vscode.ts';

/** A model of the hub to be downloaded, and which of its weights where that is decided: a GGUF file, or null for all in Hugging Face layout. */
export interface WantedDownload {
  readonly id: string;
  readonly entry?: string | null;
}

interface ModelItem extends vscode.QuickPickItem {
  readonly wanted?: WantedDownload;
}

/** Asks for a model: one of the list, one whose download was broken off, or any id typed in. */
export async function pickDownload(downloads: Downloads): Promise<WantedDownload | undefined> {
  const { t } = vscode.l10n;
  const items = await itemsOf(downloads);
  const pick = vscode.window.createQuickPick<ModelItem>();
  pick.title = t('Download a Model');
  pick.placeholder = t('A model, or any id of the hub such as {0}; size and licence are shown first', 'owner/name');
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.items = items;
  pick.onDidChangeValue((value) => {
    const id = parseModelId(value);
    const isOther = id?.includes('/') === true && !items.some(({ wanted }) => wanted?.id === id);
    pick.items = isOther ? [{ label: `$(cloud-download) ${id}`, description: t('from the hub'), wanted: { id }, alwaysShow: true }, ...items] : items;
  });
  const answer = new Promise<WantedDownload | undefined>((resolve) => {
    pick.onDidAccept(() => resolve(pick.selectedItems[0]?.wanted));
    pick.onDidHide(() => resolve(undefined));
  });
  pick.show();
  try {
    return await answer;
  } finally {
    pick.dispose();
  }
}

async function itemsOf(downloads: Downloads): Promise<readonly ModelItem[]> {
  const { t } = vscode.l10n;
  const unfinished = await downloads.unfinished();
  const there = new Set((await downloads.list()).map(({ id }) => id));
  const heading = (label: string): ModelItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  return [
    ...(unfinished.length > 0 ? [heading(t('Broken off'))] : []),
    ...unfinished.map(({ id, entry, bytesDone, bytes }) => ({ label: `$(debug-continue) ${t('Go on with {0}', id)}`, description: t('{0} of {1}', bytesText(bytesDone), bytesText(bytes)), wanted: { id, entry } })),
    ...suggestedModels().flatMap(({ title, models }) => [heading(title), ...models.map((model) => suggestion(model, there.has(model.id)))]),
  ];
}

function suggestion({ id, name, parameters, bytes, licence, goodFor }: SuggestedModel, isThere: boolean): ModelItem {
  const { t } = vscode.l10n;
  const facts = [parameters, t('about {0}', bytesText(bytes).replace('.0 ', ' ')), licence, ...(isThere ? [t('downloaded')] : [])].join(' · ');
  return { label: `$(${isThere ? 'check' : 'cloud-download'}) ${name}`, description: `${facts} · ${id}`, detail: goodFor, wanted: { id } };
}

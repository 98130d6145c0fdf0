import { bytesText } from '../../core/bytesText.ts';
import { inert, joined, withIcon, type Inert } from '../../core/inertText.ts';
import { parseModelId } from '../../library/hub/address.ts';
import { suggestedModels, type SuggestedModel } from './downloadList.ts';
import type { Downloads } from './downloads.ts';
import { t } from '../say.ts';
import { createPick, type PickItem } from '../surfaces.ts';
import { vscode } from '../vscode.ts';

/**
 * A model of the hub to download. `entry`: its weights, if chosen already: a GGUF file, or null for those in Hugging Face layout.
 */
export interface WantedDownload {
  readonly id: string;
  readonly entry?: string | null;
}

interface ModelItem extends PickItem {
  readonly wanted?: WantedDownload;
}

/** Asks for a model: a suggested one, one whose download was interrupted, or any id typed in. Undefined if the user declines. */
export async function pickDownload(downloads: Downloads): Promise<WantedDownload | undefined> {
  const items = await itemsOf(downloads);
  const pick = createPick<ModelItem>();
  pick.title = t('Download a Model');
  pick.placeholder = t('A model, or any id of the hub such as {0}; size and licence are shown first', 'owner/name');
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.items = items;
  const typedId = (): string | undefined => {
    const id = parseModelId(pick.value);
    return id?.includes('/') === true ? id : undefined;
  };
  pick.onDidChangeValue(() => {
    const id = typedId();
    const isOther = id !== undefined && !items.some(({ wanted }) => wanted?.id === id);
    pick.items = isOther
      ? [{ label: withIcon('cloud-download', inert(id)), description: t('from the hub'), wanted: { id }, alwaysShow: true }, ...items]
      : items;
  });
  const answer = new Promise<WantedDownload | undefined>((resolve) => {
    pick.onDidAccept(() => {
      const id = typedId();
      // Enter may come before the list is updated; the typed id is meant then.
      resolve(pick.selectedItems[0]?.wanted ?? (id === undefined ? undefined : { id }));
    });
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
  const unfinished = await downloads.unfinished();
  const there = new Set((await downloads.list()).map(({ id }) => id));
  const heading = (label: Inert): ModelItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  return [
    ...(unfinished.length > 0 ? [heading(t('Broken off'))] : []),
    ...unfinished.map(({ id, entry, bytesDone, bytes }) => ({
      label: withIcon('debug-continue', t('Go on with {0}', id)),
      description: t('{0} of {1}', bytesText(bytesDone), bytesText(bytes)),
      wanted: { id, entry },
    })),
    ...suggestedModels().flatMap(({ title, models }) => [heading(title), ...models.map((model) => suggestion(model, there.has(model.id)))]),
  ];
}

function suggestion({ id, name, parameters, bytes, licence, goodFor }: SuggestedModel, isThere: boolean): ModelItem {
  const facts = [
    inert(parameters),
    t('about {0}', bytesText(bytes).replace('.0 ', ' ')),
    inert(licence),
    ...(isThere ? [t('downloaded')] : []),
    inert(id),
  ];
  return {
    label: withIcon(isThere ? 'check' : 'cloud-download', inert(name)),
    description: joined(facts, ' · '),
    detail: goodFor,
    wanted: { id },
  };
}

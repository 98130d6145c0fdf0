import { vscode } from '../vscode.ts';
import { bytesText } from '../../core/bytesText.ts';
import { inert, joined } from '../../core/inertText.ts';
import { CancelledError } from '../../core/errors.ts';
import { type DownloadedModel, HubAccessError, type HubChoice, type HubModel } from '../../library/hub/hubApi.ts';
import { pickDownload } from './downloadPick.ts';
import type { Downloads } from './downloads.ts';
import { type Log, reportError } from '../log.ts';
import { t } from '../say.ts';
import { confirm, inform, pickOne } from '../surfaces.ts';
import { writeSetting } from '../configuration.ts';

/** Most files named in the question before a download; the others are counted. */
const NAMED_FILES = 6;

/**
 * Command "Download a Model…": asks for a model, shows its files, size and licence, and downloads it if the user agrees. The network is
 * used only after the choice of a model, for its description, and after consent, for its files.
 */
export async function downloadModel(downloads: Downloads, log: Log): Promise<void> {
  if (!(await downloads.isPossible()))
    return void inform(t('Models can be downloaded in the desktop version only: a browser has no disk to keep them on.'));
  const wanted = await pickDownload(downloads);
  if (wanted === undefined) return;
  try {
    const downloaded = await downloadById(downloads, wanted.id, wanted.entry);
    if (downloaded) await offerUse(downloaded);
  } catch (error) {
    if (error instanceof CancelledError) return;
    if (!(error instanceof HubAccessError)) throw error;
    await reportError(log, `Downloading ${wanted.id}`, error, [
      { title: t('Set Access Token…'), run: () => vscode.commands.executeCommand('explainTokens.setHubToken') },
      { title: t('Open the Model’s Page'), run: () => vscode.env.openExternal(vscode.Uri.parse(error.page, true)) },
    ]);
  }
}

/**
 * Downloads the model of an id after choice of its weights and consent. `entry`: a choice of weights made before (`WantedDownload`).
 * Undefined if the user declines. Throws UserError or CancelledError.
 */
export async function downloadById(downloads: Downloads, id: string, entry?: string | null): Promise<DownloadedModel | undefined> {
  const model = await downloads.find(id);
  const choice = model.choices.find((each) => each.entry === entry) ?? (await chooseWeights(model));
  if (!choice || !(await consents(downloads, model, choice))) return undefined;
  return downloads.download(model, choice);
}

async function offerUse({ id, bytes, path }: DownloadedModel): Promise<void> {
  const use = t('Use This Model');
  const chosen = await inform(t('{0} is downloaded: {1}.', id, bytesText(bytes)), use);
  if (chosen === use) await writeSetting('model', path);
}

async function chooseWeights({ id, choices }: HubModel): Promise<HubChoice | undefined> {
  if (choices.length < 2) return choices[0];
  const items = choices.map((choice) => ({
    label: choice.entry === null ? t('All in Hugging Face layout') : inert(choice.entry),
    description: inert(bytesText(choice.bytes)),
    choice,
  }));
  return (await pickOne(items, { title: t('Weights of {0}', id), placeHolder: t('Which of them?') }))?.choice;
}

async function consents(downloads: Downloads, model: HubModel, choice: HubChoice): Promise<boolean> {
  const { needed, free } = await downloads.spaceFor(model, choice);
  const names = choice.files.toSorted((a, b) => b.bytes - a.bytes).map(({ name, bytes }) => `${name} (${bytesText(bytes)})`);
  const named = names.slice(0, NAMED_FILES).join(', ');
  const detail = [
    t('Files: {0}', names.length > NAMED_FILES ? t('{0} and {1} more', named, names.length - NAMED_FILES) : named),
    t(
      'Size: {0}',
      needed < choice.bytes
        ? t('{0}, of which {1} are still to come', bytesText(choice.bytes), bytesText(needed))
        : bytesText(choice.bytes),
    ),
    t('Licence: {0}', model.licence ?? t('its page names none')),
    ...(model.gated ? [t('Its owner gives it only to those who accepted the conditions on its page.')] : []),
    t('From: {0}, commit {1}', model.endpoint, model.commit.slice(0, 8)),
    t('To: {0}', downloads.root),
    t('Free there: {0}', free === null ? t('not known') : bytesText(free)),
  ];
  return confirm('information', t('Download {0}?', model.id), joined(detail, '\n'), t('Download'));
}

import { vscode } from './vscode.ts';
import { bytesText } from '../core/bytesText.ts';
import { CancelledError } from '../core/errors.ts';
import { parseModelId } from '../library/hub/address.ts';
import { type DownloadedModel, HubAccessError, type HubChoice, type HubModel } from '../library/hub/api.ts';
import { suggestedModels, type SuggestedModel } from './downloadList.ts';
import type { Downloads } from './downloads.ts';
import { type Log, reportError } from './log.ts';
import { writeSetting } from './settings.ts';

/** Files named in the question before the download; more are counted. */
const NAMED_FILES = 6;

/** Asks for a model, tells what would come, and downloads it if the user agrees. The network is touched after the choice of a model, for its description, and after consent, for its files. */
export async function downloadModel(downloads: Downloads, log: Log): Promise<void> {
  const { t } = vscode.l10n;
  if (!(await downloads.isPossible())) return void vscode.window.showInformationMessage(t('Models can be downloaded in the desktop version only: a browser has no disk to keep them on.'));
  const wanted = await askForId(downloads);
  if (wanted === undefined) return;
  try {
    const downloaded = await downloadById(downloads, wanted.id, wanted.entry);
    if (downloaded) await offerUse(downloaded);
  } catch (error) {
    if (error instanceof CancelledError) return;
    if (!(error instanceof HubAccessError)) throw error;
    await reportError(log, `Downloading ${wanted.id}`, error, {
      [t('Set Access Token…')]: () => vscode.commands.executeCommand('explainTokens.setHubToken'),
      [t('Open the Model’s Page')]: () => vscode.env.openExternal(vscode.Uri.parse(error.page, true)),
    });
  }
}

/** From an id to the downloaded model: description, choice of weights, consent, files. Undefined where the user declined. Throws UserError or CancelledError. */
export async function downloadById(downloads: Downloads, id: string, entry?: string | null): Promise<DownloadedModel | undefined> {
  const model = await downloads.find(id);
  const choice = model.choices.find((each) => each.entry === entry) ?? (await chooseWeights(model));
  if (!choice || !(await consents(downloads, model, choice))) return undefined;
  return downloads.download(model, choice);
}

async function offerUse({ id, bytes, path }: DownloadedModel): Promise<void> {
  const { t } = vscode.l10n;
  const use = t('Use This Model');
  const chosen = await vscode.window.showInformationMessage(t('{0} is downloaded: {1}.', id, bytesText(bytes)), use);
  if (chosen === use) await writeSetting('model', path);
}

interface IdItem extends vscode.QuickPickItem {
  /** Undefined: to be typed. */
  readonly id?: string;
  readonly entry?: string | null;
}

/** A model of the list, one whose download was broken off, or an id typed in. */
async function askForId(downloads: Downloads): Promise<{ readonly id: string; readonly entry?: string | null } | undefined> {
  const { t } = vscode.l10n;
  const unfinished = await downloads.unfinished();
  const there = new Set((await downloads.list()).map(({ id }) => id));
  const heading = (label: string): IdItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const items: IdItem[] = [
    ...(unfinished.length > 0 ? [heading(t('Broken off'))] : []),
    ...unfinished.map(({ id, entry, bytesDone, bytes }) => ({ label: `$(debug-continue) ${t('Go on with {0}', id)}`, description: t('{0} of {1}', bytesText(bytesDone), bytesText(bytes)), id, entry })),
    { label: `$(edit) ${t('Another model of the hub…')}`, detail: t('By its id, such as {0}, or the address of its page.', 'openai-community/gpt2'), alwaysShow: true },
    ...suggestedModels().flatMap(({ title, models }) => [heading(title), ...models.map((model) => suggestion(model, there.has(model.id)))]),
  ];
  const chosen = await vscode.window.showQuickPick(items, { title: t('Download a Model'), placeHolder: t('Which model? Its size and licence are shown before anything is downloaded.'), matchOnDescription: true, matchOnDetail: true });
  if (!chosen) return undefined;
  if (chosen.id !== undefined) return { id: chosen.id, ...(chosen.entry === undefined ? {} : { entry: chosen.entry }) };
  const typed = await vscode.window.showInputBox({
    title: t('Download a Model'),
    prompt: t('Id of the model, such as {0}, or the address of its page', 'openai-community/gpt2'),
    ignoreFocusOut: true,
    validateInput: (value) => (parseModelId(value) === undefined ? t('An id is owner/name, such as {0}.', 'openai-community/gpt2') : undefined),
  });
  const id = typed === undefined ? undefined : parseModelId(typed);
  return id === undefined ? undefined : { id };
}

function suggestion({ id, name, parameters, bytes, licence, goodFor }: SuggestedModel, isThere: boolean): IdItem {
  const { t } = vscode.l10n;
  const facts = [id, t('{0} parameters', parameters), t('about {0}', bytesText(bytes).replace('.0 ', ' ')), licence, ...(isThere ? [t('downloaded')] : [])];
  return { label: `$(${isThere ? 'check' : 'cloud-download'}) ${name}`, description: facts.join(' · '), detail: goodFor, id };
}

async function chooseWeights({ id, choices }: HubModel): Promise<HubChoice | undefined> {
  const { t } = vscode.l10n;
  if (choices.length < 2) return choices[0];
  const items = choices.map((choice) => ({ label: choice.entry ?? t('All in Hugging Face layout'), description: bytesText(choice.bytes), choice }));
  return (await vscode.window.showQuickPick(items, { title: t('Weights of {0}', id), placeHolder: t('Which of them?') }))?.choice;
}

async function consents(downloads: Downloads, model: HubModel, choice: HubChoice): Promise<boolean> {
  const { t } = vscode.l10n;
  const { needed, free } = await downloads.spaceFor(model, choice);
  const names = choice.files.toSorted((a, b) => b.bytes - a.bytes).map(({ name, bytes }) => `${name} (${bytesText(bytes)})`);
  const named = names.slice(0, NAMED_FILES).join(', ');
  const detail = [
    t('Files: {0}', names.length > NAMED_FILES ? t('{0} and {1} more', named, names.length - NAMED_FILES) : named),
    t('Size: {0}', needed < choice.bytes ? t('{0}, of which {1} are still to come', bytesText(choice.bytes), bytesText(needed)) : bytesText(choice.bytes)),
    t('Licence: {0}', model.licence ?? t('its page names none')),
    ...(model.gated ? [t('Its owner gives it only to those who accepted the conditions on its page.')] : []),
    t('From: {0}, commit {1}', model.endpoint, model.commit.slice(0, 8)),
    t('To: {0}', downloads.root),
    t('Free there: {0}', free === null ? t('not known') : bytesText(free)),
  ];
  const download = t('Download');
  return (await vscode.window.showInformationMessage(t('Download {0}?', model.id), { modal: true, detail: detail.join('\n') }, download)) === download;
}

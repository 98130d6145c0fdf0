import { vscode } from './vscode.ts';
import { readSettings, writeSetting } from './settings.ts';

interface Choice extends vscode.QuickPickItem {
  /** What `explainTokens.model` becomes; undefined: ask for a folder. */
  readonly setting: string | undefined;
}

/** Asks for the model and writes the setting. */
export async function chooseModel(): Promise<void> {
  const { t } = vscode.l10n;
  const now = readSettings().model;
  const current = t('current');
  const choices: Choice[] = [
    { label: `$(package) ${t('Bundled model')}`, description: now === '' ? current : '', detail: t('Small, works offline, reads English, Chinese and code.'), setting: '' },
    ...(now === '' ? [] : [{ label: `$(folder) ${now.split(/[/\\]/).findLast((part) => part !== '') ?? now}`, description: current, detail: now, setting: now }]),
    { label: `$(folder-opened) ${t('Choose a folder…')}`, detail: t('A Llama or GPT-2 model in Hugging Face layout.'), setting: undefined },
  ];
  const chosen = await vscode.window.showQuickPick(choices, { title: t('Model of Explain Tokens'), placeHolder: t('Which model should read your text?') });
  if (!chosen) return;
  const setting = chosen.setting ?? (await pickModelFolder());
  if (setting !== undefined && setting !== now) await writeSetting('model', setting);
}

/** Asks for a model's folder: what `explainTokens.model` would be for it. */
export async function pickModelFolder(): Promise<string | undefined> {
  const [folder] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      canSelectMany: false,
      title: vscode.l10n.t('Folder with config.json, *.safetensors and tokenizer.json'),
      openLabel: vscode.l10n.t('Use This Model'),
    })) ?? [];
  return folder && (folder.scheme === 'file' ? folder.fsPath : folder.toString());
}

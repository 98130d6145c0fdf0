import { vscode } from '../vscode.ts';
import { bytesText } from '../../core/bytesText.ts';
import type { Inert } from '../../core/inertText.ts';
import { UserError } from '../../core/errors.ts';
import type { DownloadedModel, DownloadProgress, Hub, HubAccess, HubChoice, HubModel, UnfinishedModel } from '../../library/hub/hubApi.ts';
import { loadHub } from '#platform';
import { Disposable } from '../disposable.ts';
import { hubAccess } from './hubAccess.ts';
import { t } from '../say.ts';
import { shareTeller, withProgress, type Progress } from '../surfaces.ts';

/**
 * Models downloaded from the hub, in the folder `models` of the extension's storage. Only `find` and `download` use the network.
 */
export class Downloads extends Disposable {
  readonly #folder: vscode.Uri;
  readonly #secrets: vscode.SecretStorage;
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  #hub: Promise<Hub | undefined> | undefined;

  /** Fires when a download ended, complete or not, or a model was removed. */
  readonly onDidChange = this.#changed.event;

  constructor({ globalStorageUri, secrets }: Pick<vscode.ExtensionContext, 'globalStorageUri' | 'secrets'>) {
    super();
    this.#folder = vscode.Uri.joinPath(globalStorageUri, 'models');
    this.#secrets = secrets;
  }

  /** Path of the folder of all downloads. */
  get root(): string {
    return this.#folder.fsPath;
  }

  /** Whether models can be downloaded here; not in a browser. */
  async isPossible(): Promise<boolean> {
    return this.#folder.scheme === 'file' && (await this.#load()) !== undefined;
  }

  /** Description of a model on the hub, with a notification that can be cancelled. Throws UserError or CancelledError. */
  async find(id: string): Promise<HubModel> {
    const hub = await this.#required();
    const access = await this.#access();
    return withProgress(t('Asking {0} about {1}…', new URL(access.endpoint).host, id), (_, signal) =>
      hub.findModel(id, { ...access, signal }),
    );
  }

  /** Bytes that a download still needs, and bytes free on the disk (null: unknown). */
  async spaceFor(model: HubModel, choice: HubChoice): Promise<{ readonly needed: number; readonly free: number | null }> {
    return (await this.#required()).spaceFor(this.root, model, choice);
  }

  /** Downloads a model with a notification that can be cancelled. The user has agreed before. Throws UserError or CancelledError. */
  async download(model: HubModel, choice: HubChoice): Promise<DownloadedModel> {
    const hub = await this.#required();
    const { endpoint, token } = await this.#access();
    // The setting may name another hub by now, whose token must not go to the model's hub.
    const access = { endpoint: model.endpoint, token: endpoint === model.endpoint ? token : undefined };
    try {
      return await withProgress(t('Downloading {0}', model.id), (view, signal) =>
        hub.download(this.root, model, choice, { ...access, signal, onProgress: reporter(view) }),
      );
    } finally {
      this.#changed.fire();
    }
  }

  /** Completely downloaded models. */
  async list(): Promise<readonly DownloadedModel[]> {
    return (await this.isPossible()) ? (await this.#required()).listDownloaded(this.root) : [];
  }

  /** Downloads that were begun and not finished. */
  async unfinished(): Promise<readonly UnfinishedModel[]> {
    return (await this.isPossible()) ? (await this.#required()).listUnfinished(this.root) : [];
  }

  /** Removes a model, downloaded or unfinished, from the disk. Throws UserError while it is being downloaded. */
  async remove(id: string): Promise<void> {
    try {
      await (await this.#required()).removeDownload(this.root, id);
    } finally {
      this.#changed.fire();
    }
  }

  #access(): Promise<HubAccess> {
    return hubAccess(this.#secrets);
  }

  async #required(): Promise<Hub> {
    const hub = this.#folder.scheme === 'file' ? await this.#load() : undefined;
    if (!hub) throw new UserError(t('Models can be downloaded in the desktop version only: a browser has no disk to keep them on.'));
    return hub;
  }

  #load(): Promise<Hub | undefined> {
    this.#hub ??= loadHub();
    return this.#hub;
  }
}

/** A progress listener that reports a download to a notification. */
function reporter(view: Progress): (progress: DownloadProgress) => void {
  const tell = shareTeller(view);
  return ({ stage, bytesDone, bytes }) => tell(progressText(stage, bytesDone, bytes), bytes > 0 ? bytesDone / bytes : 1);
}

function progressText(stage: DownloadProgress['stage'], bytesDone: number, bytes: number): Inert {
  const sizes = [bytesText(bytesDone), bytesText(bytes)] as const;
  switch (stage) {
    case 'check':
      return t('checking what is there: {0} of {1}', ...sizes);
    case 'download':
      return t('{0} of {1}', ...sizes);
    case 'wait':
      return t('{0} of {1}; waiting to try again', ...sizes);
  }
}

import { vscode } from './vscode.ts';
import { bytesText } from '../core/bytesText.ts';
import { UserError } from '../core/errors.ts';
import type { DownloadedModel, DownloadProgress, Hub, HubAccess, HubChoice, HubModel, UnfinishedModel } from '../library/hub/api.ts';
import { loadHub } from '#platform';
import { Disposable } from './disposable.ts';
import { hubAccess } from './hubAccess.ts';

/** Progress is told at most this often. */
const TELL_EVERY_MS = 200;

/** Models of the hub on this machine: they lie in the extension's own storage, below `models`. The network is touched by `find` and `download` alone. */
export class Downloads extends Disposable {
  readonly #folder: vscode.Uri;
  readonly #secrets: vscode.SecretStorage;
  readonly #changed = this.register(new vscode.EventEmitter<void>());
  #hub: Promise<Hub | undefined> | undefined;

  /** A model came, went, or was begun. */
  readonly onDidChange = this.#changed.event;

  constructor({ globalStorageUri, secrets }: Pick<vscode.ExtensionContext, 'globalStorageUri' | 'secrets'>) {
    super();
    this.#folder = vscode.Uri.joinPath(globalStorageUri, 'models');
    this.#secrets = secrets;
  }

  /** The folder of all downloads. */
  get root(): string {
    return this.#folder.fsPath;
  }

  /** Where models can be downloaded to at all: not in a browser. */
  async isPossible(): Promise<boolean> {
    return this.#folder.scheme === 'file' && (await this.#load()) !== undefined;
  }

  /** What the hub has under this id, with a notification that can be cancelled. Throws UserError or CancelledError. */
  async find(id: string): Promise<HubModel> {
    const hub = await this.#required();
    const access = await this.#access();
    return withNotification(vscode.l10n.t('Asking {0} about {1}…', new URL(access.endpoint).host, id), (signal) => hub.findModel(id, { ...access, signal }));
  }

  /** What a choice still needs, and what is free. */
  async spaceFor(model: HubModel, choice: HubChoice): Promise<{ readonly needed: number; readonly free: number | null }> {
    return (await this.#required()).spaceFor(this.root, model, choice);
  }

  /** Downloads a model the user agreed to, with a notification that can be cancelled. Throws UserError or CancelledError. */
  async download(model: HubModel, choice: HubChoice): Promise<DownloadedModel> {
    const hub = await this.#required();
    const { endpoint, token } = await this.#access();
    // The hub may have been changed since the model was found: its token is not for the other one.
    const access = { endpoint: model.endpoint, token: endpoint === model.endpoint ? token : undefined };
    try {
      return await withNotification(vscode.l10n.t('Downloading {0}', model.id), (signal, view) =>
        hub.download(this.root, model, choice, { ...access, signal, onProgress: reporter(view) }),
      );
    } finally {
      this.#changed.fire();
    }
  }

  /** Models downloaded here, whole. */
  async list(): Promise<readonly DownloadedModel[]> {
    return (await this.isPossible()) ? (await this.#required()).listDownloaded(this.root) : [];
  }

  /** Downloads begun and not finished. */
  async unfinished(): Promise<readonly UnfinishedModel[]> {
    return (await this.isPossible()) ? (await this.#required()).listUnfinished(this.root) : [];
  }

  /** Removes a downloaded or unfinished model from the disk. Throws UserError while it is being downloaded. */
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
    if (!hub) throw new UserError(vscode.l10n.t('Models can be downloaded in the desktop version only: a browser has no disk to keep them on.'));
    return hub;
  }

  #load(): Promise<Hub | undefined> {
    this.#hub ??= loadHub();
    return this.#hub;
  }
}

type View = vscode.Progress<{ readonly message?: string; readonly increment?: number }>;

async function withNotification<T>(title: string, work: (signal: AbortSignal, view: View) => Promise<T>): Promise<T> {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, cancellable: true, title }, (view, token) => {
    const stop = new AbortController();
    token.onCancellationRequested(() => stop.abort());
    return work(stop.signal, view);
  });
}

/** Tells a notification how far a download is. */
function reporter(view: View): (progress: DownloadProgress) => void {
  let toldAt = 0;
  let shown = 0;
  return ({ stage, bytesDone, bytes }) => {
    const now = Date.now();
    if (now - toldAt < TELL_EVERY_MS && bytesDone < bytes) return;
    toldAt = now;
    const percent = bytes > 0 ? (100 * bytesDone) / bytes : 100;
    view.report({ message: progressText(stage, bytesDone, bytes), increment: Math.max(0, percent - shown) });
    shown = Math.max(shown, percent);
  };
}

function progressText(stage: DownloadProgress['stage'], bytesDone: number, bytes: number): string {
  const { t } = vscode.l10n;
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

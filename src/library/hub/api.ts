import { UserError } from '../../core/errors.ts';

/** What the rest of the extension knows of the hub: plain data and the calls of `hub.ts`. */

/** Where models come from, and as whom. */
export interface HubAccess {
  /** Address of the hub without a slash at its end. */
  readonly endpoint: string;
  /** Sent to the endpoint's own origin only. */
  readonly token?: string | undefined;
}

/** One file as the hub lists it at a commit. */
export interface HubFile {
  /** Its name, directly in the model's folder. */
  readonly name: string;
  readonly bytes: number;
  /** What its content must be: SHA-256 of large files, git's blob SHA-1 of the others; lower-case hexadecimal. */
  readonly hash: { readonly kind: 'sha256' | 'git'; readonly hex: string };
}

/** One way to take a model: all its files in Hugging Face layout, or one GGUF file (with its parts). */
export interface HubChoice {
  readonly kind: 'safetensors' | 'gguf';
  /** What is opened: null for the folder, else the (first) GGUF file in it. */
  readonly entry: string | null;
  readonly files: readonly HubFile[];
  readonly bytes: number;
}

/** A model of the hub, as found when asked. */
export interface HubModel {
  /** Owner and name as the hub spells them. */
  readonly id: string;
  readonly endpoint: string;
  /** The commit everything is taken from: 40 hexadecimal digits. */
  readonly commit: string;
  /** Its licence as the model's page names it; null where it names none. */
  readonly licence: string | null;
  /** Its owner asks for consent before files are given. */
  readonly gated: boolean;
  /** `model_type` of its configuration, where the hub tells it. */
  readonly family: string | null;
  /** At least one. */
  readonly choices: readonly HubChoice[];
}

/** `download.json` in a model's folder: what was downloaded, from where. */
export interface DownloadMarker {
  readonly version: 1;
  readonly id: string;
  readonly endpoint: string;
  readonly commit: string;
  readonly licence: string | null;
  readonly entry: string | null;
  readonly files: readonly HubFile[];
}

/** A model on disk, whole and checked. */
export interface DownloadedModel extends DownloadMarker {
  readonly folder: string;
  /** What `explainTokens.model` becomes to use it: the folder, or the GGUF file in it. */
  readonly path: string;
  readonly bytes: number;
}

/** A download that was broken off and can go on. */
export interface UnfinishedModel extends DownloadMarker {
  readonly bytesDone: number;
  readonly bytes: number;
}

export interface DownloadProgress {
  /** `check`: what is on disk already is read again; `download`: bytes are coming in; `wait`: the hub or the connection asks for patience. */
  readonly stage: 'check' | 'download' | 'wait';
  readonly bytesDone: number;
  readonly bytes: number;
}

/** What there is room for. `free` is null where the disk does not tell. */
export interface DownloadSpace {
  readonly needed: number;
  readonly free: number | null;
}

export interface DownloadOptions extends HubAccess {
  readonly signal: AbortSignal;
  onProgress(progress: DownloadProgress): void;
}

/** The hub and the models downloaded from it. Every call throws UserError with one sentence, or CancelledError. `root` is the folder of all downloads. */
export interface Hub {
  /** What the hub has under this id. */
  findModel(id: string, access: HubAccess & { readonly signal: AbortSignal }): Promise<HubModel>;
  /** What `choice` still needs, and what is free. */
  spaceFor(root: string, model: HubModel, choice: HubChoice): Promise<DownloadSpace>;
  /** Downloads what is missing; nothing is in the model's folder before all is there and checked. */
  download(root: string, model: HubModel, choice: HubChoice, options: DownloadOptions): Promise<DownloadedModel>;
  /** Models downloaded here, whole. */
  listDownloaded(root: string): Promise<readonly DownloadedModel[]>;
  /** Downloads begun and not finished. */
  listUnfinished(root: string): Promise<readonly UnfinishedModel[]>;
  /** Removes a downloaded or unfinished model from the disk. */
  removeDownload(root: string, id: string): Promise<void>;
}

/** The hub gives the model only to those it knows: a token, or consent on the model's page, is missing. */
export class HubAccessError extends UserError {
  /** Address of the model's page. */
  readonly page: string;

  constructor(message: string, page: string) {
    super(message);
    this.page = page;
  }
}

import type { FormatId } from '../../core/fileFormats.ts';
import { UserError } from '../../core/errors.ts';

// The interface between the hub and the rest of the extension: plain data, and the calls that `hub.ts` implements.

/** Address of the hub and credentials. */
export interface HubAccess {
  /** Address of the hub without a trailing slash. */
  readonly endpoint: string;
  /** Access token, sent only to the endpoint's own origin. */
  readonly token?: string | undefined;
}

/** A file of a model at a commit, as the hub lists it. */
export interface HubFile {
  /** File name in the model's folder, without a path. */
  readonly name: string;
  readonly bytes: number;
  /** Expected hash of the content: SHA-256 for large files, git's blob SHA-1 for others; lower-case hexadecimal. */
  readonly hash: { readonly kind: 'sha256' | 'git'; readonly hex: string };
}

/** One choice for downloading a model: all files in Hugging Face layout, or one file (with its parts) of another format, such as GGUF. */
export interface HubChoice {
  readonly kind: 'safetensors' | FormatId;
  /** Name of the file to open, a model file's first part; null where the folder is opened. */
  readonly entry: string | null;
  readonly files: readonly HubFile[];
  /** Size of all files together. */
  readonly bytes: number;
}

/** A model of the hub, as listed at the time of the request. */
export interface HubModel {
  /** Owner and name as the hub spells them. */
  readonly id: string;
  readonly endpoint: string;
  /** The commit that all files are downloaded from: 40 hexadecimal digits. */
  readonly commit: string;
  /** The licence named on the model's page; null where none is named. */
  readonly licence: string | null;
  /** Whether the owner requires consent before a download. */
  readonly gated: boolean;
  /** `model_type` of the configuration; null where the hub does not list it. */
  readonly family: string | null;
  /** At least one. */
  readonly choices: readonly HubChoice[];
}

/** Content of `download.json` in a model's folder: what was downloaded, and from where. */
export interface DownloadMarker {
  readonly version: 1;
  readonly id: string;
  readonly endpoint: string;
  readonly commit: string;
  readonly licence: string | null;
  readonly entry: string | null;
  readonly files: readonly HubFile[];
}

/** A complete, verified model on disk. */
export interface DownloadedModel extends DownloadMarker {
  readonly folder: string;
  /** The value of `explainTokens.model` that selects this model: the folder, or the GGUF file in it. */
  readonly path: string;
  readonly bytes: number;
}

/** An interrupted download that can be resumed. */
export interface UnfinishedModel extends DownloadMarker {
  readonly bytesDone: number;
  readonly bytes: number;
}

/** Progress of a download, over all of its files. */
export interface DownloadProgress {
  /**
   * `check`: a complete file is read once more from disk to verify it, and its bytes count as done; `download`: data is arriving;
   * `wait`: the download waits for the hub or the connection.
   */
  readonly stage: 'check' | 'download' | 'wait';
  readonly bytesDone: number;
  readonly bytes: number;
}

/** Bytes that a download needs and bytes that are free; `free` is null where the disk does not say. */
export interface DownloadSpace {
  readonly needed: number;
  readonly free: number | null;
}

/** Settings and callbacks of a download. */
export interface DownloadOptions extends HubAccess {
  readonly signal: AbortSignal;
  onProgress(progress: DownloadProgress): void;
}

/**
 * The hub and the models downloaded from it. `root` is the folder of all downloads. Calls throw UserError with one sentence, or
 * CancelledError.
 */
export interface Hub {
  /** The hub's model with this id. */
  findModel(id: string, access: HubAccess & { readonly signal: AbortSignal }): Promise<HubModel>;
  /** Disk space that `choice` still needs, and that is free. */
  spaceFor(root: string, model: HubModel, choice: HubChoice): Promise<DownloadSpace>;
  /** Downloads the missing files. The model's folder appears only when all of them are complete and verified. */
  download(root: string, model: HubModel, choice: HubChoice, options: DownloadOptions): Promise<DownloadedModel>;
  /** The complete models downloaded here. */
  listDownloaded(root: string): Promise<readonly DownloadedModel[]>;
  /** The unfinished downloads. */
  listUnfinished(root: string): Promise<readonly UnfinishedModel[]>;
  /** Removes a downloaded or unfinished model from the disk. */
  removeDownload(root: string, id: string): Promise<void>;
}

/** The hub refuses access to the model: a token, or consent on the model's page, is missing. */
export class HubAccessError extends UserError {
  /** Address of the model's page. */
  readonly page: string;

  constructor(message: string, page: string) {
    super(message);
    this.page = page;
  }
}

import type { IncomingHttpHeaders } from 'node:http';
import { UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import type { HubAccess, HubFile, HubModel } from './hubApi.ts';
import { get, piecesOf, type HttpAnswer } from './http.ts';
import { hubUrl } from './address.ts';
import { Part } from './part.ts';
import { problemOf, Transient } from './problems.ts';
import { retrying, type Patience } from './retry.ts';

/** Settings and callbacks for downloading one file. */
export interface FileDownloadOptions extends HubAccess {
  readonly signal: AbortSignal;
  readonly patience: Patience;
  readonly t: Translate;
  /** Receives the number of bytes on disk; it falls where the file begins again. `check`: the file is being read once more. */
  onBytes(stage: 'check' | 'download', bytes: number): void;
  /** Called before each wait for the hub or the connection. */
  onWait(): void;
  /** Throws where another process has taken over the download. */
  confirm(): Promise<void>;
}

/**
 * Downloads one file into `folder`, resuming an earlier download, and renames it to its final name once its size and hash are those
 * that the hub listed. Throws UserError, CancelledError or a file system error; the part stays on disk unless its content is wrong.
 */
export async function downloadFile(model: HubModel, file: HubFile, folder: string, options: FileDownloadOptions): Promise<void> {
  const { signal, t } = options;
  const part = await Part.open(folder, file);
  const matches = async (): Promise<boolean> => {
    options.onBytes('check', part.offset);
    return part.matches(signal);
  };
  try {
    const resumed = part.offset > 0;
    await fetchRest(model, file, part, options);
    let isRight = await matches();
    if (!isRight && resumed) {
      // The resumed part may have been damaged, so the file is downloaded once more from the beginning.
      await part.restart();
      options.onBytes('download', 0);
      await fetchRest(model, file, part, options);
      isRight = await matches();
    }
    if (!isRight) throw new Wrong(t('{0} arrived damaged: it is not what the hub announced. Try again.', file.name));
    await options.confirm();
    await part.finish(folder);
    options.onBytes('download', file.bytes);
  } catch (error) {
    await (error instanceof Wrong ? part.discard() : part.close());
    throw error;
  }
}

/** The content received is not that of the file; the part is deleted. */
class Wrong extends UserError {}

async function fetchRest(model: HubModel, file: HubFile, part: Part, options: FileDownloadOptions): Promise<void> {
  const { patience, signal } = options;
  let received = 0;
  const fetchOnce = async (): Promise<void> => {
    if (part.offset === file.bytes) return;
    const answer = await ask(model, file, part, options);
    try {
      await accept(answer, model, file, part, options);
      await receive(answer, file, part, (bytes) => (received += bytes), options);
    } finally {
      answer.body.destroy();
    }
    if (part.offset < file.bytes)
      throw new Transient(new UserError(options.t('{0} ends after {1} of {2} bytes.', file.name, part.offset, file.bytes)));
  };
  await retrying(fetchOnce, { patience, signal, progress: () => received, onWait: () => options.onWait() });
}

async function ask({ id, commit }: HubModel, file: HubFile, part: Part, options: FileDownloadOptions): Promise<HttpAnswer> {
  const etag = part.offset > 0 ? await part.etag() : undefined;
  const range = part.offset > 0 ? { range: `bytes=${part.offset}-`, ...(etag === undefined ? {} : { 'if-range': etag }) } : {};
  return get(hubUrl(options.endpoint, id, 'resolve', commit, file.name), { ...options, headers: range, idleMs: options.patience.idleMs });
}

/**
 * Prepares the part for the response's body, which continues it or, where the hub sends the whole file, replaces it. Throws for an
 * error response or one that belongs to another file.
 */
async function accept(
  { status, headers, allHeaders }: HttpAnswer,
  model: HubModel,
  file: HubFile,
  part: Part,
  { endpoint, token, t }: FileDownloadOptions,
): Promise<void> {
  const refusedRange = status === 416 || (status === 206 && !continues(headers, part.offset, file.bytes));
  if (refusedRange && part.offset > 0) {
    await part.restart();
    throw new Transient(new UserError(t('{0} gives an answer that was not expected: {1}', new URL(endpoint).host, `HTTP ${status}.`)), 0);
  }
  if (status !== 200 && status !== 206)
    throw problemOf(status, headers, { id: model.id, endpoint, hasToken: token !== undefined, file: file.name }, t);
  if (contradicts(allHeaders, model, file) || (headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new Wrong(t('The hub sends another file than the {0} it announced. Try again.', file.name));
  if (status === 200) {
    if (part.offset > 0) await part.restart();
    await part.keepEtag(headers.etag);
  }
  const coming = headers['content-length'];
  if (coming !== undefined && Number(coming) !== file.bytes - part.offset)
    throw new Wrong(t('{0} is announced with {1} bytes and comes with {2}.', file.name, file.bytes, part.offset + Number(coming)));
}

/** Whether the `Content-Range` (such as `bytes 100-199/200`) runs from `offset` to the end of a file of `bytes` bytes. */
function continues(headers: IncomingHttpHeaders, offset: number, bytes: number): boolean {
  const [, from, to, of] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  return Number(from) === offset && Number(to) === bytes - 1 && (of === '*' || Number(of) === bytes);
}

/** Whether the hub's headers about the file, where it sends them, state another commit, size or content. */
function contradicts(allHeaders: readonly IncomingHttpHeaders[], { commit }: HubModel, file: HubFile): boolean {
  return allHeaders.some((headers) => {
    const linked = String(headers['x-linked-etag'] ?? '').replaceAll(/^W\/|"/g, '');
    const isOtherContent = file.hash.kind === 'sha256' && /^[0-9a-f]{64}$/.test(linked) && linked !== file.hash.hex;
    return (
      isOtherContent || (headers['x-repo-commit'] ?? commit) !== commit || Number(headers['x-linked-size'] ?? file.bytes) !== file.bytes
    );
  });
}

async function receive(
  answer: HttpAnswer,
  file: HubFile,
  part: Part,
  onReceived: (bytes: number) => void,
  options: FileDownloadOptions,
): Promise<void> {
  const { endpoint, patience, t, onBytes } = options;
  for await (const piece of piecesOf(answer, new URL(endpoint).host, { ...options, idleMs: patience.idleMs })) {
    if (part.offset + piece.length > file.bytes)
      throw new Wrong(t('{0} does not end after the {1} bytes it was announced with.', file.name, file.bytes));
    await part.append(piece);
    onReceived(piece.length);
    onBytes('download', part.offset);
  }
}

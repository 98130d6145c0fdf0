import type { IncomingHttpHeaders } from 'node:http';
import { UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import type { HubAccess, HubFile, HubModel } from './api.ts';
import { get, piecesOf, type HttpAnswer } from './http.ts';
import { hubUrl } from './address.ts';
import { Part } from './part.ts';
import { problemOf, Transient } from './problems.ts';
import { retrying, type Patience } from './retry.ts';

export interface FileDownloadOptions extends HubAccess {
  readonly signal: AbortSignal;
  readonly patience: Patience;
  readonly t: Translate;
  /** Bytes of the file that are there; fewer than before where it had to begin again. */
  onBytes(stage: 'check' | 'download', bytes: number): void;
  onWait(): void;
}

/**
 * Downloads one file into `folder`, going on where an earlier part of it ends, and gives it its name when its size and hash are what the hub announced.
 * Throws UserError, CancelledError, or what the disk throws; the part stays, unless its bytes are wrong.
 */
export async function downloadFile(model: HubModel, file: HubFile, folder: string, options: FileDownloadOptions): Promise<void> {
  const { signal, t } = options;
  const part = await Part.open(folder, file, signal, (bytes) => options.onBytes('check', bytes));
  try {
    const resumed = part.offset > 0;
    await fetchRest(model, file, part, options);
    if (!part.matches && resumed) {
      // The part from before may be what is wrong: one try from the beginning.
      await part.restart();
      options.onBytes('download', 0);
      await fetchRest(model, file, part, options);
    }
    if (!part.matches) throw new Wrong(t('{0} arrived damaged: it is not what the hub announced. Try again.', file.name));
    await part.finish(folder);
  } catch (error) {
    await (error instanceof Wrong ? part.discard() : part.close());
    throw error;
  }
}

/** The bytes are not those of the file: nothing of them is kept. */
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
    if (part.offset < file.bytes) throw new Transient(new UserError(options.t('{0} ends after {1} of {2} bytes.', file.name, part.offset, file.bytes)));
  };
  await retrying(fetchOnce, { patience, signal, progress: () => received, onWait: () => options.onWait() });
}

async function ask({ id, commit }: HubModel, file: HubFile, part: Part, options: FileDownloadOptions): Promise<HttpAnswer> {
  const etag = part.offset > 0 ? await part.etag() : undefined;
  const range = part.offset > 0 ? { range: `bytes=${part.offset}-`, ...(etag === undefined ? {} : { 'if-range': etag }) } : {};
  return get(hubUrl(options.endpoint, id, 'resolve', commit, file.name), { ...options, headers: range, idleMs: options.patience.idleMs });
}

/** Makes the part ready for the answer's bytes: at its end, or at the beginning where the hub sends all again. Throws where the answer is none or is for another file. */
async function accept({ status, headers, allHeaders }: HttpAnswer, model: HubModel, file: HubFile, part: Part, { endpoint, token, t }: FileDownloadOptions): Promise<void> {
  const refusedRange = status === 416 || (status === 206 && !continues(headers, part.offset, file.bytes));
  if (refusedRange && part.offset > 0) {
    await part.restart();
    throw new Transient(new UserError(t('{0} gives an answer that was not expected: {1}', new URL(endpoint).host, `HTTP ${status}.`)), 0);
  }
  if (status !== 200 && status !== 206) throw problemOf(status, headers, { id: model.id, endpoint, hasToken: token !== undefined, file: file.name }, t);
  if (contradicts(allHeaders, model, file) || (headers['content-encoding'] ?? 'identity') !== 'identity') throw new Wrong(t('The hub sends another file than the {0} it announced. Try again.', file.name));
  if (status === 200) {
    if (part.offset > 0) await part.restart();
    await part.keepEtag(headers.etag);
  }
  const coming = headers['content-length'];
  if (coming !== undefined && Number(coming) !== file.bytes - part.offset) throw new Wrong(t('{0} is announced with {1} bytes and comes with {2}.', file.name, file.bytes, part.offset + Number(coming)));
}

/** `Content-Range: bytes 100-199/200` goes on at `offset` of a file of `bytes`. */
function continues(headers: IncomingHttpHeaders, offset: number, bytes: number): boolean {
  const [, from, to, of] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  return Number(from) === offset && Number(to) === bytes - 1 && (of === '*' || Number(of) === bytes);
}

/** The hub's own headers about the file, where it sends them, are of another commit, size or content. */
function contradicts(allHeaders: readonly IncomingHttpHeaders[], { commit }: HubModel, file: HubFile): boolean {
  return allHeaders.some((headers) => {
    const linked = String(headers['x-linked-etag'] ?? '').replaceAll(/^W\/|"/g, '');
    const isOtherContent = file.hash.kind === 'sha256' && /^[0-9a-f]{64}$/.test(linked) && linked !== file.hash.hex;
    return isOtherContent || (headers['x-repo-commit'] ?? commit) !== commit || Number(headers['x-linked-size'] ?? file.bytes) !== file.bytes;
  });
}

async function receive(answer: HttpAnswer, file: HubFile, part: Part, onReceived: (bytes: number) => void, options: FileDownloadOptions): Promise<void> {
  const { endpoint, patience, t, onBytes } = options;
  for await (const piece of piecesOf(answer, new URL(endpoint).host, { ...options, idleMs: patience.idleMs })) {
    if (part.offset + piece.length > file.bytes) throw new Wrong(t('{0} does not end after the {1} bytes it was announced with.', file.name, file.bytes));
    await part.append(piece);
    onReceived(piece.length);
    onBytes('download', part.offset);
  }
}

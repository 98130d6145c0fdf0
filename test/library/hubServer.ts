import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A model on the hub. */
export interface ServedModel {
  readonly id: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly licence?: string;
  /** The token that is required for its files. */
  readonly gatedFor?: string;
  /** Untrue fields, merged into the response of the API. */
  readonly lies?: Readonly<Record<string, unknown>>;
}

/** A request that the hub received. */
export interface SeenRequest {
  /** The hub itself, or the second host, which serves large files. */
  readonly host: 'hub' | 'cdn';
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

/**
 * A fault of the hub and its place: `api` is the model's description, `resolve` the hub's response for a file, `content` the bytes of a
 * file from either host.
 */
export type Misbehaviour = {
  readonly where: 'api' | 'resolve' | 'content';
  readonly file?: string;
  /** Number of times; by default always. */
  readonly times?: number;
} & (
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'redirect'; readonly to: string }
  /** The connection breaks after this many bytes of the body. */
  | { readonly kind: 'cut'; readonly after: number }
  /** The body stops after this many bytes, and the connection stays open. */
  | { readonly kind: 'stall'; readonly after: number }
  | { readonly kind: 'slow'; readonly bytesAtATime: number; readonly ms: number }
  | { readonly kind: 'wrong' }
  /** Range requests are ignored, refused, or answered with another range. */
  | { readonly kind: 'noRange' | 'rangeRefused' | 'otherRange' }
  /** The body has more or fewer bytes than the API lists; `declared`: the response's Content-Length says so. */
  | { readonly kind: 'longer' | 'shorter'; readonly declared: boolean }
  | { readonly kind: 'endless' }
  | { readonly kind: 'never' }
);

/** A hub on this machine. */
export interface HubServer {
  readonly endpoint: string;
  /** All requests so far. */
  readonly requests: readonly SeenRequest[];
  /** Replaces the current faults. */
  misbehave(...what: readonly Misbehaviour[]): void;
  /** Ends all faults. */
  behave(): void;
  /** Adds a model, or replaces it, which gives it a new commit. */
  serve(model: ServedModel): void;
  close(): Promise<void>;
}

/** Pattern of the names of large files. */
const LARGE = /\.(safetensors|gguf)$/;

/** The files of a folder by name, for a model of the hub. */
export function filesOf(folder: string, names = readdirSync(folder)): Record<string, Uint8Array> {
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name))]));
}

/** Starts a hub with these models on this machine; large files come from another port. */
export async function startHub(...models: readonly ServedModel[]): Promise<HubServer> {
  const served = new Map(models.map((model) => [model.id, model]));
  const requests: SeenRequest[] = [];
  let wrongs: { readonly what: Misbehaviour; left: number }[] = [];
  const wrong = (where: Misbehaviour['where'], file: string | undefined): Misbehaviour | undefined => {
    const found = wrongs.find(({ what, left }) => left > 0 && what.where === where && (what.file ?? file) === file);
    if (found) found.left--;
    return found?.what;
  };
  const cdn = createServer((request, response) => {
    requests.push({ host: 'cdn', url: request.url ?? '', headers: request.headers });
    const [, owner, name, file] = decodeURIComponent(new URL(request.url ?? '', 'http://cdn').pathname).split('/');
    const bytes = served.get(`${owner}/${name}`)?.files[file ?? ''];
    if (!bytes) return answer(response, 404);
    sendFile(request, response, bytes, sha256(bytes), wrong('content', file));
  });
  const hub = createServer((request, response) => {
    requests.push({ host: 'hub', url: request.url ?? '', headers: request.headers });
    const { pathname } = new URL(request.url ?? '', 'http://hub');
    const api = /^\/api\/models\/(.+)$/.exec(decodeURIComponent(pathname))?.[1];
    if (api !== undefined) return sendInfo(response, served.get(api), wrong('api', undefined));
    const [, id = '', commit, file = ''] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(decodeURIComponent(pathname)) ?? [];
    const model = served.get(id);
    const bytes = model?.files[file];
    const misbehaviour = wrong('resolve', file);
    if (misbehaviour?.kind === 'status') return answer(response, misbehaviour.status, misbehaviour.headers);
    if (misbehaviour?.kind === 'redirect') return answer(response, 302, { location: misbehaviour.to });
    if (misbehaviour?.kind === 'never') return;
    if (!model || commit !== commitOf(model)) return answer(response, 404, { 'x-error-code': 'RepoNotFound' });
    const { authorization } = request.headers;
    if (model.gatedFor !== undefined && authorization !== `Bearer ${model.gatedFor}`)
      return answer(response, authorization === undefined ? 401 : 403, {
        'x-error-code': 'GatedRepo',
        'x-error-message': `Access to model ${id} is restricted.`,
      });
    if (!bytes) return answer(response, 404, { 'x-error-code': 'EntryNotFound' });
    const about = { 'x-repo-commit': commitOf(model), 'x-linked-size': String(bytes.length) };
    if (!LARGE.test(file)) return sendFile(request, response, bytes, gitHash(bytes), wrong('content', file), about);
    answer(response, 302, {
      ...about,
      'x-linked-etag': `"${sha256(bytes)}"`,
      location: `${addressOf(cdn)}/${id}/${encodeURIComponent(file)}?signature=once`,
    });
  });
  await Promise.all([listen(hub), listen(cdn)]);
  return {
    endpoint: addressOf(hub),
    requests,
    misbehave: (...what) => void (wrongs = what.map((each) => ({ what: each, left: each.times ?? Number.POSITIVE_INFINITY }))),
    behave: () => void (wrongs = []),
    serve: (model) => void served.set(model.id, model),
    close: async () => {
      await Promise.all([hub, cdn].map((server) => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve)))));
    },
  };
}

/** The commit of a model, which changes with its files. */
export function commitOf({ id, files }: ServedModel): string {
  const hash = createHash('sha1').update(id);
  for (const [name, bytes] of Object.entries(files)) hash.update(name).update(bytes);
  return hash.digest('hex');
}

function sendInfo(response: ServerResponse, model: ServedModel | undefined, wrong: Misbehaviour | undefined): void {
  if (wrong?.kind === 'never') return;
  if (wrong?.kind === 'status') return answer(response, wrong.status, wrong.headers);
  if (wrong?.kind === 'redirect') return answer(response, 307, { location: wrong.to });
  if (wrong?.kind === 'endless') return pour(response);
  if (!model) return answer(response, 401, { 'x-error-code': 'RepoNotFound' });
  const siblings = Object.entries(model.files).map(([rfilename, bytes]) => ({
    rfilename,
    size: bytes.length,
    blobId: gitHash(bytes),
    ...(LARGE.test(rfilename) ? { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 134 } } : {}),
  }));
  const info = {
    id: model.id,
    sha: commitOf(model),
    gated: model.gatedFor === undefined ? false : 'manual',
    private: false,
    tags: ['transformers'],
    ...(model.licence === undefined ? {} : { cardData: { license: model.licence } }),
    siblings,
    ...model.lies,
  };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(info));
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  whole: Uint8Array,
  etag: string,
  wrong: Misbehaviour | undefined,
  about: Record<string, string> = {},
): void {
  if (wrong?.kind === 'status') return answer(response, wrong.status, wrong.headers);
  if (wrong?.kind === 'never') return;
  const tag = `"${etag}"`;
  const asked =
    request.headers['if-range'] === undefined || request.headers['if-range'] === tag
      ? /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]
      : undefined;
  const from = wrong?.kind === 'noRange' ? 0 : Number(asked ?? 0);
  if (asked !== undefined && (from >= whole.length || wrong?.kind === 'rangeRefused'))
    return answer(response, 416, { 'content-range': `bytes */${whole.length}` });
  const isPart = asked !== undefined && wrong?.kind !== 'noRange';
  const body = changed(whole.subarray(from), wrong);
  const declared = wrong?.kind === 'longer' || wrong?.kind === 'shorter' ? (wrong.declared ? body.length : undefined) : whole.length - from;
  const start = wrong?.kind === 'otherRange' ? from + 1 : from;
  response.writeHead(isPart ? 206 : 200, {
    ...about,
    etag: tag,
    'accept-ranges': 'bytes',
    ...(declared === undefined || wrong?.kind === 'endless' ? {} : { 'content-length': String(declared) }),
    ...(isPart ? { 'content-range': `bytes ${start}-${whole.length - 1}/${whole.length}` } : {}),
  });
  if (wrong?.kind === 'endless') return pour(response);
  if (wrong?.kind === 'cut') return void response.write(body.subarray(0, wrong.after), () => setTimeout(() => response.destroy(), 30));
  if (wrong?.kind === 'stall') return void response.write(body.subarray(0, wrong.after));
  if (wrong?.kind === 'slow') return void drip(response, body, wrong.bytesAtATime, wrong.ms);
  response.end(body);
}

function changed(bytes: Uint8Array, wrong: Misbehaviour | undefined): Uint8Array {
  if (wrong?.kind === 'longer') return Buffer.concat([bytes, Buffer.from('more')]);
  if (wrong?.kind === 'shorter') return bytes.subarray(0, -1);
  if (wrong?.kind !== 'wrong') return bytes;
  const other = Uint8Array.from(bytes);
  other[0] = (other[0] ?? 0) ^ 1;
  return other;
}

function pour(response: ServerResponse): void {
  const more = (): void => void (response.destroyed || response.write(Buffer.alloc(1 << 16, 32), () => setImmediate(more)));
  more();
}

async function drip(response: ServerResponse, body: Uint8Array, bytesAtATime: number, ms: number): Promise<void> {
  for (let at = 0; at < body.length && !response.destroyed; at += bytesAtATime) {
    response.write(body.subarray(at, at + bytesAtATime));
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
  response.end();
}

function answer(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, headers).end();
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function gitHash(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

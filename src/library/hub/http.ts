import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { CancelledError, UserError, messageOf } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import type { HubAccess } from './hubApi.ts';
import { isPrivate, isRedirect } from './address.ts';
import { Transient } from './problems.ts';

// Node's http and https rather than fetch: VS Code applies its proxy settings and certificates (`http.proxy`, `http.proxySupport`) to
// these modules in every supported version, but to fetch only since 1.96, and only where `http.fetchAdditionalSupport` is on.

/** The hub redirects once or twice: to a renamed model, and to the storage of large files. */
const MAX_REDIRECTS = 8;

/** Settings of a request. */
export interface HttpOptions extends HubAccess {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Time without data after which a connection counts as broken. */
  readonly idleMs: number;
  readonly t: Translate;
}

/** A response, its body not read yet. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Headers of all responses, redirects first, because the hub describes a file in the redirect to its storage. */
  readonly allHeaders: readonly IncomingHttpHeaders[];
  /** The body, which must be read to its end or destroyed. */
  readonly body: IncomingMessage;
}

/**
 * The response to a GET, following redirects. The token is sent only to the endpoint's own origin, unencrypted only to this machine,
 * and no more once a redirect has led elsewhere. Throws Transient where the connection fails, UserError for an unsafe or endless
 * redirect, and CancelledError.
 */
export async function get(url: URL, options: HttpOptions): Promise<HttpAnswer> {
  const { t } = options;
  const own = new URL(options.endpoint);
  const allHeaders: IncomingHttpHeaders[] = [];
  let known = isPrivate(options.endpoint);
  for (let hop = 0, at = url; hop <= MAX_REDIRECTS; hop++) {
    known &&= at.origin === own.origin;
    const authorization = known && options.token !== undefined ? { authorization: `Bearer ${options.token}` } : {};
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'explain-tokens', ...options.headers, ...authorization };
    const body = await openResponse(at, { method: 'GET', headers, body: null }, options);
    const { statusCode: status = 0 } = body;
    allHeaders.push(body.headers);
    const { location } = body.headers;
    if (!isRedirect(status) || location === undefined) return { status, headers: body.headers, allHeaders, body };
    body.destroy();
    const next = URL.canParse(location, at) ? new URL(location, at) : undefined;
    if (!next || !/^https?:$/.test(next.protocol) || (at.protocol === 'https:' && next.protocol !== 'https:'))
      throw new UserError(t('{0} redirects to an address that is not safe to follow.', at.host));
    at = next;
  }
  throw new UserError(t('{0} redirects in a circle.', own.host));
}

/**
 * The response to one request, redirects not followed, its body not read yet. Throws as `connectionProblem` does; at once where the signal
 * is aborted.
 */
export function openResponse(
  url: URL,
  { method, headers, body }: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body: string | null },
  { signal, idleMs, t }: Pick<HttpOptions, 'signal' | 'idleMs' | 't'>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new CancelledError());
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, { method, headers, signal });
    const broken = (): unknown => request.destroy(nothingCame(idleMs, t));
    const timer = setTimeout(broken, idleMs);
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(connectionProblem(error, url.host, signal, t));
    });
    request.on('response', (response) => {
      clearTimeout(timer);
      // A reader of the body receives the error itself; without a listener, a body that nobody reads would end the process.
      response.on('error', () => undefined);
      resolve(response);
    });
    request.end(body ?? undefined);
  });
}

/** The error to throw for a failed connection: Transient, unless the certificate or TLS is at fault, where a retry would not help. */
export function connectionProblem(error: unknown, host: string, signal: AbortSignal, t: Translate): Error {
  if (signal.aborted) return new CancelledError();
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const reason = (messageOf(error) || code).replaceAll(/\s+/g, ' ');
  const refusal = new UserError(t('The connection to {0} failed: {1}.', host, reason), { cause: error });
  return /CERT|TLS|SSL|UNABLE_TO|SELF_SIGNED|HOSTNAME/.test(code) ? refusal : new Transient(refusal);
}

/** The body, piece by piece. Throws the error of `connectionProblem` where the connection fails; errors of the reader pass through. */
export async function* piecesOf(
  { body }: Pick<HttpAnswer, 'body'>,
  host: string,
  { signal, idleMs, t }: Pick<HttpOptions, 'signal' | 'idleMs' | 't'>,
): AsyncGenerator<Buffer> {
  const wait = (): NodeJS.Timeout => setTimeout(() => body.destroy(nothingCame(idleMs, t)), idleMs);
  let timer = wait();
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      // Time that the reader takes, for example to write to a slow disk, does not count as idle.
      clearTimeout(timer);
      yield piece;
      timer = wait();
    }
  } catch (error) {
    throw connectionProblem(error, host, signal, t);
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

/** The whole body. Throws where it is longer than `most` bytes or takes longer than `deadlineMs`. */
export async function readBody(
  answer: Pick<HttpAnswer, 'body'>,
  most: number,
  deadlineMs: number,
  host: string,
  options: Pick<HttpOptions, 'signal' | 'idleMs' | 't'>,
): Promise<Buffer> {
  const { t } = options;
  const pieces: Buffer[] = [];
  const timer = setTimeout(() => answer.body.destroy(new Error(t('the answer did not end'))), deadlineMs);
  try {
    let bytes = 0;
    for await (const piece of piecesOf(answer, host, options)) {
      bytes += piece.length;
      if (bytes > most) throw new UserError(t('{0} gives an answer that does not end.', host));
      pieces.push(piece);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(pieces);
}

function nothingCame(ms: number, t: Translate): Error {
  return new Error(t('nothing came for {0} seconds', Math.max(1, Math.round(ms / 1000))));
}

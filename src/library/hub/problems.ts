import type { IncomingHttpHeaders } from 'node:http';
import { UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import { HubAccessError } from './hubApi.ts';

/** A temporary failure that is worth a retry; `refusal` is the error for the user once retries are exhausted. */
export class Transient extends Error {
  override readonly name = 'Transient';
  readonly refusal: UserError;
  /** Wait that the hub asks for, in milliseconds; undefined where it asks for none. */
  readonly waitMs: number | undefined;

  constructor(refusal: UserError, waitMs?: number) {
    super(refusal.message, { cause: refusal });
    this.refusal = refusal;
    this.waitMs = waitMs;
  }
}

/** Status codes that are retried, as by huggingface_hub: timeouts, rate limits, and errors of a restarting or overloaded server. */
const TRANSIENT_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The request that a response belongs to. */
export interface Asked {
  readonly id: string;
  readonly endpoint: string;
  readonly hasToken: boolean;
  /** Name of the requested file; undefined for a request about the model itself. */
  readonly file?: string | undefined;
}

/** The error to throw for an unsuccessful response. The hub explains itself in `X-Error-Code` and `X-Error-Message`. */
export function problemOf(status: number, headers: IncomingHttpHeaders, asked: Asked, t: Translate): UserError | Transient {
  const { id, endpoint, hasToken, file } = asked;
  const host = new URL(endpoint).host;
  const code = text(headers['x-error-code']);
  if (TRANSIENT_STATUS.has(status)) {
    const waitMs = waitAsked(headers);
    if (status !== 429) return new Transient(new UserError(t('{0} answers with error {1}: try again later.', host, status)), waitMs);
    if (waitMs === undefined) return new Transient(new UserError(t('{0} has too many requests from here: try again later.', host)));
    return new Transient(
      new UserError(t('{0} has too many requests from here: try again in {1} minutes.', host, Math.ceil(waitMs / 60_000))),
      waitMs,
    );
  }
  const page = `${endpoint}/${id}`;
  if (code === 'GatedRepo' && !hasToken)
    return new HubAccessError(t('{0} is gated: accept its conditions at {1}, and set your access token.', id, page), page);
  if (code === 'GatedRepo')
    return new HubAccessError(t('{0} is gated and your access token has no access to it: accept its conditions at {1}.', id, page), page);
  if (status === 401 && hasToken)
    return new HubAccessError(t('{0} does not take your access token: set another one, or remove it.', host), page);
  if (status === 401)
    return new HubAccessError(t('There is no public model {0} at {1}; for a private one, set your access token.', id, host), page);
  if (status === 403) return new HubAccessError(t('{0} refuses access to {1}: {2}', host, id, said(headers) ?? `403.`), page);
  if (status === 404 && file !== undefined && code !== 'RepoNotFound')
    return new UserError(t('{0} has no file {1} any more: try again.', id, file));
  if (status === 404) return new UserError(t('There is no model {0} at {1}.', id, host));
  return new UserError(t('{0} gives an answer that was not expected: {1}', host, said(headers) ?? `HTTP ${status}.`));
}

/**
 * Milliseconds until the hub accepts another request: from `Retry-After` in seconds or as a date, else from `t` in the hub's
 * `RateLimit: "api";r=0;t=55`. Undefined where the response has neither.
 */
export function waitAsked(headers: IncomingHttpHeaders): number | undefined {
  const after = text(headers['retry-after'])?.trim();
  if (after !== undefined && /^\d{1,9}$/.test(after)) return Number(after) * 1000;
  const date = after === undefined ? Number.NaN : Date.parse(after);
  if (!Number.isNaN(date)) return Math.max(0, date - Date.now());
  const reset = /\bt\s*=\s*(\d{1,9})/.exec(text(headers['ratelimit']) ?? '')?.[1];
  return reset === undefined ? undefined : Number(reset) * 1000;
}

/** The hub's error message as one line of plain text. */
function said(headers: IncomingHttpHeaders): string | undefined {
  const message = oneLine(text(headers['x-error-message']) ?? '', 200);
  return message === '' ? undefined : message;
}

/** Text from outside as one line without control characters, cut after `most` UTF-16 units. */
export function oneLine(foreign: string, most: number): string {
  const line = foreign.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

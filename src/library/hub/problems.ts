import type { IncomingHttpHeaders } from 'node:http';
import { UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import { HubAccessError } from './api.ts';

/** Something that may go better in a moment; `refusal` is what the user reads where it does not. */
export class Transient extends Error {
  override readonly name = 'Transient';
  readonly refusal: UserError;
  /** How long the hub asks to wait, where it does. */
  readonly waitMs: number | undefined;

  constructor(refusal: UserError, waitMs?: number) {
    super(refusal.message, { cause: refusal });
    this.refusal = refusal;
    this.waitMs = waitMs;
  }
}

/** What huggingface_hub tries again: 408, 429 and the errors of a server that is being restarted or overloaded. */
const TRANSIENT_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** What an answer is about. */
export interface Asked {
  readonly id: string;
  readonly endpoint: string;
  readonly hasToken: boolean;
  /** The file asked for; undefined where the model itself was. */
  readonly file?: string | undefined;
}

/** What to throw for an answer that is not the wanted one. `X-Error-Code` and `X-Error-Message` are the hub's own words. */
export function problemOf(status: number, headers: IncomingHttpHeaders, asked: Asked, t: Translate): UserError | Transient {
  const { id, endpoint, hasToken, file } = asked;
  const host = new URL(endpoint).host;
  const code = text(headers['x-error-code']);
  if (TRANSIENT_STATUS.has(status)) {
    const waitMs = waitAsked(headers);
    if (status !== 429) return new Transient(new UserError(t('{0} answers with error {1}: try again later.', host, status)), waitMs);
    if (waitMs === undefined) return new Transient(new UserError(t('{0} has too many requests from here: try again later.', host)));
    return new Transient(new UserError(t('{0} has too many requests from here: try again in {1} minutes.', host, Math.ceil(waitMs / 60_000))), waitMs);
  }
  const page = `${endpoint}/${id}`;
  if (code === 'GatedRepo' && !hasToken) return new HubAccessError(t('{0} is gated: accept its conditions at {1}, and set your access token.', id, page), page);
  if (code === 'GatedRepo') return new HubAccessError(t('{0} is gated and your access token has no access to it: accept its conditions at {1}.', id, page), page);
  if (status === 401 && hasToken) return new HubAccessError(t('{0} does not take your access token: set another one, or remove it.', host), page);
  if (status === 401) return new HubAccessError(t('There is no public model {0} at {1}; for a private one, set your access token.', id, host), page);
  if (status === 403) return new HubAccessError(t('{0} refuses access to {1}: {2}', host, id, said(headers) ?? `403.`), page);
  if (status === 404 && file !== undefined && code !== 'RepoNotFound') return new UserError(t('{0} has no file {1} any more: try again.', id, file));
  if (status === 404) return new UserError(t('There is no model {0} at {1}.', id, host));
  return new UserError(t('{0} gives an answer that was not expected: {1}', host, said(headers) ?? `HTTP ${status}.`));
}

/** Milliseconds until the hub wants to be asked again: `Retry-After` in seconds or as a date, else `t` of the hub's `RateLimit: "api";r=0;t=55`. */
export function waitAsked(headers: IncomingHttpHeaders): number | undefined {
  const after = text(headers['retry-after'])?.trim();
  if (after !== undefined && /^\d{1,9}$/.test(after)) return Number(after) * 1000;
  const date = after === undefined ? Number.NaN : Date.parse(after);
  if (!Number.isNaN(date)) return Math.max(0, date - Date.now());
  const reset = /\bt\s*=\s*(\d{1,9})/.exec(text(headers['ratelimit']) ?? '')?.[1];
  return reset === undefined ? undefined : Number(reset) * 1000;
}

/** The hub's message in one line, without anything that could be more than text. */
function said(headers: IncomingHttpHeaders): string | undefined {
  const message = oneLine(text(headers['x-error-message']) ?? '', 200);
  return message === '' ? undefined : message;
}

/** Foreign text as one short line. */
export function oneLine(foreign: string, most: number): string {
  const line = foreign.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

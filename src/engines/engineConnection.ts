import { CancelledError, UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import { isPrivate, isRedirect, isToken } from '../library/hub/address.ts';
import { oneLine, Transient, waitAsked } from '../library/hub/problems.ts';
import { PATIENCE, retrying, type Patience } from '../library/hub/retry.ts';
import { onAbort } from '../library/hub/pause.ts';
import { answerPart, type AnswerPart } from './engineAnswer.ts';
import type { EngineReply, Send } from './engineApi.ts';
import { requestSlots } from './requestSlots.ts';

/** The engine cannot be reached, or answers nothing of what it is asked: other texts would fare no better. */
export class EngineUnavailableError extends UserError {
  override readonly name = 'EngineUnavailableError';
}

/** Settings of a connection. */
export interface ConnectionOptions {
  readonly send: Send;
  /** Sent to the address alone, and unencrypted only to this machine; null: none. */
  readonly key: string | null;
  /** Requests that are open at once. */
  readonly limit?: number;
  readonly patience?: Patience;
}

/** An engine's address, which is asked in JSON. Every call throws UserError in a sentence with the host, and CancelledError. */
export interface EngineConnection {
  /** Origin and path of the address, without a slash at its end. */
  readonly address: string;
  readonly host: string;
  /** The JSON at a path; null where there is none. */
  readonly get: (path: string, signal: AbortSignal) => Promise<AnswerPart | null>;
  /** `most`: largest answer in bytes. */
  readonly post: (path: string, body: object, signal: AbortSignal, most?: number) => Promise<AnswerPart>;
}

/** Requests open at once where nothing else is set: what an engine on one card reads together. */
export const DEFAULT_LIMIT = 8;
/** An engine is there or is not: it is waited for some seconds, or as long as it asks for. */
const ENGINE_PATIENCE: Patience = { ...PATIENCE, attempts: 4, firstMs: 500, longestMs: 4000 };
/** Largest answer that is not about a text. */
const SMALL_ANSWER = 8 * 1024 * 1024;
/** Most characters of an engine's own words. */
const SAID = 300;
const MOST_REDIRECTS = 4;
/** Answers of a server that is loading or too busy. 500 is not among them: a request that broke it once would do so again. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);
const MISSING: ReadonlySet<number> = new Set([404, 405, 501]);

/** The address that a user typed, as `address` of a connection. Throws UserError for what is none. */
export function engineAddress(text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  const plain = url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!plain || !/^https?:$/.test(url.protocol))
    throw new UserError(msg`${text} is not the address of an engine, such as http://localhost:8000.`);
  return url.href.replace(/\/+$/, '').replace(/\/v1$/, '');
}

/** Whether what is sent to an address can be read by others on the way. */
export function isReadOnTheWay(address: string): boolean {
  return !isPrivate(address);
}

/** A connection to `address`, as `engineAddress` has it. Throws UserError for a key that would be sent unencrypted to another machine. */
export function engineConnection(address: string, options: ConnectionOptions): EngineConnection {
  const { send, key, limit = DEFAULT_LIMIT, patience = ENGINE_PATIENCE } = options;
  const { host } = new URL(address);
  if (key !== null && !isPrivate(address)) throw new UserError(msg`${host} is reached without encryption: the key is not sent there.`);
  if (key !== null && !isToken(key)) throw new UserError(msg`The key for ${host} is not one word.`);
  const slots = requestSlots(limit);
  const authorization = key === null ? {} : { authorization: `Bearer ${key}` };

  const once = async (
    method: 'GET' | 'POST',
    path: string,
    body: object | null,
    most: number,
    signal: AbortSignal,
  ): Promise<EngineReply> => {
    let url = new URL(`${address}${path}`);
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      const headers = {
        accept: 'application/json',
        'user-agent': 'explain-tokens',
        ...(body === null ? {} : { 'content-type': 'application/json' }),
        ...authorization,
      };
      const reply = await send({ method, url, headers, body, mostBytes: most, signal }).catch((error: unknown) => {
        throw error instanceof Transient ? new Transient(unavailable(error.refusal)) : error;
      });
      const location = isRedirect(reply.status) ? headerOf(reply, 'location') : undefined;
      if (location === undefined) return reply;
      const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
      if (next?.origin !== url.origin)
        throw new UserError(
          msg`${host} redirects to ${next?.host ?? location}: nothing was sent there. If that is meant, give its address.`,
        );
      url = next;
    }
    throw new UserError(msg`${host} redirects in a circle.`);
  };
  const asked = async (
    method: 'GET' | 'POST',
    path: string,
    body: object | null,
    most: number,
    until: AbortSignal,
  ): Promise<EngineReply> => {
    if (until.aborted) throw new CancelledError();
    // A signal of its own: what waits and sends each listens to it.
    const own = new AbortController();
    const off = onAbort(until, () => own.abort());
    const { signal } = own;
    try {
      return await retrying(
        () =>
          slots.use(signal, async () => {
            const reply = await once(method, path, body, most, signal);
            if (!TRANSIENT.has(reply.status)) return reply;
            const waitMs = waitAsked(reply.headers);
            if (waitMs !== undefined && waitMs <= patience.longestAskedMs) slots.hold(waitMs);
            throw new Transient(problemOf(host, reply, key !== null), waitMs);
          }),
        { patience, signal },
      );
    } finally {
      off();
    }
  };
  return {
    address,
    host,
    get: async (path, signal) => {
      const reply = await asked('GET', path, null, SMALL_ANSWER, signal);
      if (MISSING.has(reply.status)) return null;
      if (reply.status !== 200) throw problemOf(host, reply, key !== null);
      const text = textOf(host, reply);
      // A page, or a greeting: something else lives there.
      return /^\s*[[{]/.test(text) ? jsonOf(host, text) : null;
    },
    post: async (path, body, signal, most = SMALL_ANSWER) => {
      const reply = await asked('POST', path, body, most, signal);
      if (signal.aborted) throw new CancelledError();
      if (reply.status !== 200) throw problemOf(host, reply, key !== null);
      return jsonOf(host, textOf(host, reply));
    },
  };
}

function unavailable({ said, message }: UserError): EngineUnavailableError {
  return new EngineUnavailableError(said ?? message);
}

function problemOf(host: string, reply: EngineReply, hasKey: boolean): UserError {
  const { status } = reply;
  if (status === 429) return new EngineUnavailableError(msg`${host} has too many requests from here: try again later.`);
  if (status === 401 || status === 403)
    return new EngineUnavailableError(
      hasKey
        ? msg`${host} does not take the key (${status}): set another one.`
        : msg`${host} wants a key (${status}): set the one for this address.`,
    );
  const said = saidIn(reply);
  if (status >= 400 && status < 500 && said !== '') return new UserError(msg`${host} refuses the request (${status}): ${said}`);
  return new UserError(said === '' ? msg`${host} answers with error ${status}.` : msg`${host} answers with error ${status}: ${said}`);
}

/** What an error's body says: `error.message`, `error`, `message` or `detail`, as engines write it; empty where it is no such JSON. */
function saidIn({ body }: EngineReply): string {
  try {
    const json = answerPart('', JSON.parse(new TextDecoder().decode(body)));
    for (const path of [['error', 'message'], ['error'], ['message'], ['detail']]) {
      const found = json.at(...path).value;
      if (typeof found === 'string') return oneLine(found, SAID);
    }
  } catch {
    // A page of a proxy: its status says enough.
  }
  return '';
}

function headerOf({ headers }: EngineReply, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function textOf(host: string, { body }: EngineReply): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw new UserError(msg`The answer of ${host} is not UTF-8 text.`, { cause: error });
  }
}

function jsonOf(host: string, text: string): AnswerPart {
  try {
    return answerPart(host, JSON.parse(text));
  } catch (error) {
    throw new UserError(msg`The answer of ${host} is cut off, or no JSON.`, { cause: error });
  }
}

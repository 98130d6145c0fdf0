import type { Translate } from '../core/translatable.ts';
import { openResponse, readBody } from '../library/hub/http.ts';
import type { Send } from './engineApi.ts';

/** Time without a byte after which an engine counts as gone: a long prompt on a busy engine is silent for minutes. */
const IDLE_MS = 600_000;

let last: Promise<unknown> = Promise.resolve();

/**
 * A turn of the event loop of its own: many large requests that are sent together, or answers that arrive together, would else be written
 * or read with nothing else between them.
 */
function ownTurn(): Promise<unknown> {
  last = last.then(() => new Promise((resolve) => void setImmediate(resolve)));
  return last;
}

/** Sends requests through Node's http and https, which VS Code's proxy settings and certificates apply to. */
export function nodeSend(t: Translate, idleMs = IDLE_MS): Send {
  return async ({ method, url, headers, body, mostBytes, signal }) => {
    const options = { signal, idleMs, t };
    if (body !== null) await ownTurn();
    const json = body === null ? null : JSON.stringify(body);
    const response = await openResponse(url, { method, headers: { 'accept-encoding': 'identity', ...headers }, body: json }, options);
    const bytes = await readBody({ body: response }, mostBytes, idleMs, url.host, options);
    await ownTurn();
    return { status: response.statusCode ?? 0, headers: response.headers, body: bytes };
  };
}

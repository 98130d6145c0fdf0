import { CancelledError } from '../src/core/errors.ts';
import type { HostMessage, PanelMessage, PersistedState } from '../src/protocol/messages.ts';
import { answersKept, type PageQueryName, type Query, type QueryArgs, type QueryResult } from '../src/protocol/queries.ts';

/** API that VS Code hands to a webview's page, once. */
export interface VsCodeApi {
  postMessage(message: PanelMessage): void;
  getState(): unknown;
  setState(state: PersistedState): void;
}

/** Channel from the page to the extension host. */
export interface Host {
  post(message: PanelMessage): void;
  /**
   * Asks the model about the explanation shown. A newer query in the same slot, or a newer explanation, drops the older one: its promise
   * rejects with CancelledError, and an answer that still arrives is ignored. Recent answers are kept, so asking again is free. `side`: the
   * query is about the second side of the comparison.
   */
  query<Name extends PageQueryName>(slot: string, name: Name, args: QueryArgs<Name>, side?: 'second'): Promise<QueryResult<Name>>;
  /** Drops the query of a slot that is still unanswered: its promise rejects with CancelledError. */
  drop(slot: string): void;
  /** Handles the messages that concern queries: replies, and new explanations and comparisons. */
  receive(message: HostMessage): void;
}

interface Pending {
  readonly slot: string;
  readonly key: string;
  readonly resolve: (result: QueryResult<PageQueryName>) => void;
  readonly reject: (error: Error) => void;
}

/** Suffix of the keys of queries about the second side; other keys end with the brace of their arguments. */
const SECOND = 'second';

/** Creates the page's channel to the extension host. */
export function createHost(api: Pick<VsCodeApi, 'postMessage'>): Host {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- VS Code's own channel: it has no origins.
  const post = (message: PanelMessage): void => api.postMessage(message);
  const pending = new Map<number, Pending>();
  const answers = new Map<string, QueryResult<PageQueryName>>();
  let lastId = 0;
  let serial = 0;

  const drop = (id: number, tell: boolean): void => {
    const dropped = pending.get(id);
    pending.delete(id);
    if (dropped === undefined) return;
    if (tell) post({ type: 'dropQuery', id });
    dropped.reject(new CancelledError());
  };
  const keep = (key: string, result: QueryResult<PageQueryName>): void => {
    const kind = key.slice(0, key.indexOf('{'));
    answers.delete(key);
    answers.set(key, result);
    const same = [...answers.keys()].filter((other) => other.startsWith(`${kind}{`));
    for (const old of same.slice(0, Math.max(0, same.length - answersKept(kind as PageQueryName)))) answers.delete(old);
  };

  return {
    post,
    query: <Name extends PageQueryName>(slot: string, name: Name, args: QueryArgs<Name>, side?: 'second') => {
      const key = name + JSON.stringify(args) + (side ?? '');
      for (const [id, other] of pending) if (other.slot === slot && other.key !== key) drop(id, true);
      const same = [...pending].find(([, other]) => other.key === key);
      if (same !== undefined) {
        // Asked ahead of time, or elsewhere in the page: one answer serves both.
        const [id, other] = same;
        return new Promise<QueryResult<Name>>((resolve, reject) => {
          pending.set(id, {
            slot,
            key,
            resolve: (result) => (other.resolve(result), resolve(result)),
            reject: (error) => (other.reject(error), reject(error)),
          });
        });
      }
      const known = answers.get(key);
      if (known !== undefined) {
        keep(key, known);
        return Promise.resolve(known as QueryResult<Name>);
      }
      const id = ++lastId;
      return new Promise<QueryResult<Name>>((resolve, reject) => {
        pending.set(id, { slot, key, resolve, reject });
        post({ type: 'query', id, serial, query: { name, args } as Query, ...(side === undefined ? {} : { side }) });
      });
    },
    drop: (slot) => {
      for (const [id, other] of pending) if (other.slot === slot) drop(id, true);
    },
    receive: (message) => {
      if (message.type === 'explanation') {
        serial = message.shown.serial;
        answers.clear();
        for (const id of pending.keys()) drop(id, false);
      } else if (message.type === 'comparison') {
        // Answers about the previous second side.
        for (const key of answers.keys()) if (key.endsWith(SECOND)) answers.delete(key);
        for (const [id, { key }] of pending) if (key.endsWith(SECOND)) drop(id, true);
      } else if (message.type === 'reply') {
        const asked = pending.get(message.id);
        if (asked === undefined || message.serial !== serial) return;
        pending.delete(message.id);
        keep(asked.key, message.result);
        asked.resolve(message.result);
      } else if (message.type === 'replyError') {
        const asked = pending.get(message.id);
        pending.delete(message.id);
        asked?.reject(new Error(message.message));
      }
    },
  };
}

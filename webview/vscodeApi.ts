import { CancelledError } from '../src/core/errors.ts';
import type { HostMessage, PanelMessage, PersistedState, Query, QueryArgs, QueryName, QueryResult } from '../src/protocol/messages.ts';

/** What VS Code gives a webview's page, once. */
export interface VsCodeApi {
  postMessage(message: PanelMessage): void;
  getState(): unknown;
  setState(state: PersistedState): void;
}

/** The page's line to the extension. */
export interface Host {
  post(message: PanelMessage): void;
  /**
   * Asks the model about the explanation now shown. A newer question in the same slot, or a newer explanation, drops the
   * older one: its promise rejects with CancelledError and its answer, should it still come, is ignored. Recent answers
   * are kept, so asking again is free. With `side` the question is about the comparison's second side.
   */
  query<Name extends QueryName>(slot: string, name: Name, args: QueryArgs<Name>, side?: 'second'): Promise<QueryResult<Name>>;
  /** Takes replies out of the stream of messages. */
  receive(message: HostMessage): void;
}

interface Pending {
  readonly slot: string;
  readonly key: string;
  readonly resolve: (result: QueryResult<QueryName>) => void;
  readonly reject: (error: Error) => void;
}

/** Answers kept per kind of question: what a user steps back to. Maps and distributions are large, the rest small. */
const KEPT: Readonly<Record<QueryName, number>> = {
  attention: 12, attentionPicture: 24, attentionRow: 256, attentionCell: 64, experts: 64, latent: 256, projection: 512, lens: 512, distribution: 8,
  forwardPath: 24, weightedSum: 256, positions: 24,
  readText: 32, words: 256, neighbours: 256, vectorMap: 64, lensTop: 512, similarity: 8, wordByLayer: 64,
  step: 4, steps: 2, textOf: 64,
};

/** How keys of questions about the second side end; others end with their arguments' brace. */
const SECOND = 'second';

export function createHost(api: Pick<VsCodeApi, 'postMessage'>): Host {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- VS Code's own channel: it has no origins.
  const post = (message: PanelMessage): void => api.postMessage(message);
  const pending = new Map<number, Pending>();
  const answers = new Map<string, QueryResult<QueryName>>();
  let lastId = 0;
  let serial = 0;

  const drop = (id: number, tell: boolean): void => {
    const dropped = pending.get(id);
    pending.delete(id);
    if (dropped === undefined) return;
    if (tell) post({ type: 'dropQuery', id });
    dropped.reject(new CancelledError());
  };
  const keep = (key: string, result: QueryResult<QueryName>): void => {
    const kind = key.slice(0, key.indexOf('{'));
    answers.delete(key);
    answers.set(key, result);
    const same = [...answers.keys()].filter((other) => other.startsWith(`${kind}{`));
    for (const old of same.slice(0, Math.max(0, same.length - (KEPT[kind as QueryName] ?? 0)))) answers.delete(old);
  };

  return {
    post,
    query: <Name extends QueryName>(slot: string, name: Name, args: QueryArgs<Name>, side?: 'second') => {
      const key = name + JSON.stringify(args) + (side ?? '');
      for (const [id, other] of pending) if (other.slot === slot && other.key !== key) drop(id, true);
      const same = [...pending].find(([, other]) => other.key === key);
      if (same !== undefined) {
        // Asked ahead, or in another place: one answer serves both.
        const [id, other] = same;
        return new Promise<QueryResult<Name>>((resolve, reject) => {
          pending.set(id, {
            slot, key,
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
        post({ type: 'query', id, serial, query: { name, ...args } as Query, ...(side === undefined ? {} : { side }) });
      });
    },
    receive: (message) => {
      if (message.type === 'explanation') {
        serial = message.shown.serial;
        answers.clear();
        for (const id of pending.keys()) drop(id, false);
      } else if (message.type === 'comparison') {
        // Answers about the second side before this one.
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

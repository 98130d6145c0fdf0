import { CancelledError, NoMemoryError, RuntimeFailedError, UserError, messageOf } from '../core/errors.ts';
import { buffersMoved, withOwnedArrays } from '../core/ownedArrays.ts';
import type { Translatable } from '../core/translatable.ts';
import type { Remote } from './workerApi.ts';
import type { CallContext, Progress } from '../core/progress.ts';
import { messagesHeard } from '../core/turns.ts';

/** One end of a channel to another thread or process. */
export interface Port {
  /** Sends a copy of a message; buffers in `transfer` are moved where the channel supports it. */
  readonly post: (message: unknown, transfer?: readonly ArrayBuffer[]) => void;
  /** Adds a listener for messages from the other end. */
  readonly onMessage: (listener: (message: unknown) => void) => void;
  /** Adds a listener for the permanent loss of the other end. It is never called after `terminate`. */
  readonly onFailure: (listener: (error: Error) => void) => void;
  /** Ends the other side immediately, even in the middle of a computation. */
  readonly terminate: () => Promise<void>;
}

/** The other side ended unexpectedly. */
export class WorkerEndedError extends Error {
  override readonly name = 'WorkerEndedError';
  /** The exit code, signal or other cause, in a few words. */
  readonly reason: string;
  /** Whether it ended in a way in which a process without memory ends. */
  readonly lacksMemory: boolean;

  constructor(reason: string, lacksMemory = false) {
    super(`The model worker stopped unexpectedly (${reason}).`);
    this.reason = reason;
    this.lacksMemory = lacksMemory;
  }
}

/** The functions that serve the calls of `Remote<Api>`; each receives its context as the first argument. */
export type Implementation<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Result
    ? (context: CallContext, ...args: Args) => Promise<Awaited<Result>>
    : never;
};

interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Asks a call to stop at its next checkpoint. */
interface Cancel {
  readonly cancel: number;
}

interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly isUser: boolean;
  readonly said: Translatable | undefined;
}

type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: WireError }
  | { readonly id: number; readonly progress: Progress };

/** Answers the calls that arrive at a port. A call whose name is not a method of `implementation` is rejected. */
export function serve<Api>(port: Port, implementation: Implementation<Api>): void {
  const methods = implementation as Readonly<Record<string, unknown>>;
  /** Ids of running calls that were cancelled. */
  const cancelled = new Set<number>();
  const running = new Set<number>();
  const answer = async ({ id, name, args }: Call): Promise<void> => {
    running.add(id);
    const checkpoint = async (): Promise<void> => {
      await messagesHeard();
      if (cancelled.has(id)) throw new CancelledError();
    };
    const progress = (done: Progress): Promise<void> => {
      port.post({ id, progress: done } satisfies Answer);
      return checkpoint();
    };
    try {
      const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
      if (typeof method !== 'function') throw new Error(`The model worker has no call named ${name}.`);
      const result: unknown = await method({ progress, checkpoint } satisfies CallContext, ...args);
      port.post({ id, result: withOwnedArrays(result) } satisfies Answer, buffersMoved(result));
    } catch (error) {
      port.post({ id, error: toWire(error) } satisfies Answer);
    } finally {
      running.delete(id);
      cancelled.delete(id);
    }
  };
  port.onMessage((message) => {
    if (isCall(message)) void answer(message);
    else if (isCancel(message) && running.has(message.cancel)) cancelled.add(message.cancel);
  });
}

/** A connection to the side that serves `Api`. */
export interface Connection<Api> {
  /** The calls of the other side. */
  readonly remote: Remote<Api>;
  /** Adds a listener for the progress of every call. Returns a function that removes it. */
  readonly onProgress: (listener: (progress: Progress, call: string) => void) => () => void;
  /** Adds a listener for the loss of the other side, which happens once. Returns a function that removes it. */
  readonly onFailure: (listener: (error: Error) => void) => () => void;
  /** Asks every open call to stop at its next checkpoint. Calls that do are rejected with CancelledError; the other side keeps running. */
  readonly cancel: () => void;
  /** Ends the other side. Open calls are rejected with CancelledError. */
  readonly dispose: () => Promise<void>;
}

interface Pending {
  readonly name: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A connection over a port, whose calls return promises. When the port fails, every open and later call is rejected with its error. */
export function connect<Api>(port: Port): Connection<Api> {
  const pending = new Map<number, Pending>();
  const progressListeners = new Set<(progress: Progress, call: string) => void>();
  const failureListeners = new Set<(error: Error) => void>();
  let nextId = 1;
  let ended: Error | null = null;

  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  port.onMessage((message) => {
    if (!isAnswer(message)) return;
    const call = pending.get(message.id);
    if (call === undefined) return;
    if ('progress' in message) {
      for (const listener of progressListeners) listener(message.progress, call.name);
      return;
    }
    pending.delete(message.id);
    if ('error' in message) call.reject(fromWire(message.error));
    else call.resolve(message.result);
  });
  port.onFailure((error) => {
    if (ended !== null) return;
    end(error);
    for (const listener of failureListeners) listener(error);
  });

  const call = (name: string, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended !== null) return reject(ended);
      const id = nextId++;
      pending.set(id, { name, resolve, reject });
      try {
        port.post({ id, name, args: withOwnedArrays(args) } satisfies Call);
      } catch (error) {
        pending.delete(id);
        reject(error instanceof Error ? error : new Error(messageOf(error)));
      }
    });
  const remote = new Proxy(
    {},
    {
      // Promises resolved with this object look for a `then` method, which must not become a call.
      get: (_, name) => (typeof name === 'string' && name !== 'then' ? (...args: unknown[]) => call(name, args) : undefined),
    },
  );
  return {
    remote: remote as Remote<Api>,
    onProgress: (listener) => subscribe(progressListeners, listener),
    onFailure: (listener) => subscribe(failureListeners, listener),
    cancel: () => {
      for (const id of pending.keys()) port.post({ cancel: id } satisfies Cancel);
    },
    dispose: async () => {
      end(new CancelledError());
      await port.terminate();
    },
  };
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function isCall(message: unknown): message is Call {
  return (
    typeof message === 'object' &&
    message !== null &&
    'id' in message &&
    typeof message.id === 'number' &&
    'name' in message &&
    typeof message.name === 'string' &&
    'args' in message &&
    Array.isArray(message.args)
  );
}

function isCancel(message: unknown): message is Cancel {
  return typeof message === 'object' && message !== null && 'cancel' in message && typeof message.cancel === 'number';
}

function isAnswer(message: unknown): message is Answer {
  return (
    typeof message === 'object' &&
    message !== null &&
    'id' in message &&
    typeof message.id === 'number' &&
    ('result' in message || 'error' in message || 'progress' in message)
  );
}

function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: messageOf(error), stack: undefined, isUser: false, said: undefined };
  const isUser = error instanceof UserError;
  return { name: error.name, message: error.message, stack: stackWithCauses(error), isUser, said: isUser ? error.said : undefined };
}

/** The stacks of an error and its causes, for the log; the runtime's own message is the cause of the error that the user reads. */
function stackWithCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause === undefined
    ? own
    : `${own}\ncaused by ${error.cause instanceof Error ? stackWithCauses(error.cause) : messageOf(error.cause)}`;
}

function fromWire({ name, message, stack, isUser, said }: WireError): Error {
  if (name === 'CancelledError') return new CancelledError();
  const sentence = said ?? message;
  const error =
    name === 'NoMemoryError'
      ? new NoMemoryError(sentence)
      : name === 'RuntimeFailedError'
        ? new RuntimeFailedError(sentence)
        : isUser
          ? new UserError(sentence)
          : Object.assign(new Error(message), { name });
  if (stack !== undefined) error.stack = stack;
  return error;
}

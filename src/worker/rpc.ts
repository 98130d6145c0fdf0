import { CancelledError, NoMemoryError, UserError, messageOf } from '../core/errors.ts';
import type { Translatable } from '../core/translatable.ts';
import type { Progress, Remote } from './api.ts';

/** One end of a channel to another thread or process. */
export interface Port {
  /** `transfer` moves buffers where the channel can; elsewhere they are copied. */
  readonly post: (message: unknown, transfer?: readonly ArrayBuffer[]) => void;
  readonly onMessage: (listener: (message: unknown) => void) => void;
  /** The other end is gone for good. Never called after `terminate`. */
  readonly onFailure: (listener: (error: Error) => void) => void;
  /** Ends the other side at once, whatever it is doing. */
  readonly terminate: () => Promise<void>;
}

/** What a call may use while it runs. */
export interface CallContext {
  readonly progress: (progress: Progress) => void;
}

/** The other side of `Remote<Api>`: every call gets its context first. */
export type Implementation<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Result ? (context: CallContext, ...args: Args) => Promise<Awaited<Result>> : never;
};

interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
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

/** Answers the calls that arrive at the port. A name that is not a method of `implementation` is refused. */
export function serve<Api>(port: Port, implementation: Implementation<Api>): void {
  const methods = implementation as Readonly<Record<string, unknown>>;
  port.onMessage((message) => {
    if (isCall(message)) void answer(port, methods, message);
  });
}

async function answer(port: Port, methods: Readonly<Record<string, unknown>>, { id, name, args }: Call): Promise<void> {
  try {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (typeof method !== 'function') throw new Error(`The model worker has no call named ${name}.`);
    const context: CallContext = { progress: (progress) => port.post({ id, progress } satisfies Answer) };
    const result: unknown = await method(context, ...args);
    port.post({ id, result } satisfies Answer, buffersOf(result));
  } catch (error) {
    port.post({ id, error: toWire(error) } satisfies Answer);
  }
}

/** A connection to the side that serves `Api`. */
export interface Connection<Api> {
  readonly remote: Remote<Api>;
  /** Called with the progress of any call. Returns what stops it. */
  readonly onProgress: (listener: (progress: Progress, call: string) => void) => () => void;
  /** Called once when the other side is lost. Returns what stops it. */
  readonly onFailure: (listener: (error: Error) => void) => () => void;
  /** Ends the other side; calls still open are rejected with CancelledError. */
  readonly dispose: () => Promise<void>;
}

interface Pending {
  readonly name: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Calls over a port as promises. When the port fails, every open and later call is rejected with its error. */
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
        port.post({ id, name, args } satisfies Call);
      } catch (error) {
        pending.delete(id);
        reject(error instanceof Error ? error : new Error(messageOf(error)));
      }
    });
  const remote = new Proxy({}, {
    // A connection is passed through promises, which ask every object whether it is one.
    get: (_, name) => (typeof name === 'string' && name !== 'then' ? (...args: unknown[]) => call(name, args) : undefined),
  });
  return {
    remote: remote as Remote<Api>,
    onProgress: (listener) => subscribe(progressListeners, listener),
    onFailure: (listener) => subscribe(failureListeners, listener),
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
  return typeof message === 'object' && message !== null && 'id' in message && typeof message.id === 'number' && 'name' in message && typeof message.name === 'string' && 'args' in message && Array.isArray(message.args);
}

function isAnswer(message: unknown): message is Answer {
  return typeof message === 'object' && message !== null && 'id' in message && typeof message.id === 'number' && ('result' in message || 'error' in message || 'progress' in message);
}

/** Buffers of the result's own arrays. A view of a larger buffer is copied instead: its buffer may hold what is still needed. */
function buffersOf(result: unknown): ArrayBuffer[] {
  if (typeof result !== 'object' || result === null) return [];
  const buffers = new Set<ArrayBuffer>();
  for (const value of Object.values(result)) {
    if (ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) buffers.add(value.buffer);
  }
  return [...buffers];
}

function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: messageOf(error), stack: undefined, isUser: false, said: undefined };
  const isUser = error instanceof UserError;
  return { name: error.name, message: error.message, stack: error.stack, isUser, said: isUser ? error.said : undefined };
}

function fromWire({ name, message, stack, isUser, said }: WireError): Error {
  if (name === 'CancelledError') return new CancelledError();
  const sentence = said ?? message;
  const error = name === 'NoMemoryError' ? new NoMemoryError(sentence) : isUser ? new UserError(sentence) : Object.assign(new Error(message), { name });
  if (stack !== undefined) error.stack = stack;
  return error;
}

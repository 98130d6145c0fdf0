import { english, translated, type Translatable, type Translate } from './translatable.ts';

/**
 * A failure the user can act on: its message is one sentence that names the file or option at fault.
 * Anything else that is thrown is a defect of ours and is shown as "unexpected", with the log.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  /** The message in translatable form; undefined where `message` is in the user's language already. */
  readonly said: Translatable | undefined;

  constructor(sentence: string | Translatable, options?: ErrorOptions) {
    super(typeof sentence === 'string' ? sentence : translated(sentence, english), options);
    this.said = typeof sentence === 'string' ? undefined : sentence;
  }
}

/** A model needs more memory than is free: another model, or another runtime, may fit. */
export class NoMemoryError extends UserError {
  override readonly name = 'NoMemoryError';
}

/**
 * The runtime failed during a computation: its state cannot be relied on, and its process is replaced. The runtime's own message
 * is the `cause`.
 */
export class RuntimeFailedError extends UserError {
  override readonly name = 'RuntimeFailedError';
}

/** The user, or a newer request, stopped the work. Never shown as an error. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
  constructor() {
    super('The request was cancelled.');
  }
}

/** The message of anything thrown, for logs and sentences. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The sentence of an error in the user's language. */
export function userSentence({ said, message }: UserError, translate: Translate): string {
  return said === undefined ? message : translated(said, translate);
}

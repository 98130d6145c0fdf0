import { messageOf, userSentence, UserError } from '../core/errors.ts';
import { inertLog, inertSentence, type Inert } from '../core/inertText.ts';
import { PROVIDER_NAMES } from '../core/runtimeChoice.ts';
import type { ModelInfo } from '../core/trace.ts';
import { english, translated } from '../core/translatable.ts';
import { t } from './say.ts';
import { createLog, type LogChannel, showError } from './surfaces.ts';

/** Most characters of one entry, enough for the stacks of an error and its causes. */
const MOST_OF_AN_ENTRY = 20_000;

/** The extension's log, created when first written to. */
export class Log {
  #channel: LogChannel | undefined;

  /** Writes a message. */
  info(message: string): void {
    this.#open().info(inertLog(message, MOST_OF_AN_ENTRY));
  }

  /** Writes an error with its stack and its causes. `doing`: what was being done. */
  error(doing: string, error: unknown): void {
    const lines: string[] = [];
    for (let cause: unknown = error; cause !== undefined && lines.length < 8; cause = cause instanceof Error ? cause.cause : undefined) {
      lines.push((cause instanceof Error ? cause.stack : undefined) ?? messageOf(cause));
    }
    this.#open().error(inertLog(`${doing}: ${lines.join('\ncaused by ')}`, MOST_OF_AN_ENTRY));
  }

  /** Shows the log, leaving the focus where it is. */
  show(): void {
    this.#open().show(true);
  }

  dispose(): void {
    this.#channel?.dispose();
  }

  #open(): LogChannel {
    this.#channel ??= createLog('Explain Tokens');
    return this.#channel;
  }
}

/** A sentence for the user about anything thrown. */
export function sentenceOf(error: unknown): Inert {
  if (error instanceof UserError) return inertSentence(userSentence(error, t));
  return t('Something unexpected went wrong: {0}', firstLine(messageOf(error)));
}

/** A button by which the user can do something about an error. */
export interface Remedy {
  readonly title: Inert;
  readonly run: () => unknown;
}

/** Shows the user an error in one sentence, with `remedies` and Show Log as buttons. The log gets the details. */
export async function reportError(log: Log, doing: string, error: unknown, remedies: readonly Remedy[] = []): Promise<void> {
  log.error(doing, error);
  const all: readonly Remedy[] = [...remedies, { title: t('Show Log'), run: () => log.show() }];
  const chosen = await showError(sentenceOf(error), ...all.map(({ title }) => title));
  await all.find(({ title }) => title === chosen)?.run();
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').slice(0, 300);
}

/** Logs the runtime of a model that was just opened, and why the native one failed, if it did. */
export function logRuntime(log: Log, { name, runtime, threads, nativeFailure, provider }: ModelInfo): void {
  log.info(`${name} is open: ${runtime === 'native' ? 'native runtime' : 'WebAssembly'}, threads: ${threads}.`);
  if (provider?.kind === 'used')
    log.info(
      `${PROVIDER_NAMES[provider.provider]} computes; its largest difference from the CPU in the self-check: ${provider.difference}.`,
    );
  if (provider?.kind === 'refused') log.info(`${translated(provider.why, english)} ${provider.details}`);
  if (nativeFailure !== undefined) log.info(`The native runtime does not work here. ${nativeFailure}`);
}

import { vscode } from './vscode.ts';
import { messageOf, userSentence, UserError } from '../core/errors.ts';

/** The extension's log, made when first written to. */
export class Log {
  #channel: vscode.LogOutputChannel | undefined;

  info(message: string): void {
    this.#open().info(message);
  }

  /** Writes an error with its stack and all its causes. */
  error(doing: string, error: unknown): void {
    const lines: string[] = [];
    for (let cause: unknown = error; cause !== undefined && lines.length < 8; cause = cause instanceof Error ? cause.cause : undefined) {
      lines.push((cause instanceof Error ? cause.stack : undefined) ?? messageOf(cause));
    }
    this.#open().error(`${doing}: ${lines.join('\ncaused by ')}`);
  }

  show(): void {
    this.#open().show(true);
  }

  dispose(): void {
    this.#channel?.dispose();
  }

  #open(): vscode.LogOutputChannel {
    this.#channel ??= vscode.window.createOutputChannel('Explain Tokens', { log: true });
    return this.#channel;
  }
}

/** One sentence for the user about anything thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof UserError) return userSentence(error, vscode.l10n.t);
  return vscode.l10n.t('Something unexpected went wrong: {0}', firstLine(messageOf(error)));
}

/** What the user may do about an error, by the name of its button. */
export type Remedies = Readonly<Record<string, () => unknown>>;

/** Tells the user of an error, once, in one sentence, with the log and `remedies` at hand. The log gets the rest. */
export async function reportError(log: Log, doing: string, error: unknown, remedies: Remedies = {}): Promise<void> {
  log.error(doing, error);
  const all: Remedies = { ...remedies, [vscode.l10n.t('Show Log')]: () => log.show() };
  const chosen = await vscode.window.showErrorMessage(sentenceOf(error), ...Object.keys(all));
  if (chosen !== undefined) await all[chosen]?.();
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').slice(0, 300);
}

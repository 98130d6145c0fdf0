import { inertly, type Inert } from '../core/inertText.ts';
import { vscode } from './vscode.ts';

/** Formats a sentence in the user's language. Its values are untrusted, so the result is inert. */
export const t = inertly((text, ...values) => vscode.l10n.t(text, ...values));

/** A number of tokens: 1 token, 16,384 tokens. `atLeast`: there may be more. */
export function tokensText(count: number, atLeast = false): Inert {
  return count === 1 && !atLeast ? t('1 token') : t('{0} tokens', `${atLeast ? '≥ ' : ''}${count.toLocaleString(vscode.env.language)}`);
}

import { inertly } from '../core/inertText.ts';
import { vscode } from './vscode.ts';

/** Formats a sentence in the user's language. Its values are untrusted, so the result is inert. */
export const t = inertly((text, ...values) => vscode.l10n.t(text, ...values));

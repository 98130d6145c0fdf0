import { english, type Translate } from './translatable.ts';
import { shortened, visibleControls } from './visibleText.ts';

declare const inertMark: unique symbol;

/**
 * Text that VS Code only displays: it has no link, no icon, no control or format character, and a bounded length. Text from models,
 * files, hubs and documents becomes `Inert` in this file alone, so a function that takes an `Inert` cannot be given raw text by mistake.
 */
export type Inert = string & { readonly [inertMark]: true };

/** Formats one of our sentences with values. The values are untrusted, so the result is made inert. */
export type Say = (text: string, ...values: (string | number)[]) => Inert;

/** Most characters (code points) of an untrusted value that are shown; an ellipsis replaces the rest. */
const MOST_OF_A_VALUE = 500;
/** The same limit for a whole sentence. */
const MOST_OF_A_SENTENCE = 1500;

/** `text` on one line without anything that VS Code would interpret; invisible characters are made visible, as in tokens. */
export function inert(text: string, most = MOST_OF_A_VALUE): Inert {
  // No character takes more than two units, so nothing that would be shown is cut off here.
  const line = text
    .slice(0, 2 * most + 2)
    .replaceAll(/\s*[\n\r\u0085\u2028\u2029]\s*/g, ' ')
    .replaceAll('\t', ' ');
  return withoutMarks(shortened(withoutMarks(visibleControls(line)), most));
}

/** Inert texts with `separator` between them; they make neither a link nor an icon together. */
export function joined(texts: readonly Inert[], separator: ' ' | ', ' | ' · ' | '\n'): Inert {
  return withoutMarks(texts.join(separator));
}

/** A text after one of VS Code's own icons, for the places that draw icons. */
export function withIcon(icon: string, text: Inert): Inert {
  if (!/^[a-z~-]+$/.test(icon)) throw new Error(`${icon} names no icon.`);
  return `$(${icon}) ${text}` as Inert;
}

/** Wraps a translation function so that its sentences are inert, whatever values they hold. */
export function inertly(translate: Translate): Say {
  return (text, ...values) => inertSentence(translate(text, ...values.map((value) => (typeof value === 'string' ? inert(value) : value))));
}

/** A whole sentence that was composed elsewhere, made inert. */
export function inertSentence(text: string): Inert {
  return inert(text, MOST_OF_A_SENTENCE);
}

/** Formats sentences in English. */
export const inertEnglish: Say = inertly(english);

/**
 * A text of several lines for a log, which VS Code shows in an editor: that turns addresses into links, so they are taken apart.
 */
export function inertLog(text: string, most: number): Inert {
  const apart = text.slice(0, 2 * most).replaceAll(/(https?|file|command|vscode[\w-]*):(?=\S)/gi, '$1: ');
  const lines = apart.split(/\r?\n/).map((line) => inert(line, most));
  return shortened(lines.join('\n'), most) as Inert;
}

/**
 * A link in a sentence is `[label](address)`, in notifications too, and an icon `$(name)`. Both need their two middle characters
 * side by side. (In VS Code: `parseLinkedText` in base/common/linkedText.ts and `renderLabelWithIcons` in base/browser/ui/iconLabel.)
 */
function withoutMarks(text: string): Inert {
  return text.replaceAll('](', '] (').replaceAll('$(', '$ (') as Inert;
}

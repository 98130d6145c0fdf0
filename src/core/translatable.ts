/** Puts values into `{0}`, `{1}`, … of a text in the user's language; `vscode.l10n.t` is one. */
export type Translate = (text: string, ...values: (string | number)[]) => string;

/** A sentence or a part of one that can be said in English here, and in the user's language where that is known. Plain data. */
export interface Translatable {
  /** The English text around the values. */
  readonly parts: readonly string[];
  readonly values: readonly (string | number | Translatable)[];
}

/** Tags the English template of what is said. Its text, with `{0}`, `{1}`, … for the values, is a key of l10n's bundles. */
export function msg(parts: TemplateStringsArray, ...values: Translatable['values']): Translatable {
  return { parts, values };
}

/** What is said, in the language of `translate`. */
export function translated({ parts, values }: Translatable, translate: Translate): string {
  const text = parts.reduce((before, part, i) => `${before}{${i - 1}}${part}`);
  return translate(text, ...values.map((value) => (typeof value === 'object' ? translated(value, translate) : value)));
}

/** Leaves a text in English. */
export const english: Translate = (text, ...values) => text.replaceAll(/\{(\d+)\}/g, (place, index) => String(values[Number(index)] ?? place));

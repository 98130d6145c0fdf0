/** Translates a text with placeholders `{0}`, `{1}`, … and fills in the values, like `vscode.l10n.t`. */
export type Translate = (text: string, ...values: (string | number)[]) => string;

/** A sentence, or part of one, that can be rendered in English or translated later. Plain data. */
export interface Translatable {
  /** The English text around the values. */
  readonly parts: readonly string[];
  readonly values: readonly (string | number | Translatable)[];
}

/** Tag of translatable English templates. The text, with `{0}`, `{1}`, … for the values, is a key of the l10n bundles. */
export function msg(parts: TemplateStringsArray, ...values: Translatable['values']): Translatable {
  return { parts, values };
}

/** The sentence in the language of `translate`. */
export function translated({ parts, values }: Translatable, translate: Translate): string {
  const text = parts.reduce((before, part, i) => `${before}{${i - 1}}${part}`);
  return translate(text, ...values.map((value) => (typeof value === 'object' ? translated(value, translate) : value)));
}

/** The translation to English: fills in the values. */
export const english: Translate = (text, ...values) =>
  text.replaceAll(/\{(\d+)\}/g, (place, index) => String(values[Number(index)] ?? place));

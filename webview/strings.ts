import { withMinusSign } from '../src/core/numberText.ts';

let translations: Readonly<Record<string, string>> = {};

/** Sets the texts of the display language: English text to translation. Without an entry the English text is shown. */
export function setStrings(strings: Readonly<Record<string, string>>): void {
  translations = strings;
}

/** The text in the display language, with {0}, {1}, … replaced by the arguments; negative numbers get a minus sign. */
export function t(english: string, ...args: readonly (string | number)[]): string {
  const text = translations[english] ?? english;
  return text.replace(/\{(\d+)\}/g, (placeholder, index: string) => {
    const argument = args[Number(index)] ?? placeholder;
    return typeof argument === 'number' ? withMinusSign(String(argument)) : argument;
  });
}

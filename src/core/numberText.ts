const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** The text of a number, its hyphens as minus signs (U+2212): −2.5. For what is read; saved and copied numbers keep the hyphen of code. */
export function withMinusSign(text: string): string {
  return text.replaceAll('-', '−');
}

/** A whole number as a superscript: ⁻¹². */
export function raised(exponent: number): string {
  return String(exponent).replace(/[-\d]/g, (sign) => (sign === '-' ? '⁻' : SUPERSCRIPTS.charAt(Number(sign))));
}

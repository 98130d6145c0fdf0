/**
 * The first number in a text of the panel: -1.23e-5 of "−1.23 × 10⁻⁵ logits". NaN where there is none, or where a hyphen stands for the
 * minus sign. Thousands may be set apart as English does.
 */
export function shownNumber(text: string): number {
  const [, sign, digits = 'none'] = /([-+−]?)(\d[\d.,]*(?:e-?\d+)?)/.exec(plainPowers(text)) ?? [];
  if (sign === '-') return Number.NaN;
  return (sign === '−' ? -1 : 1) * Number(digits.replaceAll(',', ''));
}

/** The text with powers of ten such as 1.23 × 10⁻⁵ rewritten as 1.23e-5. */
export function plainPowers(text: string): string {
  return text.replace(
    / × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/g,
    (_, power: string) => `e${power.replace(/./g, (sign) => '-0123456789'.charAt('⁻⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(sign)))}`,
  );
}

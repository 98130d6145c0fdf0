// Numbers as the display language writes them, negative ones with the minus sign (U+2212), and none that is shown as zero. Units are part
// of the text: a bare number is never shown for a measured quantity.

import { raised, withMinusSign } from '../../src/core/numberText.ts';
import { t } from '../strings.ts';

let language = 'en';
const formats = new Map<string, Intl.NumberFormat>();

/** Sets the display language (BCP 47); unknown tags fall back to English. */
export function setLanguage(tag: string): void {
  formats.clear();
  try {
    language = Intl.getCanonicalLocales(tag)[0] ?? 'en';
  } catch {
    language = 'en';
  }
}

/** The display language, for segmenting words and lang attributes. */
export function displayLanguage(): string {
  return language;
}

/** A number with a fixed number of decimals: 3.10. */
export function decimal(value: number, digits: number): string {
  return written(value, `d${digits}`, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A number with its sign and a fixed number of decimals: +0.31, −2.00; what is shown as zero has no sign. */
export function signedDecimal(value: number, digits: number): string {
  if (Number.isNaN(value)) return '–';
  return written(value, `e${digits}`, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: 'exceptZero' });
}

/** Decimals with which the largest number of a column has so many significant digits: 2 for 0.45 and two digits. */
export function columnDecimals(largest: number, digits: number): number {
  return largest > 0 ? Math.min(20, Math.max(0, digits - 1 - Math.floor(Math.log10(largest)))) : digits;
}

/** A whole number with grouping: 16,384. */
export function integer(value: number): string {
  return written(value, 'i', { maximumFractionDigits: 0 });
}

/** A number of tokens: 1 token, 16,384 tokens. */
export function tokensText(count: number): string {
  return count === 1 ? t('1 token') : t('{0} tokens', integer(count));
}

/** What a filter takes away: so many tokens with their share of the probability, and how many tokens it leaves. */
export function removedText({
  dropped,
  removed,
  kept,
}: {
  readonly dropped: number;
  readonly removed: number;
  readonly kept: number;
}): string {
  return dropped === 1
    ? t('1 token, {0} of the mass: {1} left', percent(removed), integer(kept))
    : t('{0} tokens, {1} of the mass: {2} left', integer(dropped), percent(removed), integer(kept));
}

/** A number to `digits` significant digits: 0.00123, −12.3; very small and very large ones as 1.23 × 10⁻⁵. */
export function significant(value: number, digits = 3): string {
  return significantWith(value, digits, 'negative');
}

/** A number with its sign to `digits` significant digits, however small: +0.31, −1.23 × 10⁻⁵; 0 has no sign. */
export function signedSignificant(value: number, digits: number): string {
  return Number.isNaN(value) ? '–' : significantWith(value, digits, 'exceptZero');
}

function significantWith(value: number, digits: number, signDisplay: 'negative' | 'exceptZero'): string {
  const text = (number: number): string => written(number, `s${digits}${signDisplay}`, { maximumSignificantDigits: digits, signDisplay });
  const size = Math.abs(value);
  const scientific = size > 0 && (size < 1e-4 || size >= 1e6) && size < Infinity;
  if (!scientific) return text(value);
  const [mantissa = '', exponent = ''] = value.toExponential(digits - 1).split('e');
  return `${text(Number(mantissa))} × 10${raised(Number(exponent))}`;
}

/** A probability as a percentage with three significant digits: 12.3%, 0.0000863%; below 10⁻⁹ with a power of ten. */
export function percent(probability: number): string {
  if (!Number.isFinite(probability)) return '–';
  if (probability === 0 || probability === 1) return written(probability, 'p', { style: 'percent' });
  if (probability < 1e-9) return `${significant(probability * 100)}%`;
  return written(probability, 'p3', { style: 'percent', minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** A probability in a column: two decimals of a percent, so that decimal points align and rows can be compared: 12.34%, <0.01%. */
export function percentInColumn(probability: number): string {
  if (!Number.isFinite(probability)) return '–';
  const share = (value: number): string => written(value, 'p2', { style: 'percent', minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return probability > 0 && probability < 5e-5 ? `<${share(1e-4)}` : share(probability);
}

/** A cosine: 0.374. */
export function cosineText(value: number): string {
  return Number.isNaN(value) ? '–' : decimal(value, 3);
}

/** Bits with their unit: 3.10 bits. */
export function bits(value: number): string {
  return Number.isFinite(value) ? t('{0} bits', decimal(value, 2)) : '–';
}

/** A count in a few characters, as the display language writes it: 9.4M, 124M, 2,048. */
export function compact(value: number): string {
  if (value < 10_000) return integer(value);
  return written(value, 'c', { notation: 'compact', maximumSignificantDigits: 3 });
}

/** Bytes in the largest decimal unit of which there is at least one: 512 B, 12.3 kB, 1.07 MB. */
export function byteSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const place = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${significant(bytes / 1000 ** place)} ${units[place] ?? 'B'}`;
}

/** A power of ten: 10⁻³; 1 for 10⁰. */
export function powerOfTen(exponent: number): string {
  return exponent === 0 ? '1' : `10${raised(exponent)}`;
}

/** `key`: names the options, whose format is made once. */
function written(value: number, key: string, options: Intl.NumberFormatOptions): string {
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(language, { signDisplay: 'negative', ...options });
    formats.set(key, format);
  }
  return withMinusSign(format.format(value));
}

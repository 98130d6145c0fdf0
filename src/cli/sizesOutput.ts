import type { SizeComparison, SizedReading, SizeFit } from '../core/modelSizes.ts';
import { shortened, visibleControls, visibleText } from '../core/visibleText.ts';

/** A model's name and family. */
export interface NamedSize {
  readonly name: string;
  readonly family: string;
}

type Sized = NamedSize & Pick<SizedReading, 'parameters' | 'tokens'>;

/** Most characters of a span shown in a table. */
const SHOWN = 30;

/** The comparison as JSON: models in the order of their sizes, a span a line. */
export function sizesJson(text: string, models: readonly Sized[], comparison: SizeComparison, fit: SizeFit | null): string {
  const { spans, bytes, bits, bitsPerByte } = comparison;
  const sized = models.map(({ name, family, parameters, tokens }, model) =>
    JSON.stringify({
      name,
      family,
      parameters,
      tokens: tokens.filter(({ special }) => !special).length,
      bits: finite(bits[model]),
      bitsPerByte: finite(bitsPerByte[model]),
      ...(fit === null ? {} : { residual: finite(fit.residuals[model]) }),
    }),
  );
  const rows = spans.map((span) =>
    JSON.stringify({
      start: span.start,
      end: span.end,
      text: text.slice(span.start, span.end),
      bits: Array.from(span.bits, finite),
      tokens: [...span.tokens],
      first: models[span.first]?.name ?? null,
    }),
  );
  const line = fit === null ? null : { factor: fit.factor, exponent: fit.exponent };
  return `{"bytes":${bytes},\n"models":[\n${sized.join(',\n')}\n],\n"fit":${JSON.stringify(line)},\n"spans":[\n${rows.join(',\n')}\n]}\n`;
}

/** The same for people: the models, then each span with the bits of every model and the first that gets it. */
export function sizesTable(text: string, models: readonly Sized[], comparison: SizeComparison, fit: SizeFit | null): string {
  const { spans, bytes, bitsPerByte } = comparison;
  const names = models.map(({ name }) => visibleControls(shortened(name, SHOWN)));
  const head = `${cell('parameters', 14)}${cell('tokens', 8)}${cell('bits/byte', 11)}${fit === null ? '' : cell('residual', 10)}  model\n`;
  const sized = models.map(({ parameters, tokens }, model) => {
    const own = tokens.filter(({ special }) => !special).length;
    const rest = fit === null ? '' : cell(number(fit.residuals[model]), 10);
    return `${cell(parameters, 14)}${cell(own, 8)}${cell(number(bitsPerByte[model]), 11)}${rest}  ${cell(model + 1, 2)} ${names[model]}\n`;
  });
  const line =
    fit === null
      ? ''
      : `bits/byte = ${fit.factor.toPrecision(4)} * parameters ^ ${fit.exponent.toPrecision(4)}, of these models and this text\n`;
  const columns = models.map((_, model) => cell(model + 1, 9)).join('');
  const rows = spans.map(({ start, end, bits, first }) => {
    const [smallest = Number.NaN, largest = Number.NaN] = [bits[0], bits.at(-1)];
    const worse = largest > smallest ? `+${number(largest - smallest)}` : '';
    const values = Array.from(bits, (value) => cell(number(value), 9)).join('');
    const shown = visibleText(shortened(text.slice(start, end), SHOWN));
    return `${values}${cell(first === -1 ? '-' : first + 1, 7)}${cell(worse, 9)}  ${shown}\n`;
  });
  const titles = `${columns}${cell('first', 7)}${cell('worse', 9)}  text\n`;
  return `${bytes} bytes that every model predicted\n${head}${sized.join('')}${line}\n${titles}${rows.join('')}`;
}

function cell(value: number | string, width: number): string {
  return String(value).padStart(width);
}

function number(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(3);
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

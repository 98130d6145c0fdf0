/** The part of the template library's runtime value that is used here: its kind, and its JavaScript value. */
export interface RuntimeValue {
  readonly type: string;
  readonly value: unknown;
  toString(): string;
}

/** Python's `str` of a value. */
export function pythonText(value: RuntimeValue): string {
  switch (value.type) {
    case 'StringValue':
      return String(value.value);
    case 'NullValue':
      return 'None';
    case 'UndefinedValue':
      return '';
    case 'BooleanValue':
      return value.value === true ? 'True' : 'False';
    case 'ArrayValue':
      return `[${itemsOf(value).map(pythonSource).join(', ')}]`;
    case 'TupleValue':
      return `(${itemsOf(value).map(pythonSource).join(', ')}${itemsOf(value).length === 1 ? ',' : ''})`;
    case 'ObjectValue':
    case 'KeywordArgumentsValue':
      return `{${Array.from(value.value as ReadonlyMap<string, RuntimeValue>, entryText).join(', ')}}`;
    default:
      return value.toString();
  }
}

/** An entry of a Python dict's `repr`. */
function entryText([key, value]: readonly [string, RuntimeValue]): string {
  return `${quotedText(key)}: ${pythonSource(value)}`;
}

/** Python's `repr` of a value. */
function pythonSource(value: RuntimeValue): string {
  return value.type === 'StringValue' ? quotedText(String(value.value)) : pythonText(value);
}

function itemsOf({ value }: RuntimeValue): readonly RuntimeValue[] {
  return Array.isArray(value) ? (value as readonly RuntimeValue[]) : [];
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quotedText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replaceAll(/[\\\n\r\t]/g, (letter) => ESCAPES[letter] ?? letter).replaceAll(quote, `\\${quote}`) + quote;
}

const PLACE = /%([-+ 0#]*)(\d*)(?:\.(\d+))?(.)/gs;
/** Largest field width of a number. */
const MAX_WIDTH = 1000;

/** Python's `%` formatting with positional values. Throws Error for unsupported formats. */
export function printf(pattern: string, values: readonly RuntimeValue[]): string {
  let next = 0;
  const written = pattern.replaceAll(PLACE, (_, flags: string, width: string, precision: string | undefined, kind: string) => {
    if (kind === '%') return '%';
    const value = values[next++];
    if (value === undefined) throw new Error('not enough values for a format');
    if (Number(width) > MAX_WIDTH || Number(precision ?? 0) > 100) throw new Error('a format is too wide');
    const text = one(kind, value, precision, flags);
    if (flags.includes('-')) return text.padEnd(Number(width));
    if (!flags.includes('0') || kind === 's' || kind === 'r') return text.padStart(Number(width));
    const sign = /^[-+ ]/.exec(text)?.[0] ?? '';
    return sign + text.slice(sign.length).padStart(Number(width) - sign.length, '0');
  });
  if (next < values.length) throw new Error('too many values for a format');
  return written;
}

function one(kind: string, value: RuntimeValue, precision: string | undefined, flags: string): string {
  if (kind === 's' || kind === 'r') {
    const text = kind === 's' ? pythonText(value) : pythonSource(value);
    return precision === undefined ? text : Array.from(text).slice(0, Number(precision)).join('');
  }
  const number = typeof value.value === 'boolean' ? Number(value.value) : value.value;
  if (typeof number !== 'number') throw new Error(`%${kind} of what is no number`);
  const sign = number >= 0 ? (flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '') : '';
  if (kind === 'd' || kind === 'i' || kind === 'u') return sign + String(Math.trunc(number));
  if (kind === 'f' || kind === 'F') return sign + fixed(number, Number(precision ?? 6));
  throw new Error(`%${kind} is not supported`);
}

/** A number with `digits` decimals; ties round to even, as in Python. */
function fixed(number: number, digits: number): string {
  const scaled = number * 10 ** digits;
  const between = Math.abs(scaled % 1) === 0.5 && scaled / 10 ** digits === number;
  return (between ? (2 * Math.round(scaled / 2)) / 10 ** digits : number).toFixed(digits);
}

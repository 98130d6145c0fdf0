import { Environment, type Template } from '@huggingface/jinja';
import { printf, pythonText, type RuntimeValue } from './jinjaText.ts';

// Jinja2's behaviour that the library lacks, as a rewrite of the parsed template: output, `%`, `~` and some filters become calls of
// functions in the environment, and a loop that is left early continues without effect, as the library would drop the output of its
// last iteration. The functions' names are private-use characters, which no template can write.
const CALLS = {
  text: '\uf8fftext',
  texts: '\uf8fftexts',
  modulo: '\uf8ffmodulo',
  format: '\uf8ffformat',
  least: '\uf8ffleast',
  most: '\uf8ffmost',
  enter: '\uf8ffenter',
  turn: '\uf8ffturn',
  jump: '\uf8ffjump',
  goesOn: '\uf8ffgoesOn',
  done: '\uf8ffdone',
  idle: '\uf8ffidle',
  leave: '\uf8ffleave',
} as const;
type Call = keyof typeof CALLS;

/** The part of a parsed template's node that is used here. */
interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/**
 * Prepares a template for the library: line ends become LF first (`newline_re` of Jinja2's lexer); `+` at a block's edge keeps the
 * white space there, which the library's options would strip.
 */
export function jinjaSource(source: string): string {
  return source
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/\+([%#]\})(\n?)/g, '$1$2$2')
    .replaceAll(/\{([%#])\+/g, "{{ '' }}{$1");
}

/** A parsed template with Jinja2's behaviour, to be run with `jinjaFunctions`. */
export function asJinja(parsed: Template['parsed']): Template['parsed'] {
  return changed(parsed as unknown as Node) as unknown as Template['parsed'];
}

const STATEMENTS: ReadonlySet<string> = new Set([
  'Set',
  'If',
  'For',
  'Macro',
  'Break',
  'Continue',
  'Comment',
  'CallStatement',
  'FilterStatement',
  'StringLiteral',
]);

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function call(name: Call, ...args: readonly unknown[]): Node {
  return { type: 'CallExpression', callee: { type: 'Identifier', value: CALLS[name] }, args };
}

/** A node with all its descendants rewritten. */
function changed(node: Node): Node {
  const fields = Object.entries(node).map(([name, value]): readonly [string, unknown] => [
    name,
    name === 'body' || name === 'alternate' || name === 'defaultBlock' ? block(value as readonly Node[]) : changedValue(value),
  ]);
  const own = { ...Object.fromEntries(fields), type: node.type } as Node;
  if (node.type === 'FilterExpression') return filtered(own);
  const operator = node.type === 'BinaryExpression' && isNode(node['operator']) ? node['operator']['value'] : null;
  if (operator === '%') return call('modulo', own['left'], own['right']);
  if (operator === '~') return { ...own, left: call('text', own['left']), right: call('text', own['right']) };
  return own;
}

function changedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(changedValue);
  if (value instanceof Map)
    return new Map([...(value as ReadonlyMap<unknown, unknown>)].map(([key, own]) => [changedValue(key), changedValue(own)]));
  return isNode(value) ? changed(value) : value;
}

function filtered(node: Node): Node {
  const { operand, filter } = node;
  const [name, args] =
    isNode(filter) && filter.type === 'CallExpression' && isNode(filter['callee'])
      ? [filter['callee']['value'], filter['args'] as readonly unknown[]]
      : [isNode(filter) ? filter['value'] : null, []];
  if (name === 'format') return call('format', operand, ...args);
  if (name === 'join') return { ...node, operand: call('texts', operand) };
  if (args.length > 0) return node;
  return name === 'string'
    ? call('text', operand)
    : name === 'min'
      ? call('least', operand)
      : name === 'max'
        ? call('most', operand)
        : node;
}

/** Rewrites a list of statements: output as Python writes it; a statement that may leave a loop's iteration guards those after it. */
function block(statements: readonly Node[]): readonly Node[] {
  const out: Node[] = [];
  for (const [i, statement] of statements.entries()) {
    const jumps = mayJump(statement);
    if (statement.type === 'Break' || statement.type === 'Continue')
      out.push(call('jump', { type: 'StringLiteral', value: statement.type }));
    else if (statement.type === 'For' && (statement['body'] as readonly Node[]).some(mayJump))
      out.push(call('enter'), ...loop(changed(statement)), call('leave'));
    else out.push(STATEMENTS.has(statement.type) ? changed(statement) : call('text', changed(statement)));
    const rest = jumps ? statements.slice(i + 1) : [];
    if (rest.length > 0) out.push({ type: 'If', test: call('goesOn'), body: block(rest), alternate: [] });
    if (jumps) break;
  }
  return out;
}

/** Rewrites a loop: its `else` runs if no iteration ran to its end, as in Jinja2. */
function loop(node: Node): readonly Node[] {
  const turn: Node = { type: 'If', test: call('turn'), body: [...(node['body'] as readonly Node[]), call('done')], alternate: [] };
  return [
    { ...node, body: [turn], defaultBlock: [] },
    { type: 'If', test: call('idle'), body: node['defaultBlock'], alternate: [] },
  ];
}

function mayJump({ type, ...fields }: Node): boolean {
  if (type === 'Break' || type === 'Continue') return true;
  return type === 'If' && [fields['body'], fields['alternate']].some((statements) => (statements as readonly Node[]).some(mayJump));
}

type Made = new (value: unknown) => RuntimeValue;
type Fn = (args: readonly RuntimeValue[]) => RuntimeValue;

/** Adds the functions that `asJinja` calls to an environment. */
export function jinjaFunctions(environment: Environment): void {
  const classOf = (value: unknown): Made => new Environment().set('value', value).constructor as unknown as Made;
  const [Text, Whole, Float, Flag, List, Function] = ['', 0, 0.5, true, [], (): null => null].map(classOf) as [
    Made,
    Made,
    Made,
    Made,
    Made,
    new (value: Fn) => RuntimeValue,
  ];
  const text = (value: string): RuntimeValue => new Text(value);
  const loops: { broken: boolean; skipped: boolean; done: boolean }[] = [];
  const functions: Readonly<Record<Call, Fn>> = {
    text: ([value]) => (value === undefined || value.type === 'StringValue' ? (value ?? text('')) : text(pythonText(value))),
    texts: ([value]) =>
      value !== undefined && Array.isArray(value.value)
        ? new List((value.value as readonly RuntimeValue[]).map((item) => text(pythonText(item))))
        : (value ?? text('')),
    format: ([pattern, ...values]) => text(printf(pattern === undefined ? '' : pythonText(pattern), values)),
    modulo: ([left, right]) => {
      if (left?.type === 'StringValue')
        return text(
          printf(
            pythonText(left),
            right?.type === 'TupleValue' ? (right.value as readonly RuntimeValue[]) : right === undefined ? [] : [right],
          ),
        );
      const [a, b] = [left?.value, right?.value];
      if (typeof a !== 'number' || typeof b !== 'number' || b === 0) throw new Error('% of what is no number, or by 0');
      const rest = a - b * Math.floor(a / b);
      return left?.type === 'FloatValue' || right?.type === 'FloatValue' ? new Float(rest) : new Whole(rest);
    },
    least: ([list]) => extreme(list, (a, b) => a < b) ?? text(''),
    most: ([list]) => extreme(list, (a, b) => a > b) ?? text(''),
    enter: () => {
      loops.push({ broken: false, skipped: false, done: false });
      return text('');
    },
    turn: () => {
      const own = loops.at(-1);
      if (own !== undefined) own.skipped = false;
      return new Flag(own?.broken === false);
    },
    jump: ([kind]) => {
      const own = loops.at(-1);
      if (own === undefined) throw new Error('break or continue outside a loop');
      own.skipped = true;
      if (kind?.value === 'Break') own.broken = true;
      return text('');
    },
    goesOn: () => new Flag(loops.at(-1)?.skipped === false),
    done: () => {
      const own = loops.at(-1);
      if (own?.skipped === false) own.done = true;
      return text('');
    },
    idle: () => new Flag(loops.at(-1)?.done === false),
    leave: () => {
      loops.pop();
      return text('');
    },
  };
  for (const [name, fn] of Object.entries(functions))
    environment.setVariable(CALLS[name as Call], new Function(fn) as unknown as Parameters<Environment['setVariable']>[1]);
}

/** The first extreme item of a list by the order `before`; case-insensitive, as in Jinja2. */
function extreme(list: RuntimeValue | undefined, before: (a: string | number, b: string | number) => boolean): RuntimeValue | null {
  if (list === undefined || !Array.isArray(list.value)) throw new Error('min and max are of lists');
  const key = ({ value }: RuntimeValue): string | number =>
    typeof value === 'number' ? value : typeof value === 'string' ? value.toLowerCase() : fail();
  return (list.value as readonly RuntimeValue[]).reduce<RuntimeValue | null>(
    (best, item) => (best === null || before(key(item), key(best)) ? item : best),
    null,
  );
}

function fail(): never {
  throw new Error('min and max are of numbers or texts');
}

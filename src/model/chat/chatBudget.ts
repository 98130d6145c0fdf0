import { Interpreter, type Environment } from '@huggingface/jinja';
import { msg } from '../../core/translatable.ts';
import {
  MAX_NESTING,
  TOO_DEEP,
  TOO_MUCH,
  TemplateLimitError,
  addTo,
  factor,
  filterName,
  isText,
  workOf,
  type Measure,
  type Value,
} from './chatMeasure.ts';

/**
 * Most steps of a template: those of the tests take 50 for one message, and the longest known, of 30 kB, has a few thousand nodes.
 */
const MAX_STEPS = 100_000;
/** Deepest recursion, which fits any stack: a condition in a loop in a macro nests about 20 deep, each further `elif` one more. */
const MAX_DEPTH = 400;
/** Most characters and items of a value: real templates have up to 30 kB of their own text, and write a message a few times. */
const MAX_VALUE = 2_000_000;
const MAX_WRITTEN = 32_000_000;
/** Work allowed for each character of the message, such as searching it for a marker of 10 letters. */
const WORK_PER_CHARACTER = 256;
const COPIES_AT_ONCE = 64;
/** Filters that write out the contents of a list; the others only look at its items. */
const WRITING = new Set(['tojson', 'string', 'join']);

type Statement = NonNullable<Parameters<Interpreter['evaluate']>[0]>;
type Parts = Readonly<Record<string, unknown>>;

/**
 * The library's interpreter with limits: steps, depth, output and searches are counted, each before the library spends time or memory
 * on it. `characters`: length of the message, which a template may write more than once.
 */
export class BoundedInterpreter extends Interpreter {
  private steps = 0;
  private depth = 0;
  private written = 0;
  private readonly mostAtOnce: number;
  private readonly mostWritten: number;
  private readonly sizes = new WeakMap<object, number>();
  private readonly bounded = new WeakSet<object>();

  constructor(environment: Environment, characters: number) {
    super(environment);
    this.mostAtOnce = MAX_VALUE + COPIES_AT_ONCE * characters;
    this.mostWritten = MAX_WRITTEN + WORK_PER_CHARACTER * characters;
  }

  override evaluate(statement: Statement | undefined, environment: Environment): Value {
    if (statement instanceof Known) return statement.value;
    if (++this.depth > MAX_DEPTH) throw new TemplateLimitError(TOO_DEEP);
    this.step(1);
    try {
      const value = this.bound(statement, environment);
      this.charge(statement?.type ?? '', value);
      return value;
    } finally {
      // A loop is left by throwing.
      this.depth--;
    }
  }

  /** Evaluates and measures the operands of operations whose result may grow. */
  private bound(statement: Statement | undefined, environment: Environment): Value {
    const parts = statement as unknown as Parts | undefined;
    switch (statement?.type) {
      case 'BinaryExpression': {
        const { value: operator } = (statement as Statement & { readonly operator: { readonly value: string } }).operator;
        if (operator === 'and' || operator === 'or') break;
        const left = this.known(parts?.['left'], environment);
        const right = this.known(parts?.['right'], environment);
        this.work(workOf(operator, left.value, right.value, this.measure(left.value).size, this.measure(right.value).size));
        return super.evaluate(changed(statement, { left, right }), environment);
      }
      case 'FilterExpression': {
        const operand = this.known(parts?.['operand'], environment);
        return this.filtered(statement, operand, parts?.['filter'], environment);
      }
      case 'FilterStatement': {
        const body = new Known(this.evaluate(changed(statement, { type: 'Program' }), environment));
        return this.filtered(changed(statement, { type: 'FilterExpression' }), body, parts?.['filter'], environment);
      }
      case 'MemberExpression': {
        const object = this.known(parts?.['object'], environment);
        const value = super.evaluate(changed(statement, { object }), environment);
        if (value.type === 'FunctionValue' && isText(object.value)) this.boundCall(value, object.value);
        return value;
      }
      case 'Macro':
      case 'CallStatement':
        // The library scans the whole body each time.
        this.step(this.nodes(statement));
        break;
      default:
        break;
    }
    return super.evaluate(statement, environment);
  }

  private filtered(statement: Statement, operand: Known, filter: unknown, environment: Environment): Value {
    const { args } = filter as { readonly args?: readonly Statement[] };
    const known = args?.map((argument) => this.argument(argument, environment));
    const times = known?.reduce((most, argument) => Math.max(most, factor(valueOf(argument))), 1) ?? 1;
    const { size, items } = this.measure(operand.value);
    if (isText(operand.value)) this.atOnce(size * times);
    else if (WRITING.has(filterName(filter))) this.atOnce(size * times * (times > 1 ? MAX_NESTING : 1));
    else this.step(items);
    return super.evaluate(
      changed(statement, { operand, ...(known === undefined ? {} : { filter: changed(filter as Statement, { args: known }) }) }),
      environment,
    );
  }

  /** Evaluates an argument once; its name and kind stay, since some filters require a literal string. */
  private argument(argument: Statement, environment: Environment): Statement {
    const { type } = argument;
    if (type === 'StringLiteral' || type === 'IntegerLiteral') return argument;
    if (type === 'KeywordArgumentExpression')
      return changed(argument, { value: this.known((argument as unknown as Parts)['value'], environment) });
    if (type === 'SpreadExpression' || type === 'KeywordSpreadExpression')
      return changed(argument, { argument: this.known((argument as unknown as Parts)['argument'], environment) });
    return this.known(argument, environment);
  }

  /** Measures calls of a string's methods, such as `replace`. */
  private boundCall(method: Value, text: Value): void {
    if (this.bounded.has(method)) return;
    this.bounded.add(method);
    const call = method.value as (args: Value[], scope: Environment) => Value;
    method.value = (args: Value[], scope: Environment): Value => {
      this.atOnce(this.measure(text).size * args.reduce((most, argument) => Math.max(most, factor(argument)), 1));
      return call(args, scope);
    };
  }

  private known(statement: unknown, environment: Environment): Known {
    return new Known(this.evaluate(statement as Statement | undefined, environment));
  }

  private step(count: number): void {
    this.steps += count;
    if (this.steps > MAX_STEPS) throw new TemplateLimitError(msg`it takes too many steps`);
  }

  /** Counts characters read or written. */
  private work(amount: number): void {
    this.written += amount;
    if (this.written > this.mostWritten) throw new TemplateLimitError(TOO_MUCH);
  }

  /** The same for characters that form a single value. */
  private atOnce(amount: number): void {
    if (amount > this.mostAtOnce) throw new TemplateLimitError(TOO_MUCH);
    this.work(amount);
  }

  private charge(type: string, value: Value): void {
    const { size, items } = this.measure(value);
    if (size > this.mostAtOnce) throw new TemplateLimitError(TOO_MUCH);
    this.step(items);
    // A reference to a string takes no memory.
    if (isText(value) && type !== 'Identifier' && type !== 'MemberExpression' && type !== 'StringLiteral') this.work(size);
  }

  private measure(value: Value): Measure {
    const measure = { size: 0, items: 0 };
    addTo(measure, value, this.mostAtOnce);
    return measure;
  }

  private nodes(statement: Statement): number {
    const known = this.sizes.get(statement);
    if (known !== undefined) return known;
    let count = 0;
    const open: unknown[] = [statement];
    while (open.length > 0) {
      const part = open.pop();
      if (typeof part !== 'object' || part === null) continue;
      count++;
      for (const inner of part instanceof Map ? [...part.keys(), ...part.values()] : Object.values(part)) open.push(inner);
    }
    this.sizes.set(statement, count);
    return count;
  }
}

/** A part of a template whose value is known. */
class Known {
  readonly type = 'Known';
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }
}

function changed(statement: Statement, parts: Parts): Statement {
  return Object.assign(Object.create(Object.getPrototypeOf(statement) as object) as Statement, statement, parts);
}

function valueOf(argument: Statement | Known): unknown {
  return argument instanceof Known ? argument.value : (argument as unknown as Parts)['value'];
}

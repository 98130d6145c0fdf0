import { Environment, Template } from '@huggingface/jinja';
import { UserError, messageOf } from '../../core/errors.ts';
import { msg, type Translatable } from '../../core/translatable.ts';
import { BoundedInterpreter } from './chatBudget.ts';
import { TemplateLimitError } from './chatMeasure.ts';
import { readText, type ModelFiles } from '../formats/modelFiles.ts';
import { readNamedTokens, type NamedTokens } from '../tokenizer/namedTokens.ts';
import { asJinja, jinjaFunctions, jinjaSource } from './jinja.ts';
import { SPACE, characterClass } from '../tokenizer/unicode.ts';

const TEMPLATE_FILE = 'chat_template.jinja';
/** Longest template; the longest known takes 30 kB. */
const MAX_TEMPLATE_CHARACTERS = 256 * 1024;
const MAX_ADDED_CHARACTERS = 1024 * 1024;
const MAX_RANGE = 10_000;
/** Placeholder for the user's message in the template's output; private-use characters, which no template writes. */
const MARK = '\uf8ff\uedca\uf8fe';

/** A user's text rendered by a model's chat template. */
export interface RenderedChat {
  readonly text: string;
  /** UTF-16 offsets of the user's text in `text`. */
  readonly start: number;
  readonly end: number;
  /** UTF-16 units of white space that the template stripped from the start of the user's text (some strip the end too). */
  readonly skipped: number;
}

/** Renders one user message and the start of the model's answer. Throws UserError when the template fails or changes the message. */
export type ChatTemplate = (text: string) => RenderedChat;

/**
 * The chat template of a model's folder, or null: chat_template.jinja, else `chat_template` of tokenizer_config.json
 * (a text, or a list of named ones of which "default" is taken), as `apply_chat_template` of transformers finds it.
 */
export async function readChatTemplate(files: ModelFiles, named?: NamedTokens): Promise<ChatTemplate | null> {
  const { config, special } = named ?? (await readNamedTokens(files));
  const source = (await files.list()).includes(TEMPLATE_FILE)
    ? await readText(files, TEMPLATE_FILE, MAX_TEMPLATE_CHARACTERS)
    : defaultTemplate(config['chat_template']);
  return source === null ? null : chatTemplate(source, Object.fromEntries([...special].map(([name, { content }]) => [name, content])));
}

function defaultTemplate(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return null;
  const named = value.filter(
    (item): item is { name: unknown; template: string } =>
      typeof item === 'object' && item !== null && typeof (item as { template?: unknown }).template === 'string',
  );
  return named.find((item) => item.name === 'default')?.template ?? null;
}

/**
 * The template `source` (Jinja). `tokens`: special tokens by name, such as `bos_token`. It is parsed when a text is first rendered.
 */
export function chatTemplate(source: string, tokens: Readonly<Record<string, string>>): ChatTemplate {
  if (source.length > MAX_TEMPLATE_CHARACTERS) return () => fail(msg`is too large`);
  let template: Template | null = null;
  const render = (content: string): string => {
    try {
      template ??= new Template(jinjaSource(source));
      const variables = { ...tokens, messages: [{ role: 'user', content }], add_generation_prompt: true, tools: null, documents: null };
      const text = run(template, variables, content.length);
      if (text.length <= content.length + MAX_ADDED_CHARACTERS) return text;
    } catch (error) {
      if (error instanceof TemplateLimitError) return fail(msg`does more than a template needs: ${error.reason}`, error);
      // JavaScript's own limits of stack and string length.
      if (error instanceof RangeError) return fail(msg`nests too deeply, or writes too much`, error);
      return fail(msg`cannot be used (${messageOf(error)})`, error);
    }
    return fail(msg`adds too much text`);
  };
  let known: Surroundings | null = null;
  return (text) => {
    known ??= surroundings(render);
    const { before, after, left, right } = known;
    const inJavaScript = left ? (right ? text.trim() : text.trimStart()) : right ? text.trimEnd() : text;
    if (render(text) !== before + inJavaScript + after) fail(msg`changes the text of the message, so no token can be placed`);
    // JavaScript's trim and Python's strip differ in what they count as white space; the reference strips.
    const skipped = left ? text.length - text.replace(LEADING_SPACE, '').length : 0;
    const inner = right ? text.slice(skipped).replace(TRAILING_SPACE, '') : text.slice(skipped);
    return { text: before + inner + after, start: before.length, end: before.length + inner.length, skipped };
  };
}

/** White space as Python's `str.isspace` defines it. */
const PYTHON_SPACE = `[${SPACE}${characterClass('1c-1f')}]+`;
const LEADING_SPACE = new RegExp(`^${PYTHON_SPACE}`, 'u');
const TRAILING_SPACE = new RegExp(`${PYTHON_SPACE}$`, 'u');

/** The text that a template writes around a message, and the sides on which it strips the message. */
interface Surroundings {
  readonly before: string;
  readonly after: string;
  readonly left: boolean;
  readonly right: boolean;
}

function surroundings(render: (content: string) => string): Surroundings {
  const [before, after, ...more] = render(MARK).split(MARK);
  const [spacedBefore, spacedAfter] = render(` ${MARK} `).split(MARK);
  if (before === undefined || after === undefined || more.length > 0) return fail(msg`does not write the message exactly once`);
  return { before, after, left: spacedBefore === before, right: spacedAfter === after };
}

/** The library's `Template.render`, with limits. */
function run(template: Template, variables: Readonly<Record<string, unknown>>, characters: number): string {
  const environment = new Environment();
  const constants = { true: true, True: true, false: false, False: false, none: null, None: null };
  for (const [name, value] of Object.entries({ ...constants, raise_exception: raise, range, strftime_now: strftimeNow, ...variables }))
    environment.set(name, value);
  jinjaFunctions(environment);
  const { value } = new BoundedInterpreter(environment, characters).run(asJinja(template.parsed));
  return typeof value === 'string' ? value : '';
}

function raise(message: string): never {
  throw new Error(message);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Today's date in the format of Python's strftime, in English; some templates tell the model the date. */
function strftimeNow(format: string): string {
  const now = new Date();
  const name = (options: Intl.DateTimeFormatOptions): string => new Intl.DateTimeFormat('en-US', options).format(now);
  const written: Readonly<Record<string, string>> = {
    Y: String(now.getFullYear()),
    m: two(now.getMonth() + 1),
    d: two(now.getDate()),
    B: name({ month: 'long' }),
    b: name({ month: 'short' }),
    A: name({ weekday: 'long' }),
    a: name({ weekday: 'short' }),
    H: two(now.getHours()),
    M: two(now.getMinutes()),
    S: two(now.getSeconds()),
    '%': '%',
  };
  return format.replace(/%(.)/g, (_, letter: string) => written[letter] ?? raise(`the date format %${letter} is not supported`));
}

/** Python's range, of limited length. */
function range(start: number, stop?: number, step = 1): number[] {
  const [first, last] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((last - first) / step));
  if (!(length <= MAX_RANGE)) throw new Error('a range is too long');
  return Array.from({ length }, (_, i) => first + i * step);
}

function fail(reason: Translatable, cause?: unknown): never {
  throw new UserError(msg`The chat template of this model ${reason}.`, { cause });
}

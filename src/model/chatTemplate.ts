import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { UserError, messageOf } from '../core/errors.ts';
import { msg, type Translatable } from '../core/translatable.ts';
import { parseJson, readText, type ModelFiles } from './files.ts';
import { SPACE, characterClass } from './tokenizer/unicode.ts';

const CONFIG_FILE = 'tokenizer_config.json';
const TEMPLATE_FILE = 'chat_template.jinja';
/** tokenizer_config.json of the models with the most added tokens takes 3 MB; the longest known template 30 kB. */
const MAX_CONFIG_BYTES = 16 * 1024 * 1024;
const MAX_TEMPLATE_CHARACTERS = 256 * 1024;
const MAX_ADDED_CHARACTERS = 1024 * 1024;
const MAX_RANGE = 10_000;
const SPECIAL_TOKENS = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const;
/** Stands for the user's message while it is sought in the template's output; private use, so no template writes it. */
const MARK = '\uf8ff\uedca\uf8fe';

/** A user's text as a model's chat template writes it. */
export interface RenderedChat {
  readonly text: string;
  /** UTF-16 offsets in `text` of the user's text. */
  readonly start: number;
  readonly end: number;
  /** UTF-16 units at the start of the user's text that the template left out (white space; some leave it out at the end too). */
  readonly skipped: number;
}

/** Writes one user message and the start of the model's answer. Throws UserError when the template fails or changes the message. */
export type ChatTemplate = (text: string) => RenderedChat;

/**
 * The chat template of a model's folder, or null: chat_template.jinja, else `chat_template` of tokenizer_config.json
 * (a text, or a list of named ones of which "default" is taken), as `apply_chat_template` of transformers finds it.
 */
export async function readChatTemplate(files: ModelFiles): Promise<ChatTemplate | null> {
  const names = await files.list();
  const config = names.includes(CONFIG_FILE) ? parseJson(await readText(files, CONFIG_FILE, MAX_CONFIG_BYTES), CONFIG_FILE) : {};
  if (typeof config !== 'object' || config === null || Array.isArray(config)) throw new UserError(msg`${CONFIG_FILE} is not an object.`);
  const entries = config as Readonly<Record<string, unknown>>;
  const source = names.includes(TEMPLATE_FILE) ? await readText(files, TEMPLATE_FILE, MAX_TEMPLATE_CHARACTERS) : defaultTemplate(entries['chat_template']);
  return source === null ? null : chatTemplate(source, specialTokens(entries));
}

function defaultTemplate(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return null;
  const named = value.filter((item): item is { name: unknown; template: string } => typeof item === 'object' && item !== null && typeof (item as { template?: unknown }).template === 'string');
  return named.find((item) => item.name === 'default')?.template ?? null;
}

function specialTokens(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const name of SPECIAL_TOKENS) {
    const value = config[name];
    const content = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    if (typeof content === 'string') tokens[name] = content;
  }
  return tokens;
}

/** The template `source` (Jinja). `tokens`: what the template may write by name, such as `bos_token`. It is first read when a text is rendered. */
export function chatTemplate(source: string, tokens: Readonly<Record<string, string>>): ChatTemplate {
  if (source.length > MAX_TEMPLATE_CHARACTERS) return () => fail(msg`is too large`);
  let template: Template | null = null;
  const render = (content: string): string => {
    try {
      template ??= new Template(source);
      const variables = { ...tokens, messages: [{ role: 'user', content }], add_generation_prompt: true, tools: null, documents: null };
      const text = run(template, variables);
      if (text.length <= content.length + MAX_ADDED_CHARACTERS) return text;
    } catch (error) {
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
    // What JavaScript trims and what Python strips are not the same white space; the reference strips.
    const skipped = left ? text.length - text.replace(LEADING_SPACE, '').length : 0;
    const inner = right ? text.slice(skipped).replace(TRAILING_SPACE, '') : text.slice(skipped);
    return { text: before + inner + after, start: before.length, end: before.length + inner.length, skipped };
  };
}

/** `str.isspace` of Python. */
const PYTHON_SPACE = `[${SPACE}${characterClass('1c-1f')}]+`;
const LEADING_SPACE = new RegExp(`^${PYTHON_SPACE}`, 'u');
const TRAILING_SPACE = new RegExp(`${PYTHON_SPACE}$`, 'u');

/** What a template writes around a message, and at which sides it strips the message of white space. */
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

/** As the library's `Template.render`, with a range that has an end. */
function run(template: Template, variables: Readonly<Record<string, unknown>>): string {
  const environment = new Environment();
  const constants = { true: true, True: true, false: false, False: false, none: null, None: null };
  for (const [name, value] of Object.entries({ ...constants, raise_exception: raise, range, strftime_now: strftimeNow, ...variables })) environment.set(name, value);
  const { value } = new Interpreter(environment).run(template.parsed);
  return typeof value === 'string' ? value : '';
}

function raise(message: string): never {
  throw new Error(message);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Today as Python's strftime writes it in English; some templates tell the model the date. */
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

/** Python's range, of a length that a template can want. */
function range(start: number, stop?: number, step = 1): number[] {
  const [first, last] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((last - first) / step));
  if (!(length <= MAX_RANGE)) throw new Error('a range is too long');
  return Array.from({ length }, (_, i) => first + i * step);
}

function fail(reason: Translatable, cause?: unknown): never {
  throw new UserError(msg`The chat template of this model ${reason}.`, { cause });
}

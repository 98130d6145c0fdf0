import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ggufBytes, type Typed } from './gguf/write.ts';

// Models in which a stranger has put words that VS Code would act upon, each in another field. The tests of sentences and those of the
// real window use the same list.

/** Folder of the bundled model. */
export const BUNDLED = join(import.meta.dirname, '../../../media/models/explain-tokens-9m');

/** Command that must never run: it deletes the selected text. */
export const MARKER = 'deleteLeft';
/**
 * Hostile words: a link in a notification, a spinning icon, a control character and one that reverses the direction of text; short enough
 * to be quoted in full.
 */
export const WORDS = `[Fix](command:${MARKER})$(sync~spin)\u001b\u202e`;

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A model with the words in one field, in one form. */
export interface Stranger {
  /** File and field, such as `tokenizer.json model.type`. */
  readonly field: string;
  /** `value`: the words are the field's value; `list` and `table`: they are inside such a value; `name`: they are the field's name. */
  readonly as: 'value' | 'list' | 'table' | 'name';
  /** Files that replace the bundled model's, or a single GGUF file. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
}

const readJson = (file: string): Json => JSON.parse(readFileSync(join(BUNDLED, file), 'utf8')) as Json;
/** A tokenizer of a few tokens, since it is opened some hundred times. */
const TOKENIZER: Json = {
  ...(readJson('tokenizer.json') as { [name: string]: Json }),
  model: { type: 'BPE', vocab: { '<|endoftext|>': 0, '<|pad|>': 1, a: 2, b: 3, ab: 4 }, merges: ['a b'] },
};
const SETTINGS = { ...(readJson('tokenizer_config.json') as { [name: string]: Json }), chat_template: "{{ messages[0]['content'] }}" };

/** The unspoiled text files. */
export const TEXTS: Readonly<Record<string, string>> = {
  'config.json': JSON.stringify(readJson('config.json')),
  'tokenizer.json': JSON.stringify(TOKENIZER),
  'tokenizer_config.json': JSON.stringify(SETTINGS),
};

interface Spoiled {
  readonly path: readonly string[];
  readonly as: Stranger['as'];
  readonly json: Json;
}

/**
 * Copies of `value` in which the words replace one of its values or field names, each in turn; only the first entries of long lists and
 * tables.
 */
function* spoiled(value: Json, path: readonly string[] = []): Generator<Spoiled> {
  yield { path, as: 'value', json: WORDS };
  yield { path, as: 'list', json: [WORDS] };
  yield { path, as: 'table', json: { [WORDS]: WORDS } };
  if (Array.isArray(value)) {
    for (const [index, item] of value.slice(0, 2).entries())
      for (const other of spoiled(item, [...path, String(index)])) yield { ...other, json: value.with(index, other.json) };
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value).slice(0, 30)) {
      for (const other of spoiled(item, [...path, name])) yield { ...other, json: { ...value, [name]: other.json } };
      const { [name]: _, ...rest } = value;
      yield { path: [...path, name], as: 'name', json: { ...rest, [WORDS]: item } };
    }
  }
}

/** Models with the words in each field of config.json, tokenizer.json and tokenizer_config.json. */
export function strangeTexts(): readonly Stranger[] {
  return Object.entries(TEXTS).flatMap(([file, text]) =>
    [...spoiled(JSON.parse(text) as Json)].map(({ path, as, json }) => ({
      field: [file, ...(path.length > 0 ? [path.join('.')] : [])].join(' '),
      as,
      files: { ...TEXTS, [file]: JSON.stringify(json) },
    })),
  );
}

/** Models with chat templates that raise the words as an error or contain them as invalid code. */
export function strangeTemplates(): readonly Stranger[] {
  return [
    `{{ raise_exception(${JSON.stringify(WORDS)}) }}`,
    `{% if ${WORDS} %}`,
    `{{ messages | ${WORDS} }}`,
    `{{ undefined_${'x'.repeat(9)}(${JSON.stringify(WORDS)}) }}`,
  ].map((template, index) => ({
    field: `chat_template ${index}`,
    as: 'value',
    files: { ...TEXTS, 'tokenizer_config.json': JSON.stringify({ ...SETTINGS, chat_template: template }) },
  }));
}

const METADATA: Readonly<Record<string, Typed>> = {
  'general.architecture': ['text', 'llama'],
  'general.name': ['text', 'x'],
  'llama.block_count': ['u32', 1],
  'llama.embedding_length': ['u32', 32],
  'llama.feed_forward_length': ['u32', 32],
  'llama.attention.head_count': ['u32', 1],
  'llama.context_length': ['u32', 32],
  'llama.attention.layer_norm_rms_epsilon': ['f32', 1e-5],
  'llama.rope.scaling.type': ['text', 'none'],
  'tokenizer.ggml.model': ['text', 'gpt2'],
  'tokenizer.ggml.pre': ['text', 'gpt-2'],
  'tokenizer.ggml.tokens': ['list', 'text', ['a', 'b']],
  'tokenizer.ggml.token_type': ['list', 'i32', [1, 1]],
  'tokenizer.ggml.merges': ['list', 'text', ['a b']],
  'tokenizer.chat_template': ['text', 'x'],
};

/** Models with the words in each field of a GGUF file: values, keys, tensor names, and the file's own name. */
export function strangeGgufs(): readonly Stranger[] {
  const tensor = { name: 'token_embd.weight', type: 0, shape: [2, 32], bytes: new Uint8Array(256) };
  const one = (field: string, as: Stranger['as'], input: Parameters<typeof ggufBytes>[0], file = 'a.gguf'): Stranger => ({
    field: `GGUF ${field}`,
    as,
    files: { [file]: ggufBytes(input) },
  });
  const twice = [WORDS, ['u8', 1]] as const;
  return [
    ...Object.entries(METADATA).flatMap(([key, value]) => {
      const { [key]: _, ...rest } = METADATA;
      return [
        one(key, 'value', { metadata: { ...METADATA, [key]: ['text', WORDS] }, tensors: [tensor] }),
        one(key, 'list', { metadata: { ...METADATA, [key]: ['list', 'text', [WORDS, WORDS]] }, tensors: [tensor] }),
        one(key, 'name', { metadata: { ...rest, [WORDS]: value }, tensors: [tensor] }),
      ];
    }),
    one('key, twice', 'name', { metadata: [twice, twice] }),
    one('tensor', 'name', { metadata: METADATA, tensors: [{ ...tensor, name: WORDS, type: 99 }] }),
    one('file', 'name', { metadata: METADATA, tensors: [tensor, tensor] }, `${WORDS}.gguf`),
  ];
}

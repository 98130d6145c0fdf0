import { UserError } from '../../core/errors.ts';
import { asArray, asObject, asString, asTokenId, quoted, refuse, type Json } from './json.ts';

/** Ids the tokenizer adds around a text. */
export interface Template {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const NOTHING: Template = { before: [], after: [] };

/** What Llama's and GPT-2's tokenizer classes of transformers take when tokenizer_config.json does not say. */
const CLASS_DEFAULTS: Readonly<Record<string, { readonly bos: string; readonly eos: string }>> = {
  LlamaTokenizer: { bos: '<s>', eos: '</s>' },
  LlamaTokenizerFast: { bos: '<s>', eos: '</s>' },
  GPT2Tokenizer: { bos: '<|endoftext|>', eos: '<|endoftext|>' },
  GPT2TokenizerFast: { bos: '<|endoftext|>', eos: '<|endoftext|>' },
};

/**
 * Ids added around the text, as transformers 5 does when it loads the folder: `add_bos_token` or `add_eos_token` in
 * tokenizer_config.json replace the post-processor of tokenizer.json (`TokenizersBackend.update_post_processor`).
 */
export function readTemplate(postProcessor: unknown, config: Json, idOf: (token: string) => number | undefined, vocab: number): Template {
  if (config['add_bos_token'] === undefined && config['add_eos_token'] === undefined) return readPostProcessor(postProcessor, vocab);
  const ids = (wanted: unknown, key: 'bos' | 'eos'): readonly number[] => {
    const token = wanted === true ? namedToken(config, key) : undefined;
    if (token === undefined) return [];
    const id = idOf(token);
    if (id === undefined) throw new UserError(`tokenizer_config.json: the ${key}_token ${quoted(token)} is not in the vocabulary of tokenizer.json.`);
    return [id];
  };
  return { before: ids(config['add_bos_token'], 'bos'), after: ids(config['add_eos_token'], 'eos') };
}

function namedToken(config: Json, key: 'bos' | 'eos'): string | undefined {
  const value = config[`${key}_token`];
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'content' in value && typeof value.content === 'string') return value.content;
  return value === null ? undefined : CLASS_DEFAULTS[String(config['tokenizer_class'])]?.[key];
}

function readPostProcessor(json: unknown, vocab: number): Template {
  if (json === undefined || json === null) return NOTHING;
  const entry = asObject(json, 'the post-processor');
  switch (entry['type']) {
    case 'ByteLevel':
      return NOTHING;
    case 'Sequence':
      return asArray(entry['processors'], 'the list of post-processors')
        .map((processor) => readPostProcessor(processor, vocab))
        .reduce((inner, outer) => ({ before: [...outer.before, ...inner.before], after: [...inner.after, ...outer.after] }), NOTHING);
    case 'TemplateProcessing':
      return readTemplateProcessing(entry, vocab);
    case 'RobertaProcessing':
    case 'BertProcessing':
      return { before: [pairId(entry['cls'], vocab)], after: [pairId(entry['sep'], vocab)] };
    default:
      return refuse(`the post-processor ${String(entry['type'])} is not supported.`);
  }
}

function readTemplateProcessing(entry: Json, vocab: number): Template {
  const specials = asObject(entry['special_tokens'] ?? {}, 'special_tokens of the post-processor');
  const before: number[] = [];
  const after: number[] = [];
  let seen = false;
  for (const item of asArray(entry['single'], 'the template of the post-processor')) {
    const part = asObject(item, 'a part of the template');
    if (part['Sequence'] !== undefined) {
      if (seen) refuse('the template of the post-processor names the text twice.');
      seen = true;
      continue;
    }
    const name = asString(asObject(part['SpecialToken'], 'a part of the template')['id'], 'a part of the template');
    const ids = asArray(asObject(specials[name], `the special token ${quoted(name)}`)['ids'], `the ids of ${quoted(name)}`);
    (seen ? after : before).push(...ids.map((id) => asTokenId(id, quoted(name), vocab)));
  }
  if (!seen) refuse('the template of the post-processor does not name the text.');
  return { before, after };
}

function pairId(value: unknown, vocab: number): number {
  const pair = asArray(value, 'a token of the post-processor');
  return asTokenId(pair[1], quoted(String(pair[0])), vocab);
}

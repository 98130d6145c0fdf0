import { msg } from '../../core/translatable.ts';
import { asArray, asObject, asString, asTokenId, quoted, refuse, stepsOf, type Json } from './tokenizerJson.ts';

/** Ids the tokenizer adds around a text. */
export interface Template {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Most added tokens; known tokenizers add up to 4. */
const MAX_ADDED = 64;

const NOTHING: Template = { before: [], after: [] };

/**
 * Ids the `post_processor` entry adds around the text. It alone decides, as in transformers 5: next to a tokenizer.json
 * `add_bos_token` and `add_eos_token` of tokenizer_config.json are ignored (`PreTrainedTokenizerBase._from_pretrained`).
 */
export function readTemplate(json: unknown, vocab: number): Template {
  if (json === undefined || json === null) return NOTHING;
  const whole = stepsOf(json, msg`the post-processor`, 'processors', msg`the list of post-processors`)
    .map((entry) => readStep(entry, vocab))
    .reduce((inner, outer) => ({ before: [...outer.before, ...inner.before], after: [...inner.after, ...outer.after] }), NOTHING);
  return bounded(whole);
}

function bounded(template: Template): Template {
  const count = template.before.length + template.after.length;
  return count > MAX_ADDED
    ? refuse(msg`the post-processor adds ${count} tokens to every text, where at most ${MAX_ADDED} make sense.`)
    : template;
}

function readStep(entry: Json, vocab: number): Template {
  switch (entry['type']) {
    case 'ByteLevel':
      return NOTHING;
    case 'TemplateProcessing':
      return readTemplateProcessing(entry, vocab);
    case 'RobertaProcessing':
    case 'BertProcessing':
      return { before: [pairId(entry['cls'], vocab)], after: [pairId(entry['sep'], vocab)] };
    default:
      return refuse(msg`the post-processor ${String(entry['type'])} is not supported.`);
  }
}

function readTemplateProcessing(entry: Json, vocab: number): Template {
  const specials = asObject(entry['special_tokens'] ?? {}, msg`special_tokens of the post-processor`);
  const before: number[] = [];
  const after: number[] = [];
  let seen = false;
  for (const item of asArray(entry['single'], msg`the template of the post-processor`)) {
    const part = asObject(item, msg`a part of the template`);
    if (part['Sequence'] !== undefined) {
      if (seen) refuse(msg`the template of the post-processor names the text twice.`);
      seen = true;
      continue;
    }
    const name = asString(asObject(part['SpecialToken'], msg`a part of the template`)['id'], msg`a part of the template`);
    const ids = asArray(asObject(specials[name], msg`the special token ${quoted(name)}`)['ids'], msg`the ids of ${quoted(name)}`);
    const side = seen ? after : before;
    for (const id of ids) side.push(asTokenId(id, () => quoted(name), vocab));
    bounded({ before, after });
  }
  if (!seen) refuse(msg`the template of the post-processor does not name the text.`);
  return { before, after };
}

function pairId(value: unknown, vocab: number): number {
  const pair = asArray(value, msg`a token of the post-processor`);
  return asTokenId(pair[1], () => quoted(String(pair[0])), vocab);
}

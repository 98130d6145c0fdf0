import type { StoredTensor } from '../formats/storedTensor.ts';
import { options, text, value, type Options } from './config.ts';

/** A kind of model of which a decoder of texts is one part, beside towers for pictures or sounds. */
interface Wrapper {
  /** `model_type` of the decoder where config.json does not name it. */
  readonly text: string;
  /** Whether embedding and unembedding are tied where config.json does not say. */
  readonly tied: boolean;
}

/** Such kinds by `model_type`, with the defaults of transformers' configurations. */
const WRAPPERS: ReadonlyMap<string, Wrapper> = new Map([
  ['gemma3', { text: 'gemma3_text', tied: true }],
  ['gemma3n', { text: 'gemma3n_text', tied: true }],
  ['gemma4', { text: 'gemma4_text', tied: true }],
  ['gemma4_unified', { text: 'gemma4_unified_text', tied: true }],
  ['idefics3', { text: 'llama', tied: false }],
  ['llama4', { text: 'llama4_text', tied: false }],
  ['llava', { text: 'llama', tied: false }],
  ['llava_next', { text: 'llama', tied: false }],
  ['mistral3', { text: 'mistral', tied: true }],
  ['qwen2_5_vl', { text: 'qwen2_5_vl_text', tied: false }],
  ['qwen2_vl', { text: 'qwen2_vl_text', tied: false }],
  ['qwen3_5', { text: 'qwen3_5_text', tied: false }],
  ['qwen3_5_moe', { text: 'qwen3_5_moe_text', tied: false }],
  ['qwen3_vl', { text: 'qwen3_vl_text', tied: false }],
  ['qwen3_vl_moe', { text: 'qwen3_vl_moe_text', tied: false }],
  ['smolvlm', { text: 'llama', tied: false }],
]);

/** Prefixes under which files hold the decoder's tensors; the last is that of a decoder alone, and of Qwen2-VL. */
const PREFIXES = ['model.language_model.', 'language_model.model.', 'model.text_model.', 'language_model.', 'model.'];
const HEADS = ['language_model.lm_head.', 'lm_head.'];

/** The decoder of texts that config.json declares: the whole model, or the part of it that reads texts. */
export interface TextPart {
  /** `model_type` of the decoder; '' where config.json does not name one. */
  readonly family: string;
  /** The decoder's own options. */
  readonly config: Options;
  /** `model_type` of the model that it is a part of; null where it is the whole. */
  readonly whole: string | null;
}

/**
 * The decoder of texts of a parsed config.json. In one of a wrapper, its options are in "text_config", or beside "vision_config";
 * only the wrapper's own "tie_word_embeddings" counts, as in transformers. Throws UserError for what is not a JSON object.
 */
export function textPart(config: unknown): TextPart {
  const from = options(config);
  const name = text(from, 'model_type', '');
  const wrapper = WRAPPERS.get(name);
  if (wrapper === undefined) return { family: name, config: from, whole: null };
  const nested = value(from, 'text_config') ?? null;
  const inner = nested === null ? from : options(nested, 'text_config');
  const named = nested === null ? wrapper.text : text(inner, 'model_type', wrapper.text);
  const tied = value(from, 'tie_word_embeddings') ?? wrapper.tied;
  const ends = value(inner, 'eos_token_id') ?? value(from, 'eos_token_id');
  const values = { ...inner.values, tie_word_embeddings: tied, ...(ends === undefined ? {} : { eos_token_id: ends }) };
  return { family: named, config: { values, path: inner.path }, whole: name };
}

/** The tensors of the decoder of texts under the names that they have in a decoder alone; those of other parts are left out. */
export function textTensors(stored: ReadonlyMap<string, StoredTensor>, { whole }: TextPart): ReadonlyMap<string, StoredTensor> {
  if (whole === null) return stored;
  const names = [...stored.keys()];
  const prefix = PREFIXES.find((start) => stored.has(`${start}embed_tokens.weight`)) ?? 'model.';
  const head = HEADS.find((start) => names.some((name) => name.startsWith(start))) ?? 'lm_head.';
  const own = new Map<string, StoredTensor>();
  for (const [name, tensor] of stored) {
    if (name.startsWith(prefix)) own.set(`model.${name.slice(prefix.length)}`, tensor);
    else if (name.startsWith(head)) own.set(`lm_head.${name.slice(head.length)}`, tensor);
  }
  return own;
}

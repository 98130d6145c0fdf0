import { UserError } from '../../core/errors.ts';
import { quoted } from '../files.ts';
import type { StoredTensor } from '../formats/safetensors.ts';
import { options, refuse, text, value, type Options } from './config.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import type { DecoderSpec } from './spec.ts';
import { tensorsOf, type Tensors } from './tensors.ts';

type Family = (config: Options, tensors: Tensors) => DecoderSpec;

const FAMILIES: ReadonlyMap<string, Family> = new Map([['gpt2', gpt2], ['llama', llama]]);

/** Options of any family that change the numbers and are not supported. */
const UNSUPPORTED = ['quantization_config', 'per_layer_config'];

/** `model_type` of config.json. Throws UserError for one that is not supported. */
export function familyName(config: unknown): string {
  const name = text(options(config), 'model_type', '');
  if (name === '') throw new UserError('config.json does not say what "model_type" the model is.');
  if (!FAMILIES.has(name)) throw new UserError(`config.json: models of type ${quoted(name)} are not supported (${[...FAMILIES.keys()].join(', ')} are).`);
  return name;
}

/**
 * What config.json and the tensors of its files declare, with every option and shape checked.
 * Throws UserError naming the option or tensor at fault.
 */
export function readDecoder(config: unknown, stored: ReadonlyMap<string, StoredTensor>): DecoderSpec {
  const family = FAMILIES.get(familyName(config));
  if (family === undefined) throw new Error('familyName admits only known families.');
  const from = options(config);
  for (const name of UNSUPPORTED) {
    if ((value(from, name) ?? null) !== null) refuse(from, name, 'is set, which is not supported');
  }
  return family(from, tensorsOf(stored));
}

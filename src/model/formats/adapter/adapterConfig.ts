import { UserError } from '../../../core/errors.ts';
import { isRecord } from '../../../core/records.ts';
import { msg } from '../../../core/translatable.ts';
import { ADAPTER_CONFIG } from '../../../core/adapterNames.ts';
import { CONFIG_MAX_BYTES, quoted, readJson, type ModelFiles } from '../modelFiles.ts';

/** What adapter_config.json says of a LoRA adapter. https://huggingface.co/docs/peft/package_reference/lora */
export interface AdapterConfig {
  /** What a matrix's product B A is multiplied with, times its rank or the root of that. */
  readonly alpha: number;
  /** Alpha of modules whose names end with a key. */
  readonly alphas: ReadonlyMap<string, number>;
  /** Whether alpha is divided by the root of the rank rather than by the rank (rsLoRA). */
  readonly rankStabilized: boolean;
  /** Whether matrices of the base model are stored [in, out], as those of GPT-2 are. */
  readonly transposed: boolean;
  /** Whether each row of the sum is scaled to a length that the adapter holds (DoRA). */
  readonly dora: boolean;
}

/** Options that change what is computed, other than to values that leave it. */
const UNSUPPORTED = [
  'layer_replication',
  'alora_invocation_tokens',
  'use_qalora',
  'trainable_token_indices',
  'target_parameters',
  'use_bdlora',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
];
/** Ways to begin that change the base model's weights as well. */
const CHANGES_BASE = /^(?:pissa|olora|corda|loftq|lora_ga)/;
/** Keys of `alpha_pattern` are regular expressions for peft; in practice they are names, and only those are read. */
const NAME = /^\^?[\w.-]+\$?$/;

/** The adapter's base model as adapter_config.json names it: a name on the hub or a path; null where it does not say. */
export async function baseOfAdapter(files: ModelFiles, names: readonly string[]): Promise<string | null> {
  if (!names.includes(ADAPTER_CONFIG)) return null;
  const config = await readJson(files, ADAPTER_CONFIG, CONFIG_MAX_BYTES);
  const base = isRecord(config) ? config['base_model_name_or_path'] : undefined;
  return typeof base === 'string' && base !== '' ? base : null;
}

/** Reads adapter_config.json. Throws UserError naming the option that is not supported or at fault. */
export async function readAdapterConfig(files: ModelFiles): Promise<AdapterConfig> {
  const config = await readJson(files, ADAPTER_CONFIG, CONFIG_MAX_BYTES);
  if (!isRecord(config)) throw new UserError(msg`${ADAPTER_CONFIG} is not a JSON object.`);
  const type = config['peft_type'];
  if (type !== 'LORA') throw new UserError(msg`${ADAPTER_CONFIG}: adapters of type ${shown(type)} are not supported, LoRA is.`);
  const set = UNSUPPORTED.find((name) => isSet(config[name]));
  if (set !== undefined) throw new UserError(msg`${ADAPTER_CONFIG}: ${quoted(set)} is set, which is not supported.`);
  const begin = config['init_lora_weights'];
  if (typeof begin === 'string' && CHANGES_BASE.test(begin))
    throw new UserError(
      msg`${ADAPTER_CONFIG}: "init_lora_weights" is ${quoted(begin)}, which changes the base model as well. Save the adapter as a plain \
LoRA (path_initial_model_for_weight_conversion of peft), or merge it into the model (merge_and_unload).`,
    );
  const patterns = config['alpha_pattern'] ?? {};
  if (!isRecord(patterns)) throw new UserError(msg`${ADAPTER_CONFIG}: "alpha_pattern" is not an object.`);
  const alphas = new Map<string, number>();
  for (const [key, alpha] of Object.entries(patterns)) {
    if (!NAME.test(key))
      throw new UserError(msg`${ADAPTER_CONFIG}: "alpha_pattern" has the pattern ${quoted(key)}, where only names of modules are read.`);
    alphas.set(key, number(alpha, `alpha_pattern.${key}`));
  }
  return {
    alpha: number(config['lora_alpha'], 'lora_alpha'),
    alphas,
    rankStabilized: config['use_rslora'] === true,
    transposed: config['fan_in_fan_out'] === true,
    dora: config['use_dora'] === true,
  };
}

/** Factor of a module's product B A of rank `rank`. */
export function scaleOf({ alpha, alphas, rankStabilized }: AdapterConfig, module: string, rank: number): number {
  const key = [...alphas.keys()].find((name) => matches(name, module));
  return ((key === undefined ? undefined : alphas.get(key)) ?? alpha) / (rankStabilized ? Math.sqrt(rank) : rank);
}

/** Whether a key of `alpha_pattern` is the module's name or, unless it begins with `^`, the end of it. */
function matches(key: string, module: string): boolean {
  const name = key.replace(/\$$/, '');
  return name.startsWith('^') ? module === name.slice(1) : module === name || module.endsWith(`.${name}`);
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value) || isRecord(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false;
}

function number(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new UserError(msg`${ADAPTER_CONFIG}: ${quoted(name)} must be a number, not ${shown(value)}.`);
  return value;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? quoted(value) : (JSON.stringify(value) ?? 'missing').slice(0, 80);
}

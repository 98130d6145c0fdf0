import { UserError } from '../../../core/errors.ts';
import { isRecord } from '../../../core/records.ts';
import { msg, type Translatable } from '../../../core/translatable.ts';
import { withMadeWeights } from '../made.ts';
import { CONFIG_MAX_BYTES, quoted, readJson, type ModelFiles } from '../modelFiles.ts';
import { openWeights } from '../weights.ts';
import { bitsandbytesWeights } from './bitsandbytes.ts';
import { mxfp4Weights } from './mxfp4.ts';
import { awqWeights, gptqWeights } from './packedColumns.ts';
import type { Dequantized, QuantizedTensors } from './quantizedTensors.ts';
import { packedRows, scaledBytes } from './scaledRows.ts';

type Options = Readonly<Record<string, unknown>>;

/** Each method of quantisation by its name in `quant_method`. */
const METHODS: Readonly<Record<string, (tensors: QuantizedTensors, options: Options) => Dequantized | Promise<Dequantized>>> = {
  gptq: (tensors, options) => {
    const format = options['checkpoint_format'] ?? 'gptq';
    if (format !== 'gptq' && format !== 'gptq_v2') refuse('checkpoint_format', format);
    const bits = options['bits'];
    if (bits !== 2 && bits !== 4 && bits !== 8) return refuse('bits', bits);
    return gptqWeights(tensors, { bits, group: groupOf(options), zerosLess1: format === 'gptq' });
  },
  awq: (tensors, options) => {
    const version = options['version'] ?? 'gemm';
    if (typeof version !== 'string' || version.toLowerCase() !== 'gemm') refuse('version', version);
    const bits = options['bits'] ?? options['w_bit'];
    if (bits !== 4) refuse('bits', bits, msg`AutoAWQ, which defines the format, has 4 bits alone`);
    return awqWeights(tensors, groupOf(options));
  },
  fp8: (tensors, options) => ({
    ...scaledBytes(tensors, 'weight_scale_inv', blockOf(options['weight_block_size'])),
    type: 'FP8',
    activations: true,
  }),
  'compressed-tensors': compressedTensors,
  bitsandbytes: bitsandbytesWeights,
  mxfp4: mxfp4Weights,
};

/** Tensors of a module that only concern its inputs and outputs. */
const OF_ACTIVATIONS = /\.(?:input_scale|input_zero_point|input_global_scale|output_scale|output_zero_point)$/;

/**
 * A folder whose config.json has a `quantization_config`, with the weights as the float32 numbers that they stand for; any other folder as
 * it is. Throws UserError naming the method, option or tensor that is not supported.
 */
export async function dequantized(files: ModelFiles): Promise<ModelFiles> {
  const config = await readJson(files, 'config.json', CONFIG_MAX_BYTES);
  const options = isRecord(config) ? config['quantization_config'] : undefined;
  if (!isRecord(options)) return files;
  const method = options['quant_method'];
  const read = typeof method === 'string' && Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (read === undefined) return refuse('quant_method', method);
  const stored = await openWeights(files);
  const { made, spent, type, activations } = await read({ files, stored }, options);
  const kept = new Map([...stored].filter(([name]) => !spent.has(name) && !(activations && OF_ACTIVATIONS.test(name))));
  const notices: readonly Translatable[] = activations
    ? [msg`${files.name} is meant to round its activations to 8 bits as well while it runs; here only its weights are rounded (${type}).`]
    : [];
  const bytes = [...stored.values()].reduce((sum, { length }) => sum + length, 0);
  return { ...withMadeWeights(files, { kept, made, type, bytes, notices }), dequantized: true };
}

/** Weights of compressed-tensors, by its format. https://github.com/vllm-project/compressed-tensors */
function compressedTensors(tensors: QuantizedTensors, options: Options): Dequantized {
  const groups = isRecord(options['config_groups']) ? Object.values(options['config_groups']) : [];
  const weights = groups.flatMap((group) => (isRecord(group) && isRecord(group['weights']) ? [group['weights']] : []));
  const format = options['format'];
  const activations = groups.some((group) => isRecord(group) && isRecord(group['input_activations']));
  const sparsity = options['sparsity_config'];
  if (isRecord(sparsity) && (sparsity['format'] ?? 'dense') !== 'dense') refuse('sparsity_config', sparsity['format']);
  if (isRecord(options['kv_cache_scheme'])) refuse('kv_cache_scheme', 'set');
  const [bits, ...others] = new Set(weights.map((scheme) => scheme['num_bits']));
  if (others.length > 0) refuse('config_groups', [bits, ...others]);
  if (format === 'pack-quantized') {
    if (bits !== 4 && bits !== 8) return refuse('num_bits', bits);
    return { ...packedRows(tensors, bits), type: `compressed-tensors ${bits}-bit`, activations };
  }
  if (format !== 'float-quantized' && format !== 'int-quantized' && format !== 'naive-quantized') return refuse('format', format);
  const block = blockOf(weights.find((scheme) => scheme['block_structure'] !== undefined)?.['block_structure']);
  const type = `compressed-tensors ${format === 'float-quantized' ? 'FP8' : 'INT8'}`;
  return { ...scaledBytes(tensors, 'weight_scale', block), type, activations };
}

/** Inputs that share a scale; null: all of them. */
function groupOf(options: Options): number | null {
  const group = options['group_size'] ?? options['q_group_size'];
  if (group === -1) return null;
  if (typeof group !== 'number' || !Number.isSafeInteger(group) || group <= 0) return refuse('group_size', group);
  return group;
}

/** Outputs and inputs that share a scale; null where the config does not say. */
function blockOf(value: unknown): readonly [out: number, inputs: number] | null {
  if (value === undefined || value === null) return null;
  const [out, inputs] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (typeof out !== 'number' || typeof inputs !== 'number' || !(out > 0 && inputs > 0)) return refuse('weight_block_size', value);
  return [out, inputs];
}

function refuse(option: string, value: unknown, why: Translatable = msg`weights quantised in this way are not read`): never {
  const shown = (JSON.stringify(value) ?? 'missing').slice(0, 80);
  throw new UserError(
    msg`config.json: ${quoted(`quantization_config.${option}`)} is ${shown}: ${why}. Take the same model as its makers published it, or as \
a GGUF file.`,
  );
}

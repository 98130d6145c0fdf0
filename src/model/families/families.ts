import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { quoted } from '../formats/modelFiles.ts';
import type { StoredTensor } from '../formats/storedTensor.ts';
import { count, options, refuse, value, type Options } from './config.ts';
import { afmoe } from './experts/afmoe.ts';
import { bamba } from './experts/bamba.ts';
import { cohere2Moe } from './experts/cohere2Moe.ts';
import { deepseekV2, deepseekV3, glm4MoeLite } from './experts/deepseek.ts';
import { dots1, solarOpen } from './experts/dots1.ts';
import { ernieMoe } from './experts/ernieMoe.ts';
import { exaoneMoe } from './experts/exaoneMoe.ts';
import { glm4Moe } from './experts/glm4Moe.ts';
import { gptOss } from './experts/gptOss.ts';
import { graniteHybrid } from './experts/graniteHybrid.ts';
import { graniteMoe, graniteMoeShared } from './experts/graniteMoe.ts';
import { hunyuanMoe } from './experts/hunyuanMoe.ts';
import { hyV3 } from './experts/hyV3.ts';
import { lfm2Moe } from './experts/lfm2Moe.ts';
import { llama4 } from './experts/llama4.ts';
import { mellum } from './experts/mellum.ts';
import { mimoV2Flash } from './experts/mimoV2Flash.ts';
import { minimaxM2 } from './experts/minimaxM2.ts';
import { mistral4 } from './experts/mistral4.ts';
import { mixtral } from './experts/mixtral.ts';
import { nemotronH } from './experts/nemotronH.ts';
import { flexOlmo, olmoe } from './experts/olmoe.ts';
import { phimoe } from './experts/phimoe.ts';
import { qwen2Moe, qwen3Moe, qwen3VlMoe } from './experts/qwenMoe.ts';
import { biogpt } from './gpt/biogpt.ts';
import { bloom } from './gpt/bloom.ts';
import { falcon } from './gpt/falcon.ts';
import { gpt2, gptBigCode } from './gpt/gpt2.ts';
import { codegen, gptJ } from './gpt/gptJ.ts';
import { gptNeo } from './gpt/gptNeo.ts';
import { gptNeoX } from './gpt/gptNeoX.ts';
import { mpt } from './gpt/mpt.ts';
import { openaiGpt } from './gpt/openaiGpt.ts';
import { opt } from './gpt/opt.ts';
import { persimmon } from './gpt/persimmon.ts';
import { xglm } from './gpt/xglm.ts';
import { apertus } from './llama/apertus.ts';
import { arcee } from './llama/arcee.ts';
import { cohere, cohere2 } from './llama/cohere.ts';
import { cwm } from './llama/cwm.ts';
import { ernie } from './llama/ernie.ts';
import { exaone4 } from './llama/exaone4.ts';
import { falconH1 } from './llama/falconH1.ts';
import { gemma, gemma2, gemma3, vaultGemma } from './llama/gemma.ts';
import { gemma3n } from './llama/gemma3n.ts';
import { gemma4, gemma4Unified } from './llama/gemma4.ts';
import { glm, glm4 } from './llama/glm.ts';
import { granite } from './llama/granite.ts';
import { graniteSwa } from './llama/graniteSwa.ts';
import { helium } from './llama/helium.ts';
import { hunyuan } from './llama/hunyuan.ts';
import { hyperclovax } from './llama/hyperclovax.ts';
import { jais2 } from './llama/jais2.ts';
import { lfm2 } from './llama/lfm2.ts';
import { llama } from './llama/llama.ts';
import { minicpm3 } from './llama/minicpm3.ts';
import { ministral, ministral3, mistral } from './llama/mistral.ts';
import { nanochat } from './llama/nanochat.ts';
import { nemotron } from './llama/nemotron.ts';
import { olmo, olmo2, olmo3 } from './llama/olmo.ts';
import { phi, phi3 } from './llama/phi.ts';
import { qwen2, qwen2Vl, qwen3, qwen3Vl } from './llama/qwen.ts';
import { qwen35, qwen35Moe, qwen3Next } from './llama/qwenHybrid.ts';
import { seedOss } from './llama/seedOss.ts';
import { smollm3 } from './llama/smollm3.ts';
import { stablelm } from './llama/stablelm.ts';
import { starcoder2 } from './llama/starcoder2.ts';
import { youtu } from './llama/youtu.ts';
import { keySource, type DecoderSpec, type Weight } from './spec.ts';
import { refuseUnused, tensorsOf, type KeptForm, type Tensors } from './tensors.ts';
import { textPart, textTensors, type TextPart } from './wrappers.ts';

/** `whole`: options of the model of which the decoder is the text part; null: it is all of it. */
type Family = (config: Options, tensors: Tensors, whole: Options | null) => DecoderSpec;

/** Supported families by `model_type`. */
const FAMILIES: ReadonlyMap<string, Family> = new Map([
  ['afmoe', afmoe],
  ['apertus', apertus],
  ['arcee', arcee],
  ['bamba', bamba],
  ['biogpt', biogpt],
  ['bloom', bloom],
  ['codegen', codegen],
  ['cohere', cohere],
  ['cohere2', cohere2],
  ['cohere2_moe', cohere2Moe],
  ['cwm', cwm],
  ['deepseek_v2', deepseekV2],
  ['deepseek_v3', deepseekV3],
  ['dots1', dots1],
  ['ernie4_5', ernie],
  ['ernie4_5_moe', ernieMoe],
  ['exaone4', exaone4],
  ['exaone_moe', exaoneMoe],
  ['falcon', falcon],
  ['flex_olmo', flexOlmo],
  ['falcon_h1', falconH1],
  ['gemma', gemma],
  ['gemma2', gemma2],
  ['gemma3_text', gemma3],
  ['gemma3n_text', gemma3n],
  ['gemma4_text', gemma4],
  ['gemma4_unified_text', gemma4Unified],
  ['glm', glm],
  ['glm4', glm4],
  ['glm4_moe', glm4Moe],
  ['glm4_moe_lite', glm4MoeLite],
  ['gpt2', gpt2],
  ['gpt_bigcode', gptBigCode],
  ['gpt_neo', gptNeo],
  ['gpt_neox', gptNeoX],
  ['gpt_oss', gptOss],
  ['gptj', gptJ],
  ['granite', granite],
  ['granite_swa', graniteSwa],
  ['granitemoe', graniteMoe],
  ['granitemoehybrid', graniteHybrid],
  ['granitemoeshared', graniteMoeShared],
  ['helium', helium],
  ['hunyuan_v1_dense', hunyuan],
  ['hunyuan_v1_moe', hunyuanMoe],
  ['hy_v3', hyV3],
  ['hyperclovax', hyperclovax],
  ['jais2', jais2],
  ['lfm2', lfm2],
  ['lfm2_moe', lfm2Moe],
  ['llama', llama],
  ['llama4_text', llama4],
  ['mellum', mellum],
  ['mimo_v2_flash', mimoV2Flash],
  ['minicpm3', minicpm3],
  ['minimax_m2', minimaxM2],
  ['ministral', ministral],
  ['ministral3', ministral3],
  ['mistral', mistral],
  ['mistral4', mistral4],
  ['mixtral', mixtral],
  ['mpt', mpt],
  ['nanochat', nanochat],
  ['nemotron', nemotron],
  ['nemotron_h', nemotronH],
  ['olmo', olmo],
  ['olmo2', olmo2],
  ['olmo3', olmo3],
  ['olmoe', olmoe],
  ['openai-gpt', openaiGpt],
  ['opt', opt],
  ['persimmon', persimmon],
  ['phi', phi],
  ['phi3', phi3],
  ['phimoe', phimoe],
  ['qwen2', qwen2],
  ['qwen2_5_vl_text', qwen2Vl],
  ['qwen2_moe', qwen2Moe],
  ['qwen2_vl_text', qwen2Vl],
  ['qwen3', qwen3],
  ['qwen3_5_moe_text', qwen35Moe],
  ['qwen3_5_text', qwen35],
  ['qwen3_moe', qwen3Moe],
  ['qwen3_next', qwen3Next],
  ['qwen3_vl_moe_text', qwen3VlMoe],
  ['qwen3_vl_text', qwen3Vl],
  ['seed_oss', seedOss],
  ['smollm3', smollm3],
  ['solar_open', solarOpen],
  ['stablelm', stablelm],
  ['starcoder2', starcoder2],
  ['vaultgemma', vaultGemma],
  ['xglm', xglm],
  ['youtu', youtu],
]);

/** Options of any family that change the numbers and are not supported. */
const UNSUPPORTED = ['quantization_config', 'per_layer_config'];
/** Families that read `per_layer_config`. */
const SIZES_BY_LAYER: ReadonlySet<string> = new Set(['gemma4_text', 'gemma4_unified_text']);

/** The decoder of texts that config.json declares. Throws UserError for one of a family that is not supported. */
export function supportedPart(config: unknown): TextPart {
  const part = textPart(config);
  if (part.family === '') throw new UserError(msg`config.json does not say what "model_type" the model is.`);
  if (!FAMILIES.has(part.family))
    throw new UserError(
      part.whole === null
        ? msg`config.json: models of type ${quoted(part.family)} are not supported.`
        : msg`config.json: the text part of this ${quoted(part.whole)} model is of type ${quoted(part.family)}, which is not supported.`,
    );
  return part;
}

/** A model's declaration: its decoder and tensors. */
export interface ReadDecoder {
  readonly spec: DecoderSpec;
  /** Every stored tensor that is read, once each. */
  readonly tensors: readonly Weight[];
}

/**
 * Reads the decoder that config.json and the tensors declare, and checks every option and shape. `keptForm`: the form in which
 * quantised matrices are kept.
 * Throws UserError naming the option or tensor at fault, or a tensor that config.json does not call for.
 */
export function readDecoder(config: unknown, stored: ReadonlyMap<string, StoredTensor>, keptForm?: KeptForm): ReadDecoder {
  const part = supportedPart(config);
  const family = FAMILIES.get(part.family);
  if (family === undefined) throw new Error('supportedPart admits only known families.');
  const from = part.config;
  for (const holder of [options(config), from])
    for (const name of UNSUPPORTED) {
      if ((value(holder, name) ?? null) === null) continue;
      if (name === 'per_layer_config' && SIZES_BY_LAYER.has(part.family)) continue;
      refuse(
        holder,
        name,
        name === 'quantization_config'
          ? msg`is set: weights quantised in this way are not read. Take the same model as its makers published it, or as a GGUF file`
          : msg`is set, which is not supported`,
      );
    }
  const own = textTensors(stored, part);
  const tensors = tensorsOf(own, keptForm);
  const spec = family(from, tensors, part.whole === null ? null : options(config));
  refuseUnused(own, tensors.used, isExtra(from, spec));
  return { spec, tensors: [...tensors.used.values()] };
}

/** The projections and norms of keys and values, under a layer's attention. */
const KEYS_AND_VALUES = /\.self_attn\.[kv]_(?:proj|norm)\./;

/** Factors of AltUp that `altup_correct_scale` may switch off. */
const OUTPUT_SCALE = /\.altup\.correct_output_scale$/;

/**
 * Whether a tensor is one that the reference ignores: of layers after the last one, which predict further tokens, or of keys and values
 * in a layer that reads those of another.
 */
function isExtra(config: Options, { blocks, streams }: DecoderSpec): (name: string) => boolean {
  const layers = blocks.length;
  const extra = count(config, 'num_nextn_predict_layers', count(config, 'num_mtp_layers', 0, 0), 0);
  return (name) => {
    if (streams !== null && OUTPUT_SCALE.test(name)) return true;
    if (name.startsWith('model.mtp.')) return true;
    const layer = Number(/\.layers\.(\d+)\./.exec(name)?.[1] ?? -1);
    if (keySource({ blocks }, layer) !== layer) return KEYS_AND_VALUES.test(name);
    return layer >= layers && layer < layers + extra;
  };
}

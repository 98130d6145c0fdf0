import { eitherCount, only, value, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { attentionBias, llamaLike, readSizes, rmsEpsilon, type Place, type Sizes } from '../llama/base.ts';
import { PLAIN_EXPERTS, type DecoderSpec, type DenseMlp, type Linear } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts } from './expertParts.ts';

/** The reference's limit, whatever config.json says. */
const LIMIT = 7;
const YARN = { rope_type: 'yarn', factor: 32, beta_fast: 32, beta_slow: 1, truncate: false, original_max_position_embeddings: 4096 };

/** GPT-OSS: an attention sink per head, every other layer with a window, experts with biases. */
export function gptOss(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2880,
    inner: 2880,
    layers: 36,
    heads: 64,
    kvHeads: 8,
    headDim: 64,
    vocab: 201_088,
    positions: 131_072,
  });
  only(config, 'swiglu_limit', LIMIT);
  const experts = eitherCount(config, 'num_local_experts', 'num_experts', 128);
  const chosen = chosenExperts(config, experts, 4);
  const given = value(config, 'rope_scaling') ?? value(config, 'rope_parameters') ?? null;
  const roped = given === null ? { ...config, values: { ...config.values, rope_parameters: YARN } } : config;
  return llamaLike(roped, tensors, sizes, rmsEpsilon(config, 1e-5), {
    biases: attentionBias(config, true),
    rope: { theta: 150_000 },
    windows: windowsOf(
      config,
      slidingLayers(config, sizes.layers, (layer) => layer % 2 === 0),
      windowOption(config, 128),
    ),
    attention: ({ attention }) => ({ sinks: tensors.weight(`${attention}.sinks`, [sizes.heads]) }),
    mlp: (place) => ({
      ...PLAIN_EXPERTS,
      chosen,
      score: 'softmaxOfChosen',
      normalised: false,
      router: tensors.linear(`${place.mlp}.router`, sizes.dim, experts, true),
      experts: Array.from({ length: experts }, (_, index) => expert(tensors, place, sizes, experts, index)),
    }),
  });
}

/** All experts' matrices lie in one tensor, each [in, out]; of GGUF files and MXFP4 each is one of its own, [out, in]. */
function expert(tensors: Tensors, { mlp }: Place, { dim, inner }: Sizes, experts: number, index: number): DenseMlp {
  const linear = (name: string, input: number, output: number): Linear => {
    const own = `${mlp}.experts.${index}.${name}`;
    const isOwn = tensors.has(`${own}.weight`);
    return {
      weight: isOwn
        ? tensors.weight(`${own}.weight`, [output, input])
        : tensors.slice(`${mlp}.experts.${name}`, [experts, input, output], index),
      layout: isOwn ? 'out-in' : 'in-out',
      bias: tensors.has(`${own}.bias`)
        ? tensors.weight(`${own}.bias`, [output])
        : tensors.slice(`${mlp}.experts.${name}_bias`, [experts, output], index),
    };
  };
  return { kind: 'clamped', gateUp: linear('gate_up_proj', dim, 2 * inner), down: linear('down_proj', inner, dim), limit: LIMIT };
}

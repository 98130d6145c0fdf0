import { flag, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, readSizes, rmsEpsilon } from './base.ts';

/** Llama 1 to 3 and others with its `model_type`: defaults and names of transformers' LlamaConfig and LlamaForCausalLM. */
export function llama(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4096, inner: 11_008, layers: 32, heads: 32, kvHeads: null, vocab: 32_000, positions: 2048 });
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), {
    biases: attentionBias(config, false, true, flag(config, 'mlp_bias', false)),
  });
}

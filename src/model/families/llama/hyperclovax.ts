import { flag, number, value, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias } from './base.ts';
import { graniteLike, graniteSizes } from './granite.ts';

/** HyperCLOVA X: Granite whose logits are multiplied rather than divided, mostly with a norm behind each sublayer too. */
export function hyperclovax(config: Options, tensors: Tensors): DecoderSpec {
  const { headDim } = graniteSizes(config);
  const behind = flag(config, 'use_post_norm', true);
  const made = graniteLike(config, tensors, {
    biases: attentionBias(config, false, true, flag(config, 'mlp_bias', false)),
    scale: (value(config, 'attention_multiplier') ?? null) === null ? headDim ** -0.5 : number(config, 'attention_multiplier'),
    norms: ({ at }, norm) => ({
      attentionNorms: { pre: norm(`${at}.input_layernorm`), post: behind ? norm(`${at}.post_norm1`) : null, stream: null },
      mlpNorms: { pre: norm(`${at}.post_attention_layernorm`), post: behind ? norm(`${at}.post_norm2`) : null, stream: null },
    }),
  });
  return { ...made, logitScale: number(config, 'logits_scaling', 1) };
}

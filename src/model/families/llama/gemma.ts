import { msg } from '../../../core/translatable.ts';
import { flag, numberOrNull, positive, refuse, text, value, type Options } from '../config.ts';
import { activationNamed } from '../activationNames.ts';
import { everyNth, slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { preNorm, type Block, type DecoderSpec, type Norm } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import {
  attentionBias,
  headNorms,
  llamaLike,
  readSizes,
  rmsEpsilon,
  type Defaults,
  type Differences,
  type Place,
  type Sizes,
} from './base.ts';
import { ropesByKind } from './ropesByKind.ts';

const DEFAULTS: Defaults = {
  dim: 3072,
  inner: 24_576,
  layers: 28,
  heads: 16,
  kvHeads: 16,
  headDim: 256,
  vocab: 256_000,
  positions: 8192,
  activation: 'gelu_pytorch_tanh',
  tied: true,
};

/** Gemma 1: norm weights are stored minus 1, embeddings are scaled by sqrt(D). */
export function gemma(config: Options, tensors: Tensors): DecoderSpec {
  const read = readSizes(config, DEFAULTS);
  // The first files say "gelu" but mean its tanh form; of the option's two names only the older one is read.
  const named = text(config, 'hidden_act', 'gelu_pytorch_tanh');
  const sizes = { ...read, activation: activationNamed(named === 'gelu' ? 'gelu_pytorch_tanh' : named, 'hidden_act') };
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), shared(config, tensors, sizes));
}

/** Gemma 2: pre-norm and post-norm of each sublayer, soft caps of scores and logits, every other layer with a window. */
export function gemma2(config: Options, tensors: Tensors): DecoderSpec {
  return gemma2Like(config, tensors, sandwich);
}

/** VaultGemma: Gemma 2 without the norms behind sublayers. */
export function vaultGemma(config: Options, tensors: Tensors): DecoderSpec {
  return gemma2Like(config, tensors, ({ at }, norm) => ({
    attentionNorms: preNorm(norm(`${at}.input_layernorm`)),
    mlpNorms: preNorm(norm(`${at}.pre_feedforward_layernorm`)),
  }));
}

function gemma2Like(config: Options, tensors: Tensors, norms: NonNullable<Differences['norms']>): DecoderSpec {
  const sizes = readSizes(config, {
    ...DEFAULTS,
    dim: 2304,
    inner: 9216,
    layers: 26,
    heads: 8,
    kvHeads: 4,
    activationOption: 'hidden_activation',
  });
  const common = shared(config, tensors, sizes);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), {
    ...common,
    norms,
    scale: positive(config, 'query_pre_attn_scalar', 256) ** -0.5,
    windows: windowsOf(
      config,
      slidingLayers(config, sizes.layers, (layer) => layer % 2 === 0),
      windowOption(config, 4096),
    ),
    decoder: {
      ...common.decoder,
      scoreCap: capOption(config, 'attn_logit_softcapping', 50),
      logitCap: capOption(config, 'final_logit_softcapping', 30),
    },
  });
}

/** Text model of Gemma 3: queries and keys normalised per head, a separate rope for the layers with a window. */
export function gemma3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    ...DEFAULTS,
    dim: 2304,
    inner: 9216,
    layers: 26,
    heads: 8,
    kvHeads: 4,
    vocab: 262_208,
    positions: 131_072,
    activationOption: 'hidden_activation',
  });
  const epsilon = rmsEpsilon(config);
  // The reference reads this option and does not apply it.
  if (numberOrNull(config, 'attn_logit_softcapping', null) !== null)
    refuse(config, 'attn_logit_softcapping', msg`is set, which is not supported`);
  const common = shared(config, tensors, sizes);
  const sliding = slidingLayers(config, sizes.layers, everyNth(config, 'sliding_window_pattern', 6));
  const ropes = ropesByKind(config, sizes, { full: 1_000_000, sliding: 10_000, slidingOption: 'rope_local_base_freq' });
  return llamaLike(config, tensors, sizes, epsilon, {
    ...common,
    norms: sandwich,
    scale: positive(config, 'query_pre_attn_scalar', 256) ** -0.5,
    windows: windowsOf(config, sliding, windowOption(config, 4096)),
    ropes: (layer) => (sliding(layer) ? ropes.sliding : ropes.full),
    attention: ({ attention }) => headNorms(tensors, attention, sizes.headDim, epsilon, ['q_norm', 'k_norm'], 1),
    decoder: { ...common.decoder, logitCap: capOption(config, 'final_logit_softcapping', null) },
  });
}

function shared(config: Options, tensors: Tensors, { dim }: Sizes): Differences {
  if (value(config, 'use_bidirectional_attention') !== null && flag(config, 'use_bidirectional_attention', false)) {
    refuse(config, 'use_bidirectional_attention', msg`is true: attention to later tokens is not supported`);
  }
  const epsilon = rmsEpsilon(config);
  return {
    norm: (name, width) => tensors.rms(name, width, epsilon, 1),
    biases: attentionBias(config),
    decoder: { embeddingScale: Math.fround(Math.sqrt(dim)) },
  };
}

/** A norm before and one behind each sublayer. */
export function sandwich({ at }: Place, norm: (name: string) => Norm): Pick<Block, 'attentionNorms' | 'mlpNorms'> {
  return {
    attentionNorms: { pre: norm(`${at}.input_layernorm`), post: norm(`${at}.post_attention_layernorm`), stream: null },
    mlpNorms: { pre: norm(`${at}.pre_feedforward_layernorm`), post: norm(`${at}.post_feedforward_layernorm`), stream: null },
  };
}

function capOption(config: Options, name: string, absent: number | null): number | null {
  return numberOrNull(config, name, absent) === null ? null : positive(config, name, absent ?? 1);
}

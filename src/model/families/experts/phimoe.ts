import { msg } from '../../../core/translatable.ts';
import { eitherCount, flag, number, options, refuse, value, type Options } from '../config.ts';
import { windowOption } from '../layers.ts';
import { attentionBias, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import { readRope, type Rope } from '../rope.ts';
import { PLAIN_EXPERTS, type DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { gatedExperts } from './expertParts.ts';

/** Phi 3.5 with experts: LayerNorm with biases, two experts chosen by SparseMixer, whose jitter counts when predicting too. */
export function phimoe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4096, inner: 6400, layers: 32, heads: 32, kvHeads: 8, vocab: 32_064, positions: 131_072 });
  const { dim, inner, activation } = sizes;
  const epsilon = rmsEpsilon(config, 1e-5);
  const experts = eitherCount(config, 'num_local_experts', 'num_experts', 16);
  const chosen = number(config, 'num_experts_per_tok', 2);
  if (chosen !== 2 || experts < 2)
    refuse(config, 'num_experts_per_tok', msg`is ${chosen}, with ${experts} experts: this family chooses two`);
  const window = windowOption(config, null);
  const rope = ropeOfPhimoe(config, sizes.headDim, sizes.maxPositions);
  return llamaLike(config, tensors, sizes, epsilon, {
    norm: (name, width) => tensors.layerNorm(name, width, epsilon),
    biases: attentionBias(config),
    unembedBias: flag(config, 'lm_head_bias', false),
    ropes: () => rope,
    windows: () => window,
    mlp: ({ at, mlp }) => {
      const old = `${at}.block_sparse_moe`;
      const place = tensors.has(`${old}.gate.weight`) ? old : mlp;
      return {
        ...PLAIN_EXPERTS,
        chosen,
        score: 'sparseMixer',
        jitter: number(config, 'router_jitter_noise', 0.01),
        normalised: false,
        router: tensors.linear(place === old ? `${old}.gate` : `${mlp}.router`, dim, experts, false),
        experts: gatedExperts(tensors, `${place}.experts`, experts, dim, inner, activation, { gate: 'w1', up: 'w3', down: 'w2' }),
      };
    },
  });
}

/**
 * The rope, whose cosines and sines have a factor of their own in short and in long texts. The reference turns long texts by the angles of
 * short ones.
 */
function ropeOfPhimoe(config: Options, headDim: number, maxPositions: number): Rope {
  const rope = readRope(config, headDim, maxPositions, { theta: 1_000_000, types: ['default', 'longrope'] });
  if (rope.scaling.kind !== 'longrope') return rope;
  const from = options(value(config, 'rope_scaling') ?? value(config, 'rope_parameters'), 'rope_parameters');
  const factors = { short: number(from, 'short_mscale'), long: number(from, 'long_mscale') };
  return { ...rope, scaling: { ...rope.scaling, long: rope.scaling.short, factors } };
}

import { msg } from '../../../../core/translatable.ts';
import { changed, reshaped, rowCount, rowLength, type Source } from '../../source.ts';
import type { Facts } from '../facts.ts';
import { experts, named, type Expand, type Layout } from '../layout.ts';
import {
  convolutionKernel,
  expertStacks,
  kindsByTensor,
  llamaConfig,
  LLAMA_BLOCK,
  LLAMA_TOP,
  sharedExpert,
  sizesOf,
  turned,
  usualConfig,
  type Architecture,
} from './common.ts';

// Models some of whose layers, or parts beside attention, are Mamba 2.

/** Granite 4. */
export const graniteHybrid: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const { inner, ...net } = mambaSizes(facts);
  if (inner % sizes.dim !== 0) facts.refuse(msg`says "granitehybrid.ssm.inner_size" as ${inner}, no multiple of the width ${sizes.dim}`);
  const kinds = kindsByTensor(facts, sizes, 'ssm_in.weight', ['linear_attention', 'full_attention']);
  const expertCount = facts.number('expert_count', 0);
  const shared = facts.number('expert_shared_feed_forward_length', facts.number('feed_forward_length', 0));
  return {
    config: {
      ...usualConfig(facts, ropes, 'granitemoehybrid', sizes),
      layer_types: kinds,
      position_embedding_type: facts.flag('rope.scaling.finetuned', true) ? 'rope' : 'nope',
      attention_bias: biasIn(facts, kinds, 'full_attention', 'attn_q'),
      attention_multiplier: facts.number('attention.scale', sizes.headDim ** -0.5),
      embedding_multiplier: facts.number('embedding_scale', 1),
      residual_multiplier: facts.number('residual_scale', 1),
      logits_scaling: facts.number('logit_scale', 1),
      num_local_experts: expertCount,
      num_experts_per_tok: expertCount > 0 ? facts.count('expert_used_count') : 0,
      shared_intermediate_size: shared,
      mamba_expand: inner / sizes.dim,
      ...mambaOptions(net),
      mamba_proj_bias: biasIn(facts, kinds, 'linear_attention', 'ssm_in'),
      mamba_conv_bias: biasIn(facts, kinds, 'linear_attention', 'ssm_conv1d'),
    },
    layout: {
      top: LLAMA_TOP,
      blocks: 'model.layers',
      block: {
        ...LLAMA_BLOCK,
        ...turned(facts, sizes),
        ...mambaBlock('mamba'),
        ...(expertCount > 0
          ? {
              ffn_gate_inp: 'block_sparse_moe.router.layer',
              ...expertStacks(facts, 'block_sparse_moe.experts'),
              ...sharedExpert('shared_mlp'),
            }
          : { ffn_gate: 'shared_mlp.gate_proj', ffn_up: 'shared_mlp.up_proj', ffn_down: 'shared_mlp.down_proj' }),
      },
    },
  };
};

/** Falcon H1: the converter multiplies the weights by what config.json has as multipliers. */
export const falconH1: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const { inner, ...net } = mambaSizes(facts);
  // The rows of the embedding are multiplied by one number, those of the unembedding by another.
  if (!facts.has('output.weight')) facts.refuse(msg`holds no "output.weight", which cannot be told from "token_embd.weight" in falcon-h1`);
  const normed = facts.has('blk.0.ssm_norm.weight');
  return {
    config: {
      ...usualConfig(facts, ropes, 'falcon_h1', sizes),
      attention_bias: facts.has('blk.0.attn_q.bias'),
      mlp_bias: facts.has('blk.0.ffn_up.bias'),
      mamba_d_ssm: inner,
      ...mambaOptions(net),
      mamba_proj_bias: facts.has('blk.0.ssm_in.bias'),
      mamba_conv_bias: facts.has('blk.0.ssm_conv1d.bias'),
      mamba_rms_norm: normed,
      // The file does not say; what it was made for norms behind the gate.
      mamba_norm_before_gate: false,
    },
    layout: {
      top: { ...LLAMA_TOP, output_norm: 'model.final_layernorm' },
      blocks: 'model.layers',
      block: {
        ...LLAMA_BLOCK,
        ...mambaBlock('mamba'),
        ffn_norm: 'pre_ff_layernorm',
        ffn_gate: 'feed_forward.gate_proj',
        ffn_up: 'feed_forward.up_proj',
        ffn_down: 'feed_forward.down_proj',
      },
    },
    notices: normed
      ? [msg`${facts.file} does not say whether Mamba's norm comes before its gate: it is applied behind it, as in llama.cpp.`]
      : [],
  };
};

/** Nemotron H, and Nemotron 3 with experts. */
export const nemotronH: Architecture = (facts) => {
  const sizes = sizesOf(facts);
  const { inner: _inner, ...net } = mambaSizes(facts);
  const kinds = Array.from({ length: sizes.layers }, (_, layer) => nemotronKind(facts, layer));
  // The converter writes it under either name, by the options that config.json has.
  const epsilon = facts.optional('attention.layer_norm_rms_epsilon') ?? facts.number('attention.layer_norm_epsilon');
  return {
    config: {
      ...llamaConfig(facts, 'nemotron_h', sizes),
      layers_block_type: kinds,
      layer_norm_epsilon: epsilon,
      mamba_num_heads: net.heads,
      mamba_head_dim: net.headDim,
      n_groups: net.groups,
      ssm_state_size: net.stateDim,
      conv_kernel: net.size,
      use_bias: biasIn(facts, kinds, 'linear_attention', 'ssm_in'),
      use_conv_bias: biasIn(facts, kinds, 'linear_attention', 'ssm_conv1d'),
      mlp_bias: biasIn(facts, kinds, 'mlp', 'ffn_up') || biasIn(facts, kinds, 'moe', 'ffn_up_shexp'),
      ...(kinds.includes('mlp') ? { intermediate_size: facts.dim(`blk.${kinds.indexOf('mlp')}.ffn_up.weight`, 0) } : {}),
      ...(kinds.includes('moe') ? nemotronExperts(facts, kinds) : {}),
    },
    layout: {
      top: { token_embd: 'backbone.embeddings', output_norm: 'backbone.norm_f', output: 'lm_head' },
      blocks: 'backbone.layers',
      block: {
        ...mambaBlock('mixer'),
        attn_norm: 'norm',
        // The converter pairs rows of queries and keys as for a rope, which there is none of: their products stay what they are.
        attn_q: 'mixer.q_proj',
        attn_k: 'mixer.k_proj',
        attn_v: 'mixer.v_proj',
        attn_output: 'mixer.o_proj',
        ffn_up: 'mixer.up_proj',
        ffn_down: 'mixer.down_proj',
        ffn_gate_inp: 'mixer.gate',
        exp_probs_b: named('mixer.gate.e_score_correction_bias'),
        ffn_up_exps: experts((expert) => `mixer.experts.${expert}.up_proj`, facts),
        ffn_down_exps: experts((expert) => `mixer.experts.${expert}.down_proj`, facts),
        ffn_up_shexp: 'mixer.shared_experts.up_proj',
        ffn_down_shexp: 'mixer.shared_experts.down_proj',
        ffn_latent_down: 'mixer.fc1_latent_proj',
        ffn_latent_up: 'mixer.fc2_latent_proj',
      },
    },
    notices: [msg`${facts.file} does not say the least step of its Mamba layers: it is taken as 0.001, as in the models of this family.`],
  };
};

const NEMOTRON_KINDS = [
  ['ssm_in', 'linear_attention'],
  ['attn_q', 'full_attention'],
  ['ffn_gate_inp', 'moe'],
  ['ffn_up', 'mlp'],
] as const;

/** What a layer is, by what the file holds of it. */
function nemotronKind(facts: Facts, layer: number): (typeof NEMOTRON_KINDS)[number][1] {
  const [, kind] = NEMOTRON_KINDS.find(([tensor]) => facts.has(`blk.${layer}.${tensor}.weight`)) ?? [];
  return kind ?? facts.refuse(msg`holds nothing that says what layer ${layer} is`);
}

function nemotronExperts(facts: Facts, kinds: readonly string[]): Record<string, unknown> {
  // How many groups are kept is not in the file.
  if (facts.number('expert_group_count', 1) > 1) facts.refuse(msg`chooses experts from groups, which is not supported for nemotron_h`);
  const layer = kinds.indexOf('moe');
  return {
    n_routed_experts: facts.count('expert_count'),
    num_experts_per_tok: facts.count('expert_used_count'),
    moe_intermediate_size: facts.dim(`blk.${layer}.ffn_up_exps.weight`, 1),
    moe_shared_expert_intermediate_size: facts.dim(`blk.${layer}.ffn_up_shexp.weight`, 0),
    norm_topk_prob: facts.flag('expert_weights_norm', true),
    routed_scaling_factor: facts.number('expert_weights_scale', 1),
    n_group: 1,
    topk_group: 1,
    ...(facts.has(`blk.${layer}.ffn_latent_down.weight`) ? { moe_latent_size: facts.dim(`blk.${layer}.ffn_latent_down.weight`, 0) } : {}),
  };
}

interface MambaSizes {
  readonly inner: number;
  readonly heads: number;
  readonly headDim: number;
  readonly groups: number;
  readonly stateDim: number;
  /** Tokens that the convolution reads. */
  readonly size: number;
}

function mambaSizes(facts: Facts): MambaSizes {
  const [heads, inner] = [facts.count('ssm.time_step_rank'), facts.count('ssm.inner_size')];
  if (inner % heads !== 0) facts.refuse(msg`has ${heads} Mamba heads of together ${inner} numbers`);
  return {
    inner,
    heads,
    headDim: inner / heads,
    groups: facts.count('ssm.group_count', 1),
    stateDim: facts.count('ssm.state_size'),
    size: facts.count('ssm.conv_kernel'),
  };
}

/** The sizes by the names that Granite 4 and Falcon H1 have for them. */
function mambaOptions({ heads, headDim, groups, stateDim, size }: Omit<MambaSizes, 'inner'>): Record<string, number> {
  return { mamba_n_heads: heads, mamba_d_head: headDim, mamba_n_groups: groups, mamba_d_state: stateDim, mamba_d_conv: size };
}

/** A Mamba 2 layer's tensors under `at`. */
function mambaBlock(at: string): Layout['block'] {
  const kernel = convolutionKernel(`${at}.conv1d`);
  const flat = (source: Source): Source => reshaped(source, [rowCount(source.shape) * rowLength(source.shape)]);
  const vector =
    (name: string, change: (source: Source) => Source = flat): Expand =>
    (source) => [[`${at}.${name}`, change(source)]];
  return {
    ssm_in: `${at}.in_proj`,
    ssm_conv1d: (source, part, beside) => (part === 'bias' ? [[`${at}.conv1d.bias`, source]] : kernel(source, part, beside)),
    ssm_dt: vector('dt_bias'),
    // The file holds -exp(A_log).
    ssm_a: vector('A_log', (source) => changed(flat(source), (rate) => Math.log(-rate))),
    ssm_d: vector('D'),
    ssm_norm: vector('norm.weight'),
    ssm_out: `${at}.out_proj`,
  };
}

/** Whether the first layer of a kind has a bias. */
function biasIn(facts: Facts, kinds: readonly string[], kind: string, tensor: string): boolean {
  const layer = kinds.indexOf(kind);
  return layer !== -1 && facts.has(`blk.${layer}.${tensor}.bias`);
}

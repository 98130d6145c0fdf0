import type { Facts } from '../facts.ts';
import { asRow, fromOne, named, type Expand, type Layout } from '../layout.ts';
import { gatheredColumns } from '../../rearranged.ts';
import { changed, gathered, reshaped, stacked, type Source } from '../../source.ts';
import {
  convolutionKernel,
  innerSize,
  kindsByTensor,
  llamaConfig,
  LLAMA_BLOCK,
  LLAMA_TOP,
  partialRope,
  rmsEpsilon,
  sharedExpert,
  sizesOf,
  type Architecture,
  type Sizes,
} from './common.ts';
import { msg } from '../../../../core/translatable.ts';
import { firstSparse, sparseBlock, sparseConfig } from './qwen.ts';

/** Qwen 3.5 and 3.6. */
export const qwen35: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const net = deltaSizes(facts);
  return {
    config: {
      ...llamaConfig(facts, 'qwen3_5_text', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...partialRope(facts, ropes, sizes),
      ...deltaConfig(facts, sizes, net),
    },
    layout: deltaLayout(inTurns(net), {}),
  };
};

/** The same with experts. */
export const qwen35moe: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const net = deltaSizes(facts);
  return {
    config: {
      ...sparseConfig(facts, 'qwen3_5_moe_text', sizes, true),
      ...partialRope(facts, ropes, sizes),
      ...deltaConfig(facts, sizes, net),
      ...sharedConfig(facts, sizes),
    },
    layout: deltaLayout(inTurns(net), sparseParts(facts)),
  };
};

/** Qwen 3 Next: in the file the parts of the delta nets' matrices stand one after another, not by key head. */
export const qwen3next: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const net = deltaSizes(facts);
  const { keyHeads, keyDim, valueDim, perKey } = net;
  const keys = keyHeads * keyDim;
  const values = keyHeads * perKey * valueDim;
  const ofKey = 2 * keyDim + 2 * perKey * valueDim;
  /** The row of queries, keys, values and gates, one after another, that is row `row` by key heads. */
  const place = (row: number): number => {
    const head = Math.floor(row / ofKey);
    const within = row % ofKey;
    if (within < keyDim) return head * keyDim + within;
    if (within < 2 * keyDim) return keys + head * keyDim + within - keyDim;
    return (
      2 * keys + head * perKey * valueDim + within - 2 * keyDim + (within < 2 * keyDim + perKey * valueDim ? 0 : values - perKey * valueDim)
    );
  };
  const all: Expand = (source, part, beside) => {
    const gates = beside('attn_gate');
    // A layer with attention has three matrices; one with a delta net has these two.
    if (gates === null) return facts.refuse(msg`holds an "attn_qkv" without "attn_gate"`);
    return [[`linear_attn.in_proj_qkvz.${part}`, gathered(stacked([source, gates]), place)]];
  };
  return {
    config: {
      ...sparseConfig(facts, 'qwen3_next', sizes, true),
      ...partialRope(facts, ropes, sizes),
      ...deltaConfig(facts, sizes, net),
      ...sharedConfig(facts, sizes),
    },
    layout: deltaLayout(
      {
        attn_qkv: all,
        attn_gate: () => [],
        ssm_in: 'linear_attn.in_proj_qkvz',
        ssm_ba: 'linear_attn.in_proj_ba',
        ssm_a: rateLog((source) => source),
        ssm_dt: named('linear_attn.dt_bias'),
        ssm_conv1d: convolutionKernel('linear_attn.conv1d'),
        ssm_out: 'linear_attn.out_proj',
      },
      sparseParts(facts),
    ),
  };
};

interface DeltaSizes {
  readonly keyHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** Value heads of each key head. */
  readonly perKey: number;
}

function deltaSizes(facts: Facts): DeltaSizes {
  const [keyHeads, valueHeads, inner] = [facts.count('ssm.group_count'), facts.count('ssm.time_step_rank'), facts.count('ssm.inner_size')];
  if (valueHeads % keyHeads !== 0 || inner % valueHeads !== 0)
    facts.refuse(msg`has ${valueHeads} value heads of together ${inner} numbers for ${keyHeads} key heads`);
  return { keyHeads, keyDim: facts.count('ssm.state_size'), valueDim: inner / valueHeads, perKey: valueHeads / keyHeads };
}

function deltaConfig(facts: Facts, sizes: Sizes, { keyHeads, keyDim, valueDim, perKey }: DeltaSizes): Record<string, unknown> {
  const kinds = kindsByTensor(facts, sizes, 'ssm_conv1d.weight', ['linear_attention', 'full_attention']);
  const full = kinds.indexOf('full_attention');
  return {
    layer_types: kinds,
    attention_bias: full !== -1 && facts.has(`blk.${full}.attn_q.bias`),
    linear_num_key_heads: keyHeads,
    linear_num_value_heads: keyHeads * perKey,
    linear_key_head_dim: keyDim,
    linear_value_head_dim: valueDim,
    linear_conv_kernel_dim: facts.count('ssm.conv_kernel'),
  };
}

function sharedConfig(facts: Facts, sizes: Sizes): Record<string, unknown> {
  return {
    shared_expert_intermediate_size: facts.count(
      'expert_shared_feed_forward_length',
      facts.dim(`blk.${firstSparse(facts, sizes)}.ffn_up_shexp.weight`, 0),
    ),
  };
}

function sparseParts(facts: Facts): Layout['block'] {
  return { ...sparseBlock(facts), ffn_gate_inp_shexp: asRow('mlp.shared_expert_gate'), ...sharedExpert('mlp.shared_expert') };
}

function deltaLayout(net: Layout['block'], own: Layout['block']): Layout {
  return {
    top: { ...LLAMA_TOP, output_norm: fromOne('model.norm') },
    blocks: 'model.layers',
    block: {
      ...LLAMA_BLOCK,
      attn_norm: fromOne('input_layernorm'),
      post_attention_norm: fromOne('post_attention_layernorm'),
      attn_q_norm: fromOne('self_attn.q_norm'),
      attn_k_norm: fromOne('self_attn.k_norm'),
      ssm_norm: 'linear_attn.norm',
      ...net,
      ...own,
    },
  };
}

/** The file holds -exp(A_log). */
function rateLog(order: (source: Source) => Source): Expand {
  return (source) => [['linear_attn.A_log', changed(order(source), (rate) => Math.log(-rate))]];
}

/** The file holds the first value head of each key head, then the second of each, where Hugging Face has those of a key head together. */
function inTurns({ keyHeads, keyDim, valueDim, perKey }: DeltaSizes): Layout['block'] {
  const place = (first: number, width: number) => (row: number) => {
    if (row < first) return row;
    const head = Math.floor((row - first) / width);
    return first + ((head % perKey) * keyHeads + Math.floor(head / perKey)) * width + ((row - first) % width);
  };
  const rows =
    (first: number, width: number) =>
    (source: Source): Source =>
      perKey === 1 ? source : gathered(source, place(first, width));
  const channels = 2 * keyHeads * keyDim;
  const ordered =
    (name: string, order: (source: Source) => Source): Expand =>
    (source, part) => [[`linear_attn.${name}.${part}`, order(source)]];
  return {
    attn_qkv: ordered('in_proj_qkv', rows(channels, valueDim)),
    attn_gate: ordered('in_proj_z', rows(0, valueDim)),
    ssm_beta: ordered('in_proj_b', rows(0, 1)),
    ssm_alpha: ordered('in_proj_a', rows(0, 1)),
    ssm_a: rateLog(rows(0, 1)),
    ssm_dt: (source) => [['linear_attn.dt_bias', rows(0, 1)(source)]],
    ssm_conv1d: ordered('conv1d', (source) => {
      const [count = 0, size = 0] = source.shape;
      return reshaped(rows(channels, valueDim)(source), [count, 1, size]);
    }),
    // Groups of numbers that share a scale have 32 at most.
    ssm_out: ordered('out_proj', (source) => (perKey === 1 ? source : gatheredColumns(source, place(0, valueDim), valueDim % 32 === 0))),
  };
}

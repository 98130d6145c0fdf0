import { msg } from '../../../../core/translatable.ts';
import type { Facts } from '../facts.ts';
import { type Expand, type Layout } from '../layout.ts';
import { ropeParameters } from '../ggufRope.ts';
import { sliced, stacked, transposed, type Source } from '../../source.ts';
import {
  expertStacks,
  sharedExpert,
  hasBias,
  headsOf,
  innerSize,
  layersOf,
  LLAMA_BLOCK,
  LLAMA_TOP,
  llamaConfig,
  rmsEpsilon,
  type Architecture,
} from './common.ts';

/** `expert_gating_func` of models whose experts are chosen by a sigmoid (gguf's ExpertGatingFuncType). */
const SIGMOID = 2;
const SOFTMAX = 1;

/** DeepSeek V2, and V3 where experts are chosen by a sigmoid. */
export const deepseek2: Architecture = (facts, ropes) => {
  const heads = headsOf(facts);
  const rotated = facts.count('rope.dimension_count');
  const rank = facts.count('attention.kv_lora_rank');
  // Newer files keep the matrix for keys and values in two parts, and the sizes of heads under names of their own.
  const headDim = facts.count('attention.key_length_mla', facts.count('attention.key_length', 1));
  const valueDim = facts.count('attention.value_length_mla', facts.count('attention.value_length', 1));
  const plain = headDim - rotated;
  if (plain < 1) facts.refuse(msg`rotates ${rotated} of the ${headDim} numbers of a head`);
  const gating = facts.number('expert_gating_func', SOFTMAX);
  if (gating !== SIGMOID && gating !== SOFTMAX) facts.refuse(msg`chooses experts by function ${gating}, which is not supported`);
  const sigmoid = gating === SIGMOID;
  const sizes = { dim: facts.count('embedding_length'), heads, kvHeads: heads, headDim: rotated, rotated, ...layersOf(facts) };
  const { head_dim: _, ...common } = llamaConfig(facts, sigmoid ? 'deepseek_v3' : 'deepseek_v2', sizes);
  return {
    config: {
      ...common,
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      rope_parameters: ropeParameters(facts, ropes, rotated),
      q_lora_rank: facts.has('blk.0.attn_q_a.weight') ? facts.count('attention.q_lora_rank') : null,
      kv_lora_rank: rank,
      qk_rope_head_dim: rotated,
      qk_nope_head_dim: plain,
      v_head_dim: valueDim,
      first_k_dense_replace: facts.number('leading_dense_block_count', 0),
      moe_intermediate_size: facts.count('expert_feed_forward_length'),
      n_routed_experts: facts.count('expert_count'),
      n_shared_experts: facts.count('expert_shared_count'),
      num_experts_per_tok: facts.count('expert_used_count'),
      routed_scaling_factor: facts.number('expert_weights_scale', 1),
      attention_bias: hasBias(facts, 'attn_q_a') || hasBias(facts, 'attn_kv_a_mqa'),
      mlp_bias: hasBias(facts, 'ffn_gate'),
      ...(sigmoid
        ? { norm_topk_prob: facts.flag('expert_weights_norm', false), ...groups(facts) }
        : { norm_topk_prob: facts.flag('expert_weights_norm', false), ...limitedGroups(facts) }),
    },
    layout: { top: LLAMA_TOP, blocks: 'model.layers', block: block(facts, heads, plain, valueDim, rank) },
  };
};

/** Options for groups of experts that the file states; published models use the reference's defaults for the rest. */
function groups(facts: Facts): Record<string, unknown> {
  const [count, kept] = [facts.optional('expert_group_count'), facts.optional('expert_group_used_count')];
  return { ...(count === null ? {} : { n_group: count }), ...(kept === null ? {} : { topk_group: kept }) };
}

/** V2 without groups chooses among all experts. */
function limitedGroups(facts: Facts): Record<string, unknown> {
  return facts.number('expert_group_count', 1) > 1 ? { topk_method: 'group_limited_greedy', ...groups(facts) } : { topk_method: 'greedy' };
}

function block(facts: Facts, heads: number, plain: number, valueDim: number, rank: number): Layout['block'] {
  return {
    ...LLAMA_BLOCK,
    attn_q_a: 'self_attn.q_a_proj',
    attn_q_a_norm: 'self_attn.q_a_layernorm',
    attn_q_b: 'self_attn.q_b_proj',
    attn_kv_a_mqa: 'self_attn.kv_a_proj_with_mqa',
    attn_kv_a_norm: 'self_attn.kv_a_layernorm',
    attn_kv_b: 'self_attn.kv_b_proj',
    attn_k_b: keysAndValues(facts, heads, plain, valueDim, rank),
    attn_v_b: () => [],
    ffn_gate_inp: 'mlp.gate',
    exp_probs_b: (source) => [['mlp.gate.e_score_correction_bias', source]],
    ...expertStacks(facts, 'mlp.experts'),
    ...sharedExpert('mlp.shared_experts'),
  };
}

/**
 * `kv_b_proj`, per head the rows for the key and those for the value, of the file's two stacks: [heads, rank, plain] and [heads,
 * valueDim, rank].
 */
function keysAndValues(facts: Facts, heads: number, plain: number, valueDim: number, rank: number): Expand {
  return (keys, part, beside) => {
    const values = beside('attn_v_b');
    const fits = (source: Source | null, shape: readonly number[]): source is Source =>
      source !== null && source.shape.length === 3 && source.shape.every((dim, axis) => dim === shape[axis]);
    if (!fits(keys, [heads, rank, plain]) || !fits(values, [heads, valueDim, rank]))
      return facts.refuse(msg`holds no "attn_k_b" of ${heads} x ${rank} x ${plain} with an "attn_v_b" of ${heads} x ${valueDim} x ${rank}`);
    const rows = Array.from({ length: heads }, (_, head) => [
      transposed(sliced(keys, head * rank, [rank, plain])),
      sliced(values, head * valueDim, [valueDim, rank]),
    ]).flat();
    return [[`self_attn.kv_b_proj.${part}`, stacked(rows)]];
  };
}

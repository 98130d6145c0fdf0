import { msg } from '../../../../core/translatable.ts';
import { experts, unpermuted, type Layout } from '../layout.ts';
import { hasBias, innerSize, llamaConfig, llamaLayout, rmsEpsilon, sizesOf, wholeRope, type Architecture } from './common.ts';

/** Llama 1 to 3, Mistral and, where there are experts, Mixtral. */
export const llama: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const expertCount = facts.number('expert_count', 0);
  const sparse = expertCount > 0;
  const window = facts.number('attention.sliding_window', 0);
  const common = {
    ...llamaConfig(facts, sparse ? 'mixtral' : window > 0 ? 'mistral' : 'llama', sizes),
    ...innerSize(facts),
    ...rmsEpsilon(facts),
    ...wholeRope(facts, ropes, sizes),
  };
  const config = {
    ...common,
    ...(window > 0 || sparse
      ? { sliding_window: window > 0 ? window : null }
      : { attention_bias: hasBias(facts), mlp_bias: hasBias(facts, 'ffn_gate') }),
    ...(sparse ? { num_local_experts: facts.count('expert_count'), num_experts_per_tok: facts.count('expert_used_count') } : {}),
  };
  const stack = (name: string) => experts((expert) => `mlp.experts.${expert}.${name}`, facts);
  const block: Layout['block'] = {
    attn_q: unpermuted('self_attn.q_proj', sizes.heads, facts),
    attn_k: unpermuted('self_attn.k_proj', sizes.kvHeads, facts),
    ...(sparse ? { ffn_gate_inp: 'mlp.gate', ffn_gate_exps: stack('w1'), ffn_down_exps: stack('w2'), ffn_up_exps: stack('w3') } : {}),
  };
  return { config, layout: llamaLayout(block) };
};

/** Granite 3: Llama with multipliers. */
export const granite: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  if (!facts.flag('rope.scaling.finetuned', true)) facts.refuse(msg`rotates no queries and keys, which is not supported for granite`);
  const config = {
    ...llamaConfig(facts, 'granite', sizes),
    ...innerSize(facts),
    ...rmsEpsilon(facts),
    ...wholeRope(facts, ropes, sizes),
    attention_bias: hasBias(facts),
    mlp_bias: hasBias(facts, 'ffn_gate'),
    attention_multiplier: facts.number('attention.scale', sizes.headDim ** -0.5),
    embedding_multiplier: facts.number('embedding_scale', 1),
    residual_multiplier: facts.number('residual_scale', 1),
    logits_scaling: facts.number('logit_scale', 1),
  };
  return {
    config,
    layout: llamaLayout({
      attn_q: unpermuted('self_attn.q_proj', sizes.heads, facts),
      attn_k: unpermuted('self_attn.k_proj', sizes.kvHeads, facts),
    }),
  };
};

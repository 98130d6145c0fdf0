import { msg } from '../../../../core/translatable.ts';
import type { Layout } from '../layout.ts';
import type { Facts } from '../facts.ts';
import type { RopeTensors } from '../ggufRope.ts';
import { expertStacks, hasBias, llamaLayout, sharedExpert, sizesOf, turned, usualConfig, type Architecture, type Sizes } from './common.ts';

/** Llama 1 to 3, Mistral and, where there are experts, Mixtral. */
export const llama: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const expertCount = facts.number('expert_count', 0);
  const sparse = expertCount > 0;
  const window = facts.number('attention.sliding_window', 0);
  const common = {
    ...usualConfig(facts, ropes, sparse ? 'mixtral' : window > 0 ? 'mistral' : 'llama', sizes),
  };
  const config = {
    ...common,
    ...(window > 0 || sparse
      ? { sliding_window: window > 0 ? window : null }
      : { attention_bias: hasBias(facts), mlp_bias: hasBias(facts, 'ffn_gate') }),
    ...(sparse ? { num_local_experts: facts.count('expert_count'), num_experts_per_tok: facts.count('expert_used_count') } : {}),
  };
  const block: Layout['block'] = {
    ...turned(facts, sizes),
    ...(sparse ? { ffn_gate_inp: 'mlp.gate', ...expertStacks(facts, 'mlp.experts', { gate: 'w1', up: 'w3', down: 'w2' }) } : {}),
  };
  return { config, layout: llamaLayout(block) };
};

/** Options of Granite 3: Llama's with multipliers. */
function graniteConfig(facts: Facts, ropes: RopeTensors, modelType: string, sizes: Sizes): Record<string, unknown> {
  if (!facts.flag('rope.scaling.finetuned', true))
    facts.refuse(msg`rotates no queries and keys, which is not supported for ${facts.architecture}`);
  return {
    ...usualConfig(facts, ropes, modelType, sizes),
    attention_bias: hasBias(facts),
    mlp_bias: hasBias(facts, 'ffn_gate'),
    attention_multiplier: facts.number('attention.scale', sizes.headDim ** -0.5),
    embedding_multiplier: facts.number('embedding_scale', 1),
    residual_multiplier: facts.number('residual_scale', 1),
    logits_scaling: facts.number('logit_scale', 1),
  };
}

/** Granite 3. */
export const granite: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return { config: graniteConfig(facts, ropes, 'granite', sizes), layout: llamaLayout(turned(facts, sizes)) };
};

/** Granite 3 with experts, and a shared one where the file holds it. */
export const graniteMoe: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const shared = facts.number('expert_shared_feed_forward_length', 0);
  return {
    config: {
      ...graniteConfig(facts, ropes, shared > 0 ? 'granitemoeshared' : 'granitemoe', sizes),
      num_local_experts: facts.count('expert_count'),
      num_experts_per_tok: facts.count('expert_used_count'),
      ...(shared > 0 ? { shared_intermediate_size: shared } : {}),
    },
    layout: llamaLayout({
      ...turned(facts, sizes),
      ffn_gate_inp: 'block_sparse_moe.router.layer',
      ...expertStacks(facts, 'block_sparse_moe.experts'),
      ...sharedExpert('shared_mlp'),
    }),
  };
};

import { msg } from '../../../../core/translatable.ts';
import { rowCount, sliced } from '../../source.ts';
import type { Facts } from '../facts.ts';
import type { RopeTensors } from '../ggufRope.ts';
import { expertsOf, named, type Expand, type Layout } from '../layout.ts';
import { expertStacks, hasBias, headsOf, layersOf, llamaConfig, rmsEpsilon, type Architecture, type Sizes } from './common.ts';
import { layerTypes, PER_LAYER_BLOCK, PER_LAYER_TOP } from './gemma.ts';

/** Divisors from here on stop a pair's rotation: 1e30 in the files. */
const STOPPED = 1e20;

/**
 * Gemma 4: layers with a window have heads of another size than those that see all; the last layers read keys and values of earlier ones;
 * per-layer embeddings or experts where the file holds them.
 */
export const gemma4: Architecture = (facts, ropes) => {
  const own = layersOf(facts);
  const heads = headsOf(facts);
  const [fullDim, headDim] = [facts.count('attention.key_length'), facts.count('attention.key_length_swa')];
  for (const [key, width] of [
    ['attention.value_length', fullDim],
    ['attention.value_length_swa', headDim],
    ['rope.dimension_count', fullDim],
    ['rope.dimension_count_swa', headDim],
  ] as const)
    if (facts.count(key, width) !== width)
      facts.refuse(msg`says "gemma4.${key}" as ${facts.count(key)}, with keys of ${width} numbers, which is not supported`);
  const kvHeads = byLayer(facts, 'attention.head_count_kv', own.layers);
  const shape = { dim: facts.count('embedding_length'), heads, headDim, rotated: headDim, ...own };
  const kinds = layerTypes(facts, { ...shape, kvHeads: heads }, 6);
  const sliding = kinds.indexOf('sliding_attention');
  const full = kinds.indexOf('full_attention');
  const sizes: Sizes = { ...shape, kvHeads: kvHeads[Math.max(sliding, 0)] ?? heads };
  const shared = facts.number('attention.shared_kv_layers', 0);
  const inner = byLayer(facts, 'feed_forward_length', own.layers);
  const perLayer = facts.number('embedding_length_per_layer_input', 0);
  const experts = facts.number('expert_count', 0);
  return {
    config: {
      ...llamaConfig(facts, 'gemma4_text', sizes),
      ...rmsEpsilon(facts),
      intermediate_size: inner[0],
      use_double_wide_mlp: shared > 0 && inner.at(-1) === 2 * (inner[0] ?? 0),
      attention_bias: hasBias(facts),
      attention_k_eq_v: full !== -1 && !facts.has(`blk.${full}.attn_v.weight`),
      num_kv_shared_layers: shared,
      sliding_window: facts.count('attention.sliding_window'),
      layer_types: kinds,
      per_layer_config: Object.fromEntries(
        kinds.flatMap((kind, layer) =>
          kind === 'full_attention' ? [[layer, { head_dim: fullDim, num_key_value_heads: kvHeads[layer] }]] : [],
        ),
      ),
      rope_parameters: {
        full_attention: fullRope(facts, ropes, fullDim),
        sliding_attention: { rope_type: 'default', rope_theta: facts.number('rope.freq_base_swa', 10_000) },
      },
      final_logit_softcapping: facts.optional('final_logit_softcapping'),
      hidden_size_per_layer_input: perLayer,
      ...(perLayer > 0 ? { vocab_size_per_layer_input: facts.dim('per_layer_token_embd.weight', 0) } : {}),
      ...(experts > 0
        ? {
            enable_moe_block: true,
            num_experts: experts,
            top_k_experts: facts.count('expert_used_count'),
            moe_intermediate_size: facts.count('expert_feed_forward_length'),
          }
        : {}),
    },
    layout: {
      top: PER_LAYER_TOP,
      blocks: 'model.layers',
      block: block(facts),
    },
  };
};

/** A number for each layer, or one for all. */
function byLayer(facts: Facts, key: string, layers: number): readonly number[] {
  const given = facts.value(key);
  if (!Array.isArray(given)) return Array.from({ length: layers }, () => facts.count(key));
  return Array.from({ length: layers }, (_, layer) => {
    const own: unknown = given[layer];
    return typeof own === 'number' && Number.isSafeInteger(own) && own > 0
      ? own
      : facts.refuse(msg`says "${key}" for layer ${layer} as ${JSON.stringify(own ?? null).slice(0, 40)}`);
  });
}

/** The rope of layers that see all: the pairs whose divisors the file sets out of reach are not rotated. */
function fullRope(facts: Facts, ropes: RopeTensors, width: number): Record<string, unknown> {
  const theta = facts.number('rope.freq_base', 1_000_000);
  const divisors = ropes.get('rope_freqs.weight');
  if (divisors === undefined) return { rope_type: 'default', rope_theta: theta };
  const stopped = divisors.findIndex((divisor) => divisor >= STOPPED);
  const turned = stopped === -1 ? divisors.length : stopped;
  if (divisors.length !== width / 2 || divisors.some((divisor, pair) => (pair < turned ? divisor !== 1 : divisor < STOPPED)))
    facts.refuse(msg`holds "rope_freqs.weight" that do not leave the last pairs of a head unrotated, which is not supported`);
  return { rope_type: 'proportional', rope_theta: theta, partial_rotary_factor: turned / divisors.length };
}

function block(facts: Facts): Layout['block'] {
  const { ffn_down_exps: down, ...stacks } = expertStacks(facts, 'experts');
  const gateAndUp: Expand = (source, part) =>
    expertsOf(source, facts).flatMap((both, expert) => {
      const [rows = 0, width = 0] = both.shape;
      if (rows % 2 !== 0) facts.refuse(msg`holds a "ffn_gate_up_exps" of ${rowCount(source.shape)} rows, which are not two halves`);
      return (['gate_proj', 'up_proj'] as const).map(
        (name, half) => [`experts.${expert}.${name}.${part}`, sliced(both, (half * rows) / 2, [rows / 2, width])] as const,
      );
    });
  return {
    ...PER_LAYER_BLOCK,
    post_ffw_norm_1: 'post_feedforward_layernorm_1',
    pre_ffw_norm_2: 'pre_feedforward_layernorm_2',
    post_ffw_norm_2: 'post_feedforward_layernorm_2',
    layer_output_scale: named('layer_scalar'),
    ffn_gate_inp: (source, part) => [[part === 'scale' ? 'router.scale' : `router.proj.${part}`, source]],
    ffn_gate_up_exps: gateAndUp,
    ...stacks,
    ffn_down_exps: (source, part, beside) =>
      part === 'scale' ? [['router.per_expert_scale', source]] : typeof down === 'function' ? down(source, part, beside) : [],
  };
}

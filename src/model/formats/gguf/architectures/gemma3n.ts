import { erf } from '../../../../core/activationFunctions.ts';
import { msg } from '../../../../core/translatable.ts';
import type { Facts } from '../facts.ts';
import { ropeParameters } from '../ggufRope.ts';
import { experts, named } from '../layout.ts';
import { hasBias, llamaConfig, rmsEpsilon, sizesOf, type Architecture } from './common.ts';
import { layerTypes, PER_LAYER_BLOCK, PER_LAYER_TOP, refusePartRotated } from './gemma.ts';

/** Gemma 3n. */
export const gemma3n: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  refusePartRotated(facts, sizes);
  const { headDim, layers } = sizes;
  const inner = facts.value('feed_forward_length');
  return {
    config: {
      ...llamaConfig(facts, 'gemma3n_text', sizes),
      ...rmsEpsilon(facts),
      intermediate_size: Array.isArray(inner) ? inner.slice(0, layers) : facts.count('feed_forward_length'),
      attention_bias: hasBias(facts),
      num_kv_shared_layers: facts.number('attention.shared_kv_layers', 0),
      sliding_window: facts.count('attention.sliding_window'),
      layer_types: layerTypes(facts, sizes, 5),
      rope_parameters: {
        full_attention: ropeParameters(facts, ropes, headDim, facts.number('rope.freq_base', 1_000_000)),
        sliding_attention: { rope_type: 'default', rope_theta: facts.number('rope.freq_base_swa', 10_000) },
      },
      final_logit_softcapping: facts.optional('final_logit_softcapping'),
      hidden_size_per_layer_input: facts.count('embedding_length_per_layer_input'),
      vocab_size_per_layer_input: facts.dim('per_layer_token_embd.weight', 0),
      altup_num_inputs: facts.count('altup.num_inputs'),
      altup_active_idx: facts.number('altup.active_idx', 0),
      laurel_rank: facts.dim('blk.0.laurel_l.weight', 0),
      activation_sparsity_pattern: sharesOf(facts, layers),
    },
    layout: {
      top: {
        ...PER_LAYER_TOP,
        altup_proj: experts((index) => `model.altup_projections.${index}`, facts),
        altup_unembd_proj: experts((index) => `model.altup_unembed_projections.${index}`, facts),
      },
      blocks: 'model.layers',
      block: {
        ...PER_LAYER_BLOCK,
        altup_router: 'altup.modality_router',
        altup_router_norm: 'altup.router_norm',
        altup_predict_coef: 'altup.prediction_coefs',
        altup_correct_coef: 'altup.correction_coefs',
        altup_correct_scale: named('altup.correct_output_scale'),
        laurel_l: 'laurel.linear_left',
        laurel_r: 'laurel.linear_right',
        laurel_post_norm: 'laurel.post_laurel_norm',
      },
    },
  };
};

/** By layer, the share of gates that are 0: the file has how many standard deviations above the mean they must be, minus infinity for 0. */
function sharesOf(facts: Facts, layers: number): readonly number[] {
  const given = facts.value('activation_sparsity_scale');
  const list: readonly unknown[] = Array.isArray(given) ? given : Array.from({ length: layers }, () => given ?? -Infinity);
  return Array.from({ length: layers }, (_, layer) => {
    const deviations = list[layer];
    if (typeof deviations !== 'number' || Number.isNaN(deviations) || deviations > 6)
      return facts.refuse(msg`says "gemma3n.activation_sparsity_scale" for layer ${layer} as ${String(deviations).slice(0, 40)}`);
    return deviations === -Infinity ? 0 : Math.fround(0.5 * (1 + erf(deviations * Math.SQRT1_2)));
  });
}

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import { readDecoder } from '../../../src/model/families/families.ts';
import type { StoredTensor } from '../../../src/model/formats/storedTensor.ts';
import { readSafetensorsHeader } from '../../../src/model/formats/safetensors.ts';
import { FIXTURES } from '../../golden/compare.ts';
import { folder } from './folder.ts';

type Config = Record<string, unknown>;
type Stored = ReadonlyMap<string, StoredTensor>;

const configOf = (name: string): Config => JSON.parse(readFileSync(`${FIXTURES}/families/${name}/config.json`, 'utf8')) as Config;
const storedOf = (name: string): Promise<Stored> => readSafetensorsHeader(folder(`${FIXTURES}/families/${name}`), 'model.safetensors');

/** Reading fails with one sentence that says `message`. */
function expectRefusal(config: Config, stored: Stored, message: RegExp): void {
  let failure: unknown = null;
  try {
    readDecoder(config, stored);
  } catch (error) {
    failure = error;
  }
  expect(failure).toBeInstanceOf(UserError);
  if (!(failure instanceof UserError)) return;
  expect(failure.message).toMatch(message);
  expect(failure.message).toMatch(/\.$/);
  expect(failure.message.length).toBeLessThan(400);
}

describe('an option that cannot be exact is refused by name', () => {
  test.each<[string, Config, RegExp]>([
    ['gemma.1', { use_bidirectional_attention: true }, /"use_bidirectional_attention" is true/],
    ['gemma3_text.1', { use_bidirectional_attention: true }, /"use_bidirectional_attention" is true/],
    ['gemma3_text.1', { attn_logit_softcapping: 50 }, /"attn_logit_softcapping" is set/],
    [
      'gemma3_text.1',
      { rope_parameters: { rope_type: 'linear', factor: 8 } },
      /"rope_parameters\.rope_type" is not said of "full_attention" or "sliding_attention"/,
    ],
    ['gemma2.1', { layer_types: ['full_attention'] }, /"layer_types" has 1 entries for 2 layers/],
    ['gemma2.1', { layer_types: ['full_attention', 'chunked_attention'] }, /"layer_types" holds "chunked_attention"/],
    ['gemma2.1', { sliding_window: null }, /"sliding_window" is missing, though layer 0 has one/],
    ['gemma2.1', { attn_logit_softcapping: 0 }, /"attn_logit_softcapping" must be above 0/],
    [
      'qwen2.1',
      { use_sliding_window: true, sliding_window: null, layer_types: ['full_attention', 'sliding_attention'] },
      /"sliding_window" is missing, though layer 1/,
    ],
    ['qwen2.1', { use_sliding_window: 'yes' }, /"use_sliding_window" must be true or false/],
    ['mistral.1', { sliding_window: 0 }, /"sliding_window" must be a whole number from 1 on, not 0/],
    ['openai-gpt.1', { afn: 'gelu_new' }, /"afn" is "gelu_new", an activation that is not supported/],
    ['granite_swa.2', { layer_rope_theta: [0, -1] }, /"layer_rope_theta" holds -1, where numbers from 0 on are supported/],
    ['granite_swa.2', { layer_rope_theta: [0] }, /"layer_rope_theta" has 1 entries for 2 layers/],
    ['hunyuan_v1_moe.1', { moe_topk: [2, 0] }, /"moe_topk" holds 0, where whole numbers from 1 on are supported/],
    ['hunyuan_v1_moe.1', { moe_topk: 5 }, /"moe_topk" is 5, with 4 experts/],
    ['hunyuan_v1_moe.1', { num_experts: [4, 4] }, /"num_experts" must be a whole number/],
    ['cohere2_moe.1', { expert_selection_fn: 'topk' }, /"expert_selection_fn" is "topk", which is not supported/],
    [
      'cohere2_moe.1',
      { shared_expert_combination_strategy: 'max' },
      /"shared_expert_combination_strategy" is "max", which is not supported/,
    ],
    ['mistral4.1', { rope_parameters: { rope_type: 'default' } }, /"rope_parameters\.llama_4_scaling_beta" is missing/],
    // The reference rotates whole heads with this type, and fails.
    ['mistral4.1', { rope_parameters: { rope_type: 'default', llama_4_scaling_beta: 0.1 } }, /"rope_parameters\.rope_type" is "default"/],
    [
      'mistral4.1',
      { rope_parameters: { llama_4_scaling_beta: 0.1, partial_rotary_factor: 0.5 } },
      /"rope_parameters\.partial_rotary_factor" is 0\.5/,
    ],
    [
      'mimo_v2_flash.3',
      { rope_parameters: { full_attention: { rope_type: 'linear', factor: 2 }, sliding_attention: {} } },
      /"rope_parameters\.full_attention\.rope_type" is "linear", which is not supported for this family/,
    ],
    [
      'phi3.1',
      { rope_parameters: { rope_type: 'linear', factor: 2 } },
      /"rope_parameters\.rope_type" is "linear", which is not supported for this family/,
    ],
    ['phi.1', { partial_rotary_factor: 0.4, rope_parameters: undefined }, /even head size, not 3/],
    ['phi.1', { partial_rotary_factor: 1.5 }, /"partial_rotary_factor" must be above 0 and at most 1, not 1\.5/],
    ['gemma3_text.2', { rope_scaling: { type: 'linear', factor: 8 } }, /"rope_scaling\.type" is not read for this family/],
    // Empty ropes by kind are none: the older name is read.
    [
      'gemma3_text.2',
      { rope_parameters: {}, rope_scaling: { type: 'linear', factor: 8 } },
      /"rope_scaling\.type" is not read for this family/,
    ],
    [
      'gemma3_text.1',
      { rope_parameters: { full_attention: { rope_type: 'yarn', factor: 2, truncate: false } } },
      /"rope_parameters\.full_attention\.truncate" is false/,
    ],
    [
      'phi.1',
      { rope_parameters: { rope_type: 'proportional' } },
      /"rope_parameters\.rope_type" is "proportional", which is not supported for this family/,
    ],
    ['deepseek_v3.1', { rope_parameters: { rope_type: 'proportional' } }, /"rope_parameters\.factor" is missing/],
    ['olmo3.2', { rope_theta: 10_000 }, /"rope_theta" is not 500000/],
    ['smollm3.1', { no_rope_layers: [1, 2, 1, 0] }, /"no_rope_layers" holds 2, where 0 and 1 are supported/],
    ['cohere.1', { logit_scale: null }, /"logit_scale" must be a number, not null/],
    ['hunyuan_v1_dense.1', { rope_parameters: { rope_type: 'xdrope', factor: 2 } }, /"xdrope", which is not supported/],
    ['gptj.1', { rotary_dim: null }, /"rotary_dim" must be a whole number/],
    ['gptj.1', { rotary_dim: 12 }, /"rotary_dim" is 12, which must be even and at most 8/],
    ['codegen.1', { n_head: 2 }, /"n_head" is 2, which 4 does not divide/],
    ['gpt_neo.1', { attention_types: [[['global'], 1]] }, /"attention_types" describes 1 layers of 2/],
    ['gpt_neo.1', { attention_types: [[['dense'], 2]] }, /"attention_types" must be a list/],
    ['gpt_neox.1', { rotary_pct: 0.25, partial_rotary_factor: 0.5 }, /"partial_rotary_factor" contradicts "rotary_pct"/],
    ['bloom.1', { pretraining_tp: 2, slow_but_exact: true }, /"slow_but_exact" is true with "pretraining_tp" above 1/],
    ['falcon.2', { parallel_attn: false }, /"parallel_attn" is false with "new_decoder_architecture"/],
    ['falcon.1', { num_ln_in_parallel_attn: 2 }, /"num_ln_in_parallel_attn" is 2 without/],
    ['mpt.1', { attn_config: { alibi: false } }, /"attn_config\.alibi" is false, which is not supported/],
    ['mpt.1', { attn_config: { alibi_bias_max: 16 } }, /"attn_config\.alibi_bias_max" is 16/],
    ['mpt.1', { attn_config: { qk_ln: true } }, /"attn_config\.qk_ln" is true/],
    ['mpt.1', { attn_config: { prefix_lm: true } }, /"attn_config\.prefix_lm" is true/],
    ['mpt.1', { attn_config: { attn_type: 'multiquery_attention' } }, /"attn_config\.attn_type" is "multiquery_attention"/],
    ['mpt.1', { logit_scale: 'inv_sqrt_d_model' }, /"logit_scale" is set/],
    ['mpt.1', { no_bias: false }, /"no_bias" is false/],
    ['xglm.1', { add_cross_attention: true }, /"add_cross_attention" is true/],
    ['gpt_bigcode.1', { add_cross_attention: true }, /"add_cross_attention" is true/],
    ['mixtral.1', { num_experts_per_tok: 5 }, /"num_experts_per_tok" is 5, with 4 experts/],
    ['deepseek_v2.1', { norm_topk_prob: true }, /"norm_topk_prob" is true, which is not supported/],
    ['deepseek_v2.1', { topk_method: 'noaux_tc' }, /"topk_method" is "noaux_tc"/],
    ['deepseek_v2.2', { topk_group: null }, /"topk_group" is missing, with "topk_method": "group_limited_greedy"/],
    ['deepseek_v2.1', { scoring_func: 'sigmoid' }, /"scoring_func" is "sigmoid"/],
    ['deepseek_v3.1', { scoring_func: 'softmax' }, /"scoring_func" is "softmax"/],
    ['deepseek_v3.1', { n_group: 3 }, /"n_group" is 3, which does not divide 8 experts/],
    ['deepseek_v3.1', { n_group: 8 }, /"n_group" is 8, which leaves groups of fewer than two/],
    ['deepseek_v3.1', { topk_group: 5 }, /"topk_group" is 5, with 4 groups/],
    ['deepseek_v3.1', { num_experts_per_tok: 6 }, /"num_experts_per_tok" is 6, more than the groups that are kept hold/],
    ['deepseek_v3.1', { num_key_value_heads: 2 }, /"num_key_value_heads" is 2, where latent attention/],
    ['gpt_oss.1', { swiglu_limit: 5 }, /"swiglu_limit" is 5/],
    ['gpt_oss.1', { quantization_config: { quant_method: 'mxfp4' } }, /"quantization_config" is set/],
    ['qwen3_moe.1', { mlp_only_layers: ['0'] }, /"mlp_only_layers" holds "0"/],
  ])('%s with %j', async (name, changed, message) => expectRefusal({ ...configOf(name), ...changed }, await storedOf(name), message));
});

describe('a config that contradicts the tensors is refused by the tensor', () => {
  test.each<[string, Config, RegExp]>([
    [
      'qwen3.1',
      { num_attention_heads: 8 },
      /Tensor "model\.layers\.0\.self_attn\.q_(norm|proj)\.weight" in model\.safetensors is 64 x 32, where config\.json calls for 128 x 32/,
    ],
    [
      'qwen3.1',
      { head_dim: 8 },
      /Tensor "model\.layers\.0\.self_attn\.q_norm\.weight" in model\.safetensors is 16, where config\.json calls for 8/,
    ],
    ['phi3.1', { num_key_value_heads: 4 }, /qkv_proj\.weight" in model\.safetensors is 64 x 32, where config\.json calls for 96 x 32/],
    ['glm.1', { intermediate_size: 8 }, /gate_up_proj\.weight" in model\.safetensors is 32 x 32, where config\.json calls for 16 x 32/],
    [
      'opt.1',
      { max_position_embeddings: 30 },
      /embed_positions\.weight" in model\.safetensors is 22 x 32, where config\.json calls for 32 x 32/,
    ],
    ['gpt_neox.1', { vocab_size: 33 }, /is 32 x 32, where config\.json calls for 33 x 32/],
    [
      'mixtral.1',
      { num_local_experts: 5 },
      /block_sparse_moe\.gate\.weight" in model\.safetensors is 4 x 32, where config\.json calls for 5 x 32/,
    ],
    ['gpt_oss.1', { num_local_experts: 5 }, /mlp\.router\.weight" in model\.safetensors is 4 x 32/],
    [
      'deepseek_v3.1',
      { kv_lora_rank: 16 },
      /kv_a_proj_with_mqa\.weight" in model\.safetensors is 16 x 32, where config\.json calls for 20 x 32/,
    ],
    ['falcon.2', { num_kv_heads: 4 }, /query_key_value\.weight" in model\.safetensors is 64 x 32, where config\.json calls for 96 x 32/],
    ['qwen2.1', { num_hidden_layers: 3 }, /no tensor "model\.layers\.2\./],
    ['qwen2.1', { num_hidden_layers: 1_000_000_000, sliding_window: 4, use_sliding_window: true }, /no tensor "model\.layers\.2\./],
    ['smollm3.1', { num_hidden_layers: 1_000_000_000, no_rope_layers: null, layer_types: null }, /no tensor "model\.layers\.4\./],
    ['gpt_neo.1', { num_layers: 1_000_000_000, attention_types: [[['global', 'local'], 500_000_000]] }, /no tensor "transformer\.h\.2\./],
    ['qwen2.2', { num_hidden_layers: 2 }, /Tensor "model\.layers\.2\.\S+" in model\.safetensors is not one that config\.json calls for/],
    ['cohere.2', { attention_bias: false }, /Tensor "model\.layers\.0\.self_attn\.\w+\.bias" in model\.safetensors is not one/],
    ['cohere.2', { use_qk_norm: false }, /self_attn\.\w_norm\.weight" in model\.safetensors is not one/],
    ['mixtral.1', { model_type: 'mistral', sliding_window: null }, /no tensor "model\.layers\.0\.mlp\.gate_proj\.weight"/],
    ['llama', { model_type: 'llama' }, /Tensor "model\.layers\.0\.self_attn\.\w_proj\.bias" in model\.safetensors is not one/],
  ])('%s with %j', async (name, changed, message) => {
    const fixture = name === 'llama' ? 'qwen2.1' : name;
    expectRefusal({ ...configOf(fixture), ...changed }, await storedOf(fixture), message);
  });
});

describe('the tensors of a file', () => {
  const config = configOf('qwen3.1');
  let stored: Stored;
  beforeAll(async () => {
    stored = await storedOf('qwen3.1');
  });
  const extra = (name: string): Stored =>
    new Map([...stored, [name, { name, dtype: 'F32', shape: [4], file: 'model.safetensors', offset: 0, length: 16 }]]);

  test('may hold what earlier versions saved beside the weights', () => {
    for (const name of ['model.layers.0.self_attn.rotary_emb.inv_freq', 'model.rotary_emb.inv_freq', 'score.weight'])
      expect(() => readDecoder(config, extra(name))).not.toThrow();
  });

  test('may not hold a weight that nothing reads', () => {
    expectRefusal(
      config,
      extra('model.layers.0.self_attn.o_proj.bias'),
      /Tensor "model\.layers\.0\.self_attn\.o_proj\.bias" in model\.safetensors is not one that config\.json calls for/,
    );
    expectRefusal(config, extra('model.layers.2.self_attn.q_proj.weight'), /"model\.layers\.2\.self_attn\.q_proj\.weight"/);
    expectRefusal(config, extra('lm_head.bias'), /Tensor "lm_head\.bias" in model\.safetensors is not one/);
    expectRefusal(config, extra('embed_out.bias'), /Tensor "embed_out\.bias" in model\.safetensors is not one/);
    expectRefusal(config, extra('model.layers.0.self_attn.q_proj.lora_A.weight'), /lora_A/);
  });

  test('may hold layers that predict further tokens where config.json names them', async () => {
    const deepseek = await storedOf('deepseek_v3.1');
    const [first] = deepseek.values();
    const withLayer = (layer: number): Stored =>
      new Map([
        ...deepseek,
        ...(first === undefined
          ? []
          : [[`model.layers.${layer}.eh_proj.weight`, { ...first, name: `model.layers.${layer}.eh_proj.weight` }] as const]),
      ]);
    const base = { ...configOf('deepseek_v3.1'), num_nextn_predict_layers: 1 };
    expect(() => readDecoder(base, withLayer(3))).not.toThrow();
    expectRefusal(base, withLayer(4), /"model\.layers\.4\.eh_proj\.weight"/);
  });

  test('may not lack a weight, nor have one of a type that is not supported', () => {
    for (const name of stored.keys()) {
      const without = new Map([...stored].filter(([other]) => other !== name));
      expectRefusal(config, without, /^The model's files hold no tensor "/);
      const typed = new Map(
        [...stored].map(([other, tensor]) => [other, other === name ? { ...tensor, dtype: 'F8_E4M3' } : tensor] as const),
      );
      expectRefusal(config, typed, /is stored as F8_E4M3; F32, F16 and BF16 are supported/);
    }
  });
});

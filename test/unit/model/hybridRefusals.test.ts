import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import { checkRecipe } from '../../../src/core/recipe.ts';
import { readDecoder } from '../../../src/model/families/families.ts';
import { readSafetensorsHeader } from '../../../src/model/formats/safetensors.ts';
import { recipeScope } from '../../../src/model/run/forward.ts';
import { FIXTURES } from '../../golden/compare.ts';
import { folder } from './folder.ts';

type Config = Readonly<Record<string, unknown>>;

const HYBRIDS = `${FIXTURES}/hybrids`;
const configOf = (name: string): Config => JSON.parse(readFileSync(`${HYBRIDS}/${name}/config.json`, 'utf8')) as Config;
const storedOf = (name: string) => readSafetensorsHeader(folder(`${HYBRIDS}/${name}`), 'model.safetensors');

test.each<[string, Config, RegExp]>([
  ['granitemoehybrid.1', { mamba_d_head: 7 }, /"mamba_d_head" makes 4 heads of 7, where the layer has 32 numbers a token/],
  ['granitemoehybrid.1', { mamba_n_groups: 3 }, /"mamba_n_groups" is 3, which does not divide 4 Mamba heads/],
  ['granitemoehybrid.1', { mamba_d_conv: 1 }, /"mamba_d_conv" must be a whole number from 2 on, not 1/],
  ['granitemoehybrid.1', { mamba_expand: 3, mamba_d_head: 'auto' }, /"model\.layers\.0\.mamba\.in_proj\.weight" in .* is 92 x 16, where/],
  ['granitemoehybrid.1', { time_step_limit: [2, 1] }, /"time_step_limit" must be two numbers from 0 on, the smaller first/],
  ['granitemoehybrid.1', { time_step_limit: 'fast' }, /"time_step_limit" must be two numbers/],
  ['granitemoehybrid.1', { hidden_act: 'gelu' }, /"hidden_act" is "gelu", which is not supported/],
  ['granitemoehybrid.1', { position_embedding_type: 'alibi' }, /"position_embedding_type" is "alibi", which is not supported/],
  ['granitemoehybrid.1', { layer_types: ['mamba', 'sliding_attention', 'mamba'] }, /"layer_types" holds "sliding_attention"/],
  ['granitemoehybrid.1', { layer_types: ['mamba'] }, /"layer_types" has 1 entries for 3 layers/],
  ['granitemoehybrid.1', { layer_types: ['mamba', 'mamba', 'mamba'] }, /no tensor "model\.layers\.1\.mamba\.in_proj\.weight"/],
  [
    'granitemoehybrid.1',
    { num_local_experts: 0 },
    /"model\.layers\.\d\.block_sparse_moe\..*" in .* is not one that config\.json calls for/,
  ],
  ['falcon_h1.1', { ssm_multipliers: [1, 2] }, /"ssm_multipliers" has 2 entries/],
  ['falcon_h1.1', { mlp_multipliers: [1, 'b'] }, /"mlp_multipliers" holds "b", where numbers are supported/],
  ['falcon_h1.1', { key_multiplier: null }, /"key_multiplier" must be a number, not null/],
  ['falcon_h1.1', { mamba_d_ssm: 30 }, /"mamba_d_head" makes 4 heads of 8, where the layer has 30/],
  ['falcon_h1.1', { mamba_rms_norm: true }, /no tensor "model\.layers\.0\.mamba\.norm\.weight"/],
  ['falcon_h1.2', { mamba_rms_norm: false }, /"model\.layers\.\d\.mamba\.norm\.weight" in .* is not one that/],
  [
    'nemotron_h.1',
    { layers_block_type: ['mamba', 'rnn'] },
    /"layers_block_type" holds "rnn", where linear_attention, full_attention, mlp, moe are/,
  ],
  ['nemotron_h.1', { layers_block_type: [] }, /"layers_block_type" is empty/],
  [
    'nemotron_h.1',
    { layers_block_type: null, hybrid_override_pattern: 'M?' },
    /"hybrid_override_pattern" holds "\?", where M, \*, - and E/,
  ],
  ['nemotron_h.1', { n_group: 3 }, /"n_group" is 3, which does not divide 4 experts/],
  ['nemotron_h.1', { mamba_hidden_act: 'gelu' }, /"mamba_hidden_act" is "gelu"/],
  ['nemotron_h.1', { moe_latent_size: 4 }, /"backbone\.layers\.3\.mixer\..*" in .* is |no tensor "backbone\.layers\.3\.mixer\./],
  ['nemotron_h.1', { conv_kernel: 1 }, /"conv_kernel" is 1: a convolution of at least 2 tokens is supported/],
  ['lfm2_moe.1', { num_experts_per_tok: 5 }, /"num_experts_per_tok" is 5, with 4 experts/],
  ['lfm2_moe.1', { use_expert_bias: false }, /"model\.layers\.1\.feed_forward\.expert_bias" in .* is not one that/],
  ['lfm2_moe.1', { num_dense_layers: 0 }, /no tensor "model\.layers\.0\.feed_forward\.gate\.weight"/],
])('%s with %j is refused in a sentence', async (name, changed, message) => {
  const stored = await storedOf(name);
  const read = (): unknown => readDecoder({ ...configOf(name), ...changed }, stored);
  expect(read).toThrow(UserError);
  expect(read).toThrow(message);
  expect(read).toThrow(/^[^\n]{1,400}\.$/);
});

test('steps limits, as Python and transformers 5 write infinity', async () => {
  const stored = await storedOf('granitemoehybrid.1');
  const limits = [undefined, [0, Infinity], [0, { __float__: 'Infinity' }], [0.1, 2]].map((limit) => {
    const config = { ...configOf('granitemoehybrid.1'), ...(limit === undefined ? {} : { time_step_limit: limit }) };
    const [block] = readDecoder(config, stored).spec.blocks;
    return block?.attention.kind === 'mamba' ? block.attention.stepLimit : null;
  });
  expect(limits).toEqual([
    [0, Infinity],
    [0, Infinity],
    [0, Infinity],
    [0.1, 2],
  ]);
});

test('a layer without an MLP has none to change', async () => {
  const scope = { ...recipeScope(readDecoder(configOf('nemotron_h.1'), await storedOf('nemotron_h.1')).spec), tokens: 4 };
  const change = (layer: number) => () => checkRecipe([{ kind: 'mlp', layer, action: 'zero' }], scope);
  expect(change(0)).toThrow('The recipe, step 1: layer 0 has no MLP.');
  expect(change(1)).not.toThrow();
  expect(() => checkRecipe([{ kind: 'head', layer: 1, head: 0, action: 'zero' }], scope)).toThrow(
    'layer 1 is an MLP alone: it has no attention weights to change.',
  );
});

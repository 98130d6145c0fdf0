import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import { readDecoder } from '../../../src/model/families/families.ts';
import { readSafetensorsHeader } from '../../../src/model/formats/safetensors.ts';
import { FIXTURES } from '../../golden/compare.ts';
import { folder } from './folder.ts';

type Config = Readonly<Record<string, unknown>>;

const CASE = `${FIXTURES}/families/gemma3n_text.1`;
const CONFIG = JSON.parse(readFileSync(`${CASE}/config.json`, 'utf8')) as Config;
const stored = await readSafetensorsHeader(folder(CASE), 'model.safetensors');

test.each<[Config, RegExp]>([
  [{ altup_num_inputs: 1 }, /"altup_num_inputs" must be a whole number from 2 on, not 1/],
  [{ altup_num_inputs: 4 }, /no tensor "model\.altup_projections\.2\.weight"|"model\.layers\.0\.altup\..*" in .* is /],
  [{ altup_num_inputs: 2 }, /"model\.layers\.0\.altup\..*" in .* is |"model\.altup_.*\.1\.weight" in .* is not one that/],
  [{ altup_active_idx: 3 }, /"altup_active_idx" is 3, of 3 streams/],
  [{ altup_active_idx: -1 }, /"altup_active_idx" must be a whole number from 0 on, not -1/],
  [{ laurel_rank: 5 }, /"model\.layers\.0\.laurel\.linear_left\.weight" in .* is 4 x 16, where config\.json calls for 5 x 16/],
  [{ intermediate_size: [8, 8] }, /"intermediate_size" has 2 entries for 5 layers/],
  [{ intermediate_size: [8, 8, 8, 8, 'wide'] }, /"intermediate_size" holds "wide", where whole numbers are supported/],
  [
    { intermediate_size: [8, 8, 8, 8, 9] },
    /"model\.layers\.4\.mlp\.gate_proj\.weight" in .* is 8 x 16, where config\.json calls for 9 x 16/,
  ],
  [{ activation_sparsity_pattern: 0.95 }, /"activation_sparsity_pattern" must be a list, not 0\.95/],
  [{ activation_sparsity_pattern: [0.5] }, /"activation_sparsity_pattern" has 1 entries for 5 layers/],
  [{ activation_sparsity_pattern: [1, 0, 0, 0, 0] }, /"activation_sparsity_pattern" holds 1, where shares from 0 to below 1 are supported/],
  [{ num_kv_shared_layers: 5 }, /"num_kv_shared_layers" is 5, of 5 layers/],
  [{ num_kv_shared_layers: 4, layer_types: [...Array<string>(4).fill('sliding_attention'), 'full_attention'] }, /has keys for layer 4/],
  [{ hidden_size_per_layer_input: 0 }, /"hidden_size_per_layer_input" must be a whole number from 1 on, not 0/],
  [{ layer_types: ['conv', 'conv', 'conv', 'conv', 'conv'] }, /"layer_types" holds "conv"/],
  [{ num_attention_heads: 3 }, /"hidden_size" is 16, which 3 heads do not divide|does not divide 3 heads/],
  [{ hidden_activation: 'swish9' }, /"hidden_activation"/],
])('a Gemma 3n with %j is refused in a sentence', (changed, message) => {
  const read = (): unknown => readDecoder({ ...CONFIG, ...changed }, stored);
  expect(read).toThrow(UserError);
  expect(read).toThrow(message);
});

test('factors of AltUp that an option switches off, and keys of layers that read those of others, may be there all the same', () => {
  const extra = stored.get('model.layers.0.self_attn.k_proj.weight');
  if (extra === undefined) throw new Error('Layer 0 has keys.');
  const more = new Map([...stored, ['model.layers.4.self_attn.k_proj.weight', extra] as const]);
  const { spec } = readDecoder({ ...CONFIG, altup_correct_scale: false }, more);
  expect(spec.blocks.map(({ altUp }) => altUp?.outputScale)).toEqual([null, null, null, null, null]);
});

test('what config.json leaves out is what transformers takes', () => {
  const { altup_active_idx: _index, activation_sparsity_pattern: _pattern, ...rest } = CONFIG;
  const { spec } = readDecoder(rest, stored);
  expect(spec.streams).toMatchObject({ count: 3, active: 0 });
  // Sparse gates only in models of more than ten layers.
  expect(spec.blocks.every(({ mlp }) => mlp.kind === 'gated' && mlp.deviations === undefined)).toBe(true);
});

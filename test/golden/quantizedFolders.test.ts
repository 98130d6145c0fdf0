import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { english, translated } from '../../src/core/translatable.ts';
import { asFolder } from '../../src/model/formats/asFolder.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { modelAt } from '../../src/worker/files.node.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, wasm } from './compare.ts';
import { expectClose, openGolden } from './oracle.ts';

const QUANTIZED = `${FIXTURES}/quantized`;
const CASES = readdirSync(QUANTIZED, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
/** How each case's weights are named. */
const TYPES: Readonly<Record<string, string>> = {
  awq: 'AWQ 4-bit',
  bnb_8: 'bitsandbytes 8-bit',
  ct_fp8: 'compressed-tensors FP8',
  ct_int8: 'compressed-tensors INT8',
  fp8_blocks: 'FP8',
  gptq_4: 'GPTQ 4-bit',
  gptq_4_act_order: 'GPTQ 4-bit',
  gptq_8_v2: 'GPTQ 8-bit',
  mxfp4: 'MXFP4',
  nf4: 'bitsandbytes NF4',
  nf4_nested: 'bitsandbytes NF4',
  w4a16: 'compressed-tensors 4-bit',
  w8a16_asymmetric: 'compressed-tensors 8-bit',
};

describe.each([
  ['native', native, CASES],
  ['WASM', wasm, ['gptq_4_act_order', 'mxfp4']],
] as const)('a folder of quantised weights, %s', (_, runtime, cases) => {
  it.each(cases)('%s equals transformers with the numbers they stand for', async (name) => {
    const golden = await openGolden(folder(QUANTIZED), `${name}.safetensors`);
    const model = await openLanguageModel(await modelAt(`${QUANTIZED}/${name}`), await runtime());
    try {
      expect(model.info.weightType).toBe(TYPES[name]);
      const trace = await model.run(runOf(await golden.ids(), UNCHANGED));
      const last = trace.resid.at(-1) ?? expect.fail('No residual.');
      expectClose(await model.logits(last), await golden.floats('logits'), 'logits');
    } finally {
      await model.dispose();
    }
  });
});

it.each([
  ['native', native],
  ['WASM', wasm],
] as const)('MXFP4 kept quantised equals transformers, %s', async (_, runtime) => {
  const golden = await openGolden(folder(QUANTIZED), 'mxfp4.safetensors');
  const model = await openLanguageModel(await modelAt(`${QUANTIZED}/mxfp4`), { ...(await runtime()), dequantizedMaxBytes: 0 });
  try {
    const { resid } = await model.run(runOf(await golden.ids(), UNCHANGED));
    expectClose(await model.logits(resid.at(-1) ?? expect.fail('No residual.')), await golden.floats('logits'), 'logits');
  } finally {
    await model.dispose();
  }
});

describe('a folder of quantised weights', () => {
  it('may be read in any part', async () => {
    for (const name of CASES) {
      const files = await modelAt(`${QUANTIZED}/${name}`);
      const made = [...(files.weights?.tensors.values() ?? [])].filter(({ file }) => file.includes(': '));
      expect(made.length, name).toBeGreaterThan(1);
      for (const { file, length } of made) {
        const whole = await files.read(file, 0, length);
        const from = Math.floor(length / 8) * 4 + 4;
        expect(await files.read(file, from, 36), `${name} ${file}`).toEqual(whole.slice(from, from + 36));
      }
    }
  });

  it('says which activations it does not round', async () => {
    const { notices = [] } = await modelAt(`${QUANTIZED}/fp8_blocks`);
    expect(notices.map((notice) => translated(notice, english))).toEqual([
      'fp8_blocks is meant to round its activations to 8 bits as well while it runs; here only its weights are rounded (FP8).',
    ]);
  });

  it.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    [
      'gptq_4',
      { quant_method: 'hqq' },
      /^config\.json: "quantization_config\.quant_method" is "hqq": weights quantised in this way are not read/,
    ],
    ['gptq_4', { quant_method: 'toString' }, /quant_method" is "toString"/],
    ['gptq_4', { bits: 3 }, /"quantization_config\.bits" is 3/],
    ['gptq_4', { checkpoint_format: 'marlin' }, /checkpoint_format" is "marlin"/],
    ['gptq_4', { group_size: 0 }, /group_size" is 0/],
    ['gptq_4', { bits: 8 }, /Tensor "model\.layers\.0\.mlp\.down_proj\.qzeros" in model\.safetensors is 4 x 4, where 4 x 8 is called for/],
    ['awq', { version: 'gemv' }, /version" is "gemv"/],
    ['awq', { bits: 8 }, /"quantization_config\.bits" is 8: AutoAWQ, which defines the format, has 4 bits alone/],
    ['w4a16', { format: 'nvfp4-pack-quantized' }, /format" is "nvfp4-pack-quantized"/],
    ['w4a16', { kv_cache_scheme: { num_bits: 8 } }, /kv_cache_scheme" is "set"/],
    ['fp8_blocks', { weight_block_size: [128, 128] }, /weight_scale_inv" in .* are not the scales of a/],
  ])('%s with %j is refused by its name', async (name, options, message) => {
    const config = JSON.parse(await readFile(`${QUANTIZED}/${name}/config.json`, 'utf8')) as { quantization_config: object };
    const changed = JSON.stringify({ ...config, quantization_config: { ...config.quantization_config, ...options } });
    await expect(asFolder(folder(`${QUANTIZED}/${name}`, { 'config.json': changed }))).rejects.toThrow(message);
  });
});

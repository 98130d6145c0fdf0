import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import type { ModelFiles } from '../../../src/model/formats/modelFiles.ts';
import { readSafetensorsHeader } from '../../../src/model/formats/safetensors.ts';
import { openLanguageModel, type LanguageModel } from '../../../src/model/languageModel.ts';
import type { Runtime } from '../../../src/model/run/runtime.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { filesOf, folder } from './folder.ts';
import { nonEmpty } from '../../closeness.ts';
import { cpuMs } from '../../cpuTime.ts';

const CONFIG = JSON.parse(readFileSync(`${FIXTURES}/llama/config.json`, 'utf8')) as Record<string, unknown>;
const GPT2_CONFIG = JSON.parse(readFileSync(`${FIXTURES}/gpt2/config.json`, 'utf8')) as Record<string, unknown>;
let runtime: Runtime;
beforeAll(async () => {
  runtime = await wasm();
});

/** Opening fails before it has worked for long, with one sentence that says `message`. */
async function expectRefusal(files: ModelFiles, message: RegExp | string): Promise<void> {
  const started = cpuMs();
  const failure: unknown = await openLanguageModel(files, runtime).then(
    () => null,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(UserError);
  if (!(failure instanceof UserError)) return;
  expect(failure.message).toMatch(message);
  expect(failure.message).toMatch(/\.$/);
  expect(failure.message).not.toContain('\n');
  expect(failure.message.length).toBeLessThan(400);
  expect(cpuMs() - started).toBeLessThan(20_000);
}

/** A safetensors file of a header and so many bytes of data. */
function safetensors(header: unknown, dataBytes: number, headerLength?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const F32 = (begin: number, end: number, shape: readonly unknown[] = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('weights', () => {
  test.each<[string, Uint8Array | string, RegExp]>([
    ['empty', '', /model\.safetensors is cut off: it holds 0 bytes/],
    ['shorter than a length', 'abc', /model\.safetensors is cut off/],
    [
      'a header beyond the file',
      safetensors('{}', 0, 1000n),
      /model\.safetensors is cut off or not a safetensors file: its header would take 1\.0 kB of 10 bytes/,
    ],
    ['a header of 2^64 - 1 bytes', safetensors('{}', 0, 2n ** 64n - 1n), /model\.safetensors is cut off or not/],
    ['something else', 'This is not a model at all, it is a sentence.', /model\.safetensors is cut off or not a safetensors file/],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 18035120\n',
      /model\.safetensors is a Git LFS pointer/,
    ],
    ['no JSON', safetensors('{"a": NaN}', 0), /header of model\.safetensors is not valid JSON/],
    ['no object', safetensors('[1]', 0), /header of model\.safetensors is not a JSON object/],
    ['no UTF-8', safetensors('{"a', 0).map((byte, i) => (i === 9 ? 0xff : byte)), /header of model\.safetensors is not UTF-8/],
    ['overlapping tensors', safetensors({ a: F32(0, 8), b: F32(4, 12) }, 12), /Tensors "a" and "b" in model\.safetensors overlap/],
    [
      'a tensor beyond the file',
      safetensors({ a: F32(0, 8), b: F32(8, 64) }, 12),
      /model\.safetensors is cut off: tensor "b" ends at byte/,
    ],
    ['a hole', safetensors({ a: F32(0, 8), b: F32(12, 16) }, 16), /model\.safetensors has 4 bytes before tensor "b" that belong to none/],
    ['a tail', safetensors({ a: F32(0, 8) }, 12), /model\.safetensors has 4 bytes after its last tensor/],
    [
      'offsets in the wrong order',
      safetensors({ a: { dtype: 'F32', shape: [2], data_offsets: [8, 0] } }, 8),
      /Tensor "a" in model\.safetensors ends at byte 0, before it begins at 8/,
    ],
    [
      'another length than its shape',
      safetensors({ a: F32(0, 8, [3]) }, 8),
      /Tensor "a" in model\.safetensors is 3 numbers of F32, which is not the 8 bytes/,
    ],
    [
      'a negative offset',
      safetensors({ a: { dtype: 'F32', shape: [2], data_offsets: [-8, 0] } }, 8),
      /Tensor "a" in model\.safetensors has "data_offsets"/,
    ],
    [
      'a fraction as offset',
      safetensors({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 7.5] } }, 8),
      /Tensor "a" in model\.safetensors has "data_offsets"/,
    ],
    ['texts as offsets', safetensors({ a: { dtype: 'F32', shape: [2], data_offsets: ['0', '8'] } }, 8), /"data_offsets"/],
    ['a negative size', safetensors({ a: F32(0, 8, [-1, -2]) }, 8), /Tensor "a" in model\.safetensors has a "shape"/],
    ['a size over 2^53', safetensors({ a: F32(0, 8, [1e300, 1e300]) }, 8), /"shape"/],
    ['an overflowing product', safetensors({ a: F32(0, 8, [2 ** 50, 2 ** 50, 2 ** 50]) }, 8), /is not the 8 bytes/],
    ['no type', safetensors({ a: { shape: [2], data_offsets: [0, 8] } }, 8), /Tensor "a" in model\.safetensors has no "dtype"/],
    ['no description', safetensors({ a: 7 }, 0), /Tensor "a" in model\.safetensors is not described/],
    [
      'a name twice',
      safetensors(
        '{"a": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}, "\\u0061": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      /header of model\.safetensors says "a" twice/,
    ],
    ['a type twice', safetensors('{"a": {"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}', 4), /says "dtype" twice/],
    [
      'a name of the prototype',
      safetensors('{"__proto__": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      /Tensor "__proto__" in model\.safetensors has a name that is not allowed/,
    ],
    ['a name of several lines', safetensors({ 'a\nb': 7 }, 0), /Tensor "a\\nb" in model\.safetensors/],
    ['an endless name', safetensors({ ['a'.repeat(100_000)]: 7 }, 0), /Tensor "aaa/],
    ['no tensor that is needed', safetensors({ constructor: F32(0, 4) }, 4), /no tensor "lm_head\.weight"/],
  ])('with %s are refused', (_, bytes, message) =>
    expectRefusal(filesOf({ 'config.json': JSON.stringify(CONFIG), 'model.safetensors': bytes }), message),
  );

  test('of 1 GB of header are refused by their size, unread', async () => {
    const claimed = 1_000_000_000;
    const reads: number[] = [];
    const files: ModelFiles = {
      ...filesOf({ 'config.json': JSON.stringify(CONFIG) }),
      list: async () => ['config.json', 'model.safetensors'],
      size: async (file) => (file === 'config.json' ? JSON.stringify(CONFIG).length : claimed + 8),
      read: async (file, offset, length) => {
        if (file === 'config.json') return new TextEncoder().encode(JSON.stringify(CONFIG));
        reads.push(length);
        const bytes = new Uint8Array(length);
        if (offset === 0) new DataView(bytes.buffer).setBigUint64(0, BigInt(claimed), true);
        return bytes;
      },
    };
    await expectRefusal(files, /model\.safetensors has a header of 1\.0 GB/);
    expect(Math.max(...nonEmpty(reads, 'read'))).toBeLessThan(100);
  });

  test('cut off by one byte are refused', async () => {
    const bytes = await readFile(`${FIXTURES}/llama/model.safetensors`);
    await expectRefusal(
      folder(`${FIXTURES}/llama`, { 'model.safetensors': bytes.subarray(0, -1) }),
      /model\.safetensors is cut off: tensor "/,
    );
  });

  test('in an unknown file are refused by what is there', async () => {
    const config = JSON.stringify(CONFIG);
    await expectRefusal(filesOf({ 'config.json': config }), /holds no model\.safetensors/);
    await expectRefusal(filesOf({ 'config.json': config, 'pytorch_model.bin': 'x' }), /holds its weights as pytorch_model\.bin/);
    await expectRefusal(
      filesOf({ 'config.json': config, 'a.safetensors': 'x', 'b.safetensors': 'x' }),
      /2 safetensors files but no model\.safetensors\.index\.json/,
    );
  });

  test('stored in a type that is not supported are refused by it', async () => {
    const bytes = new Uint8Array(await readFile(`${FIXTURES}/llama/model.safetensors`));
    const text = new TextDecoder('latin1').decode(bytes);
    const at = text.indexOf('"model.norm.weight":{"dtype":"F32"');
    bytes.set(new TextEncoder().encode('I32'), at + '"model.norm.weight":{"dtype":"'.length);
    await expectRefusal(
      folder(`${FIXTURES}/llama`, { 'model.safetensors': bytes }),
      /Tensor "model\.norm\.weight" in model\.safetensors is stored as I32/,
    );
  });
});

/** A sharded model of this index. */
function indexed(index: unknown, shards: Record<string, Uint8Array> = {}): ModelFiles {
  return filesOf({
    'config.json': JSON.stringify(CONFIG),
    'model.safetensors.index.json': typeof index === 'string' ? index : JSON.stringify(index),
    ...shards,
  });
}

function rope(parameters: Record<string, unknown>): Record<string, unknown> {
  return { rope_parameters: { rope_theta: 1e4, ...parameters } };
}

describe('an index', () => {
  test.each<[string, unknown, RegExp]>([
    ['without a map', {}, /model\.safetensors\.index\.json has no "weight_map"/],
    ['of no JSON', '{', /model\.safetensors\.index\.json is not valid JSON/],
    ['naming a parent folder', { weight_map: { a: '../x' } }, /places "a" in "\.\.\/x", which is not the name of a file beside it/],
    ['naming a path', { weight_map: { a: '/etc/passwd' } }, /places "a" in "\/etc\/passwd"/],
    ['naming a Windows path', { weight_map: { a: '..\\x' } }, /not the name of a file/],
    ['naming no text', { weight_map: { a: 3 } }, /places "a" in 3/],
    [
      'naming a missing shard',
      { weight_map: { a: 'b.safetensors' } },
      /"b\.safetensors" is missing, where model\.safetensors\.index\.json places "a"/,
    ],
    ['naming the prototype', '{"weight_map": {"__proto__": "b.safetensors"}}', /"b\.safetensors" is missing/],
  ])('%s is refused', (_, index, message) => expectRefusal(indexed(index), message));

  test('naming a tensor its shard does not hold is refused', () =>
    expectRefusal(
      indexed({ weight_map: { a: 'b.safetensors' } }, { 'b.safetensors': safetensors({ c: F32(0, 4) }, 4) }),
      /places "a" in "b\.safetensors", which does not hold it/,
    ));
});

describe('a llama config', () => {
  test.each<[Record<string, unknown>, RegExp]>([
    [{ model_type: 'mamba' }, /models of type "mamba" are not supported/],
    [{ model_type: 'constructor' }, /"constructor" are not supported/],
    [{ model_type: '__proto__' }, /"__proto__" are not supported/],
    [{ model_type: undefined }, /does not say what "model_type"/],
    [{ model_type: 7 }, /"model_type" must be a text, not 7/],
    [{ hidden_size: '64' }, /"hidden_size" must be a whole number from 1 on, not "64"/],
    [{ hidden_size: -64 }, /"hidden_size" must be a whole number/],
    [{ hidden_size: null }, /"hidden_size" must be a whole number from 1 on, not null/],
    [{ hidden_size: 64.5 }, /"hidden_size"/],
    [{ hidden_size: 62 }, /"hidden_size" is 62, which 4 heads do not divide/],
    [{ num_key_value_heads: 3 }, /"num_key_value_heads" is 3, which does not divide 4 heads/],
    [
      { head_dim: 24 },
      /Tensor "model\.layers\.0\.self_attn\.q_proj\.weight" in model\.safetensors is 64 x 64, where config\.json calls for 96 x 64/,
    ],
    [{ head_dim: 15 }, /even head size, not 15/],
    [{ num_hidden_layers: 1_000_000_000 }, /no tensor "model\.layers\.2\.input_layernorm\.weight"/],
    [{ num_hidden_layers: 0 }, /"num_hidden_layers"/],
    [{ vocab_size: 301 }, /is 300 x 64, where config\.json calls for 301 x 64/],
    [{ intermediate_size: 111 }, /mlp\.gate_proj\.weight" in model\.safetensors is 112 x 64/],
    [{ rms_norm_eps: 0 }, /"rms_norm_eps" must be above 0/],
    [{ rms_norm_eps: '1e-6' }, /"rms_norm_eps" must be a number, not "1e-6"/],
    [{ attention_bias: 1 }, /"attention_bias" must be true or false, not 1/],
    [{ attention_bias: true }, /no tensor "model\.layers\.0\.self_attn\.q_proj\.bias"/],
    [{ mlp_bias: true }, /no tensor "model\.layers\.0\.mlp\.gate_proj\.bias"/],
    [{ hidden_act: 'xielu' }, /"hidden_act" is "xielu"/],
    [{ hidden_act: 'toString' }, /"hidden_act" is "toString"/],
    [{ quantization_config: { bits: 4 } }, /"quantization_config" is set/],
    [{ per_layer_config: { 0: {} } }, /"per_layer_config" is set/],
    [rope({ rope_type: 'axial' }), /"rope_parameters\.rope_type" is "axial", which is not supported/],
    [rope({ rope_type: 'hasOwnProperty' }), /"hasOwnProperty", which is not supported/],
    [rope({ rope_type: 'linear' }), /"rope_parameters\.factor" must be a number, not absent/],
    [rope({ rope_type: 'linear', factor: 0 }), /"rope_parameters\.factor" must be above 0/],
    [rope({ rope_type: 'linear', factor: 2, partial_rotary_factor: 0.5 }), /"rope_parameters\.partial_rotary_factor" cannot be 0\.5/],
    [rope({ rope_type: 'yarn' }), /"rope_parameters\.factor" is missing/],
    [
      rope({ rope_type: 'llama3', factor: 2, low_freq_factor: 4, high_freq_factor: 1 }),
      /"rope_parameters\.high_freq_factor" must be above/,
    ],
    [rope({ rope_type: 'longrope', short_factor: [1], long_factor: [1] }), /"rope_parameters\.short_factor" must be a list of 8 numbers/],
    [{ rope_parameters: undefined, rope_scaling: 'linear' }, /"rope_scaling" is not a JSON object/],
    [{ rope_parameters: undefined, rope_theta: -1 }, /"rope_theta" must be above 0/],
    [{ rope_parameters: undefined, rope_scaling: { type: 'su', factor: 2 } }, /"rope_scaling\.rope_type" is "su"/],
  ])('with %j is refused', (changed, message) =>
    expectRefusal(folder(`${FIXTURES}/llama`, { 'config.json': JSON.stringify({ ...CONFIG, ...changed }) }), message),
  );

  test.each<[string, string | Uint8Array, RegExp]>([
    [
      'NaN',
      JSON.stringify(CONFIG).replace('"hidden_size":64', '"hidden_size":NaN'),
      /"hidden_size" must be a whole number from 1 on, not NaN/,
    ],
    [
      'a word that Python does not have',
      JSON.stringify(CONFIG).replace('64', 'Inf'),
      /config\.json is not valid JSON: Unexpected token 'I'/,
    ],
    ['Infinity', JSON.stringify(CONFIG).replace('"hidden_size":64', '"hidden_size":1e999'), /"hidden_size" must be a whole number/],
    ['a list', '[]', /config\.json is not a JSON object/],
    ['nothing', '', /config\.json is not valid JSON/],
    ['no UTF-8', Uint8Array.of(0xff, 0xfe), /config\.json is not UTF-8 text/],
    ['options on the prototype', `{"__proto__": ${JSON.stringify(CONFIG)}}`, /does not say what "model_type"/],
  ])('of %s is refused', (_, config, message) => expectRefusal(folder(`${FIXTURES}/llama`, { 'config.json': config }), message));

  test('that is missing is refused', () => expectRefusal(filesOf({}), /holds no config\.json: choose the folder/));

  test('of 1 GB is refused by its size, unread', () =>
    expectRefusal(
      {
        ...filesOf({}),
        list: async () => ['config.json'],
        size: async () => 1_000_000_000,
        read: () => Promise.reject(new Error('read')),
      },
      /config\.json is too large: 1\.0 GB/,
    ));

  test('of an untied model without unembedding is refused', async () => {
    const weights = await readFile(`${FIXTURES}/weights/llama_tied.safetensors`);
    const config = await readFile(`${FIXTURES}/variants/sharded/config.json`);
    await expectRefusal(
      filesOf({ 'config.json': config, 'model.safetensors': weights }),
      /no tensor "lm_head\.weight", and config\.json does not say "tie_word_embeddings": true/,
    );
  });
});

describe('a gpt2 config', () => {
  test.each<[Record<string, unknown>, RegExp]>([
    [{ add_cross_attention: true }, /"add_cross_attention" is true/],
    [{ n_head: 5 }, /"n_embd" is 64, which 5 heads do not divide/],
    [{ n_positions: 65 }, /Tensor "transformer\.wpe\.weight" in model\.safetensors is 64 x 64, where config\.json calls for 65 x 64/],
    [{ n_inner: 128 }, /mlp\.c_fc\.weight" in model\.safetensors is 64 x 256/],
    [{ hidden_size: 32 }, /"hidden_size" contradicts "n_embd": 64/],
    [{ scale_attn_weights: 'yes' }, /"scale_attn_weights" must be true or false/],
    [{ tie_word_embeddings: false }, /no tensor "lm_head\.weight"/],
    [{ activation_function: 'gelu_unknown' }, /"activation_function" is "gelu_unknown"/],
  ])('with %j is refused', (changed, message) =>
    expectRefusal(folder(`${FIXTURES}/gpt2`, { 'config.json': JSON.stringify({ ...GPT2_CONFIG, ...changed }) }), message),
  );
});

test('weights that are not numbers are named when they show', async () => {
  const bytes = new Uint8Array(await readFile(`${FIXTURES}/llama/model.safetensors`));
  const header = await readSafetensorsHeader(folder(`${FIXTURES}/llama`), 'model.safetensors');
  const damaged = (name: string): Uint8Array => {
    const { offset = 0 } = header.get(name) ?? {};
    return bytes.map((byte, i) => (i >= offset && i < offset + 4 ? 0xff : byte));
  };
  const inBlock = await openWith(damaged('model.layers.1.input_layernorm.weight'));
  await expect(inBlock.run(runOf([1, 2, 3], UNCHANGED))).rejects.toThrow(
    "The model's numbers are not finite after layer 1: its weights are damaged.",
  );
  await inBlock.dispose();
  const atEnd = await openWith(damaged('model.norm.weight'));
  const { resid } = await atEnd.run(runOf([1, 2, 3], UNCHANGED));
  const [, , last] = resid;
  if (last === undefined) throw new Error('No residual.');
  await expect(atEnd.unembed(last, 1, new Int32Array(3))).rejects.toThrow(/logits are not finite/);
  await expect(atEnd.logits(last)).rejects.toThrow(/logits are not finite/);
  await atEnd.dispose();
});

function openWith(weights: Uint8Array): Promise<LanguageModel> {
  return openLanguageModel(folder(`${FIXTURES}/llama`, { 'model.safetensors': weights }), runtime);
}

import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../../../src/core/errors.ts';
import { english, translated } from '../../../../src/core/translatable.ts';
import { asFolder } from '../../../../src/model/formats/asFolder.ts';
import { readModel } from '../../../../src/model/describeModel.ts';
import { readDecoder } from '../../../../src/model/families/families.ts';
import { CONFIG_MAX_BYTES, readJson, type ModelFiles } from '../../../../src/model/formats/modelFiles.ts';
import { architectureNames } from '../../../../src/model/formats/gguf/architectures/architectures.ts';
import { ggufFiles } from '../../../../src/model/formats/gguf/ggufFiles.ts';
import { readGgufHeader } from '../../../../src/model/formats/gguf/ggufHeader.ts';
import { openWeights } from '../../../../src/model/formats/weights.ts';
import { readGeneration } from '../../../../src/model/generation/generationConfig.ts';
import { openTokenizer } from '../../../../src/model/tokenizer/textTokenizer.ts';
import { filesOf } from '../folder.ts';
import { ggufBytes, type GgufTensorInput, type Typed } from './write.ts';

const bytesOf = (name: string): Uint8Array => new Uint8Array(gunzipSync(readFileSync(`test/fixtures/gguf/${name}.gguf.gz`)));
const openFile = (bytes: Uint8Array): Promise<ModelFiles> => ggufFiles(filesOf({ 'm.gguf': bytes }), 'm.gguf');

const METADATA: Readonly<Record<string, Typed>> = {
  'general.architecture': ['text', 'llama'],
  'llama.block_count': ['u32', 1],
  'llama.embedding_length': ['u32', 2],
  'llama.attention.head_count': ['u32', 1],
  'llama.context_length': ['u32', 16],
  'llama.feed_forward_length': ['u32', 2],
  'llama.attention.layer_norm_rms_epsilon': ['f32', 1e-5],
};
const tensor = (name: string, shape: readonly number[]): GgufTensorInput => ({
  name,
  type: 0,
  shape,
  bytes: new Uint8Array(4 * shape.reduce((product, dim) => product * dim, 1)),
});
const TENSORS = [
  tensor('token_embd.weight', [4, 2]),
  tensor('output_norm.weight', [2]),
  tensor('blk.0.attn_norm.weight', [2]),
  tensor('blk.0.ffn_norm.weight', [2]),
  ...['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'].map((name) => tensor(`blk.0.${name}.weight`, [2, 2])),
];
const model = (changed: Readonly<Record<string, Typed | null>>, tensors: readonly GgufTensorInput[] = TENSORS): Uint8Array =>
  ggufBytes({
    metadata: Object.entries({ ...METADATA, ...changed }).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])),
    tensors,
  });

/** config.json and the weights, checked against each other. */
async function decoderOf(files: ModelFiles): Promise<ReturnType<typeof readDecoder>> {
  return readDecoder(await readJson(files, 'config.json', CONFIG_MAX_BYTES), await openWeights(files));
}

test('metadata becomes the config.json that was meant, in decimals', async () => {
  const files = await openFile(model({ 'llama.rope.freq_base': ['f32', 500_000], 'llama.rope.scaling.factor': ['f32', 0.1] }));
  expect(await readJson(files, 'config.json', CONFIG_MAX_BYTES)).toMatchObject({
    model_type: 'llama',
    vocab_size: 4,
    hidden_size: 2,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
    rope_parameters: { rope_type: 'linear', factor: 0.1, rope_theta: 500_000 },
  });
});

test('Llama 3’s scaling is found again in its divisors', async () => {
  const config = async (name: string): Promise<unknown> => readJson(await openFile(bytesOf(name)), 'config.json', CONFIG_MAX_BYTES);
  const llama3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  expect(await config('llama.q4_0')).toMatchObject({
    rope_parameters: { ...llama3, original_max_position_embeddings: 32, rope_theta: 10_000 },
  });
  expect(await config('llama.q8_0')).toMatchObject({
    rope_parameters: { ...llama3, original_max_position_embeddings: 8192, rope_theta: 500_000 },
  });
});

test('unquantised numbers that need no change lie where they are, others are made', async () => {
  const files = await openFile(bytesOf('llama.f16'));
  const { tensors } = await readGgufHeader(filesOf({ 'm.gguf': bytesOf('llama.f16') }), 'm.gguf');
  const up = files.weights?.tensors.get('model.layers.1.mlp.up_proj.weight');
  expect(up).toMatchObject({ dtype: 'F16', file: 'm.gguf', offset: tensors.get('blk.1.ffn_up.weight')?.offset });
  expect(files.weights?.tensors.get('model.layers.1.self_attn.q_proj.weight')).toMatchObject({
    dtype: 'F16',
    file: 'm.gguf: model.layers.1.self_attn.q_proj.weight',
    offset: 0,
  });
  expect(files.weights?.type).toBe('F16');
});

test('any range of made numbers is the same part of the whole', async () => {
  const older = ['llama.q4_0', 'gptneox.f16', 'gpt2.q4_1', 'deepseek2.q4_0', 'stablelm.q5_1', 'gemma.q4_0'];
  const newer = ['qwen35.q8_0', 'qwen35moe.q4_0', 'qwen3next.q5_0', 'gpt-oss.mxfp4', 'gemma4.q4_0', 'apertus.q8_0'];
  for (const name of [...older, ...newer]) {
    const files = await openFile(bytesOf(name));
    for (const { file, offset, length } of (await decoderOf(files)).tensors.slice(0, 40)) {
      const whole = await files.read(file, offset, length);
      expect(whole.length).toBe(length);
      for (const [from, count] of [
        [0, 4],
        [length - 4, 4],
        [Math.floor(length / 8) * 4, Math.min(12, length / 2)],
      ] as const) {
        expect(await files.read(file, offset + from, count), `${name} ${file}`).toEqual(whole.slice(from, from + count));
      }
    }
  }
});

describe('Gemma 3 as Ollama’s first converters wrote it', () => {
  const OWN: Readonly<Record<string, Typed>> = {
    'general.architecture': ['text', 'gemma3'],
    'gemma3.block_count': ['u32', 2],
    'gemma3.embedding_length': ['u32', 4],
    'gemma3.attention.head_count': ['u32', 2],
    'gemma3.attention.key_length': ['u32', 2],
    'gemma3.context_length': ['u32', 32_768],
    'gemma3.feed_forward_length': ['u32', 2],
    'gemma3.attention.sliding_window': ['u32', 8],
  };
  const LLAMA_CPP: Readonly<Record<string, Typed>> = {
    'gemma3.attention.layer_norm_rms_epsilon': ['f32', 1e-6],
    'gemma3.rope.freq_base': ['f32', 1e6],
    'gemma3.rope.freq_base_swa': ['f32', 1e4],
  };
  const PARTS = [
    tensor('token_embd.weight', [4, 4]),
    tensor('output_norm.weight', [4]),
    ...[0, 1].flatMap((layer) => [
      ...['attn_norm', 'post_attention_norm', 'ffn_norm', 'post_ffw_norm'].map((name) => tensor(`blk.${layer}.${name}.weight`, [4])),
      ...['attn_q_norm', 'attn_k_norm'].map((name) => tensor(`blk.${layer}.${name}.weight`, [2])),
      ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) => tensor(`blk.${layer}.${name}.weight`, [4, 4])),
      tensor(`blk.${layer}.ffn_gate.weight`, [2, 4]),
      tensor(`blk.${layer}.ffn_up.weight`, [2, 4]),
      tensor(`blk.${layer}.ffn_down.weight`, [4, 2]),
    ]),
  ];
  const PICTURES = [
    tensor('v.blk.0.attn_q.weight', [4, 4]),
    tensor('v.patch_embedding.bias', [4]),
    tensor('mm.mm_input_projection.weight', [4, 4]),
  ];
  const open = async (
    changed: Readonly<Record<string, Typed>>,
    extra: readonly GgufTensorInput[] = [],
  ): Promise<{ readonly config: unknown; readonly notices: readonly string[]; readonly tensors: number }> => {
    const files = await openFile(ggufBytes({ metadata: { ...OWN, ...changed }, tensors: [...PARTS, ...extra] }));
    await decoderOf(files);
    const { facts } = await readModel(files, 'wasm');
    return {
      config: await readJson(files, 'config.json', CONFIG_MAX_BYTES),
      notices: (facts.notices ?? []).map((notice) => translated(notice, english)),
      tensors: files.weights?.tensors.size ?? 0,
    };
  };

  test('is the model that llama.cpp’s converter writes, by its rope’s keys or with none', async () => {
    const expected = await open(LLAMA_CPP);
    expect(expected).toMatchObject({
      config: {
        rms_norm_eps: 1e-6,
        rope_parameters: { full_attention: { rope_theta: 1e6, rope_type: 'default' }, sliding_attention: { rope_theta: 1e4 } },
      },
      notices: [],
    });
    expect(
      await open({
        'gemma3.attention.layer_norm_rms_epsilon': ['f32', 1e-6],
        'gemma3.rope.global.freq_base': ['f32', 1e6],
        'gemma3.rope.local.freq_base': ['f32', 1e4],
      }),
    ).toEqual(expected);
    expect(await open({})).toEqual(expected);
    const other = await open({ 'gemma3.rope.global.freq_base': ['f32', 5e5], 'gemma3.rope.local.freq_base': ['f32', 2e4] });
    expect(other.config).toMatchObject({
      rope_parameters: { full_attention: { rope_theta: 5e5 }, sliding_attention: { rope_theta: 2e4 } },
    });
  });

  test('with pictures inside is its text model, which is said', async () => {
    const { tensors, config } = await open(LLAMA_CPP);
    expect(await open(LLAMA_CPP, PICTURES)).toEqual({
      config,
      tensors,
      notices: ['m.gguf also holds the part of the model that reads pictures, which is left out: only text is read.'],
    });
  });

  test('with the longer context divides positions by 8 where the file does not say, which is said', async () => {
    const { config, notices } = await open({ 'gemma3.context_length': ['u32', 131_072] }, PICTURES);
    expect(config).toMatchObject({
      rope_parameters: { full_attention: { rope_type: 'linear', factor: 8, rope_theta: 1e6 }, sliding_attention: { rope_type: 'default' } },
    });
    expect(notices).toHaveLength(2);
    expect(notices[1]).toBe(
      'm.gguf does not say how positions are scaled: they are divided by 8 in layers without a window, as in the models of Gemma ' +
        '3 with this context.',
    );
    const said = await open({ ...LLAMA_CPP, 'gemma3.context_length': ['u32', 131_072] });
    expect(said).toMatchObject({ config: { rope_parameters: { full_attention: { rope_type: 'default' } } }, notices: [] });
  });

  test('has Gemma 2’s cap in its metadata, which is not applied; another converter’s is', async () => {
    const cap = { 'gemma3.final_logit_softcapping': ['f32', 30] } as const;
    const first = await open({ 'gemma3.rope.global.freq_base': ['f32', 1e6], ...cap });
    expect(first).toMatchObject({
      config: { final_logit_softcapping: null },
      notices: [expect.stringMatching(/^m\.gguf says that logits are capped at 30, which is not done: Gemma 3 was trained without a cap/)],
    });
    expect(await open({ ...LLAMA_CPP, ...cap })).toMatchObject({ config: { final_logit_softcapping: 30 }, notices: [] });
  });
});

test('descriptions are bytes of whatever machine wrote them', async () => {
  const bytes = model({ 'general.description': ['text', 'Caf\u00e9'] });
  const place = Buffer.from(bytes).indexOf('Caf\u00e9') + 3;
  bytes.set([0xe9, 0x2e], place);
  expect((await decoderOf(await openFile(bytes))).spec.dim).toBe(2);
});

test('what llama.cpp’s converter keeps of generation_config.json is a suggestion, or named as left out', async () => {
  const files = await openFile(
    model({
      'general.sampling.temp': ['f32', 0.6],
      'general.sampling.top_k': ['i32', 20],
      'general.sampling.penalty_repeat': ['f32', 1.05],
    }),
  );
  const { suggested, leftOut, applied } = await readGeneration(files, {});
  expect([suggested, leftOut, applied]).toEqual([
    [
      { name: 'temperature', value: '0.6' },
      { name: 'top_k', value: '20' },
    ],
    [{ name: 'general.sampling.penalty_repeat', value: '1.05' }],
    [],
  ]);
});

describe('a model in several files', () => {
  const parts = (changed: Readonly<Record<string, Typed>> = {}): Readonly<Record<string, Uint8Array>> => ({
    'big-00001-of-00002.gguf': model(
      { 'split.no': ['u16', 0], 'split.count': ['u16', 2], 'split.tensors.count': ['i32', TENSORS.length] },
      TENSORS.slice(0, 5),
    ),
    'big-00002-of-00002.gguf': ggufBytes({
      metadata: { 'split.no': ['u16', 1], 'split.count': ['u16', 2], ...changed },
      tensors: TENSORS.slice(5),
    }),
  });

  test.each(['big-00001-of-00002.gguf', 'big-00002-of-00002.gguf'])('is opened by %s', async (file) => {
    const files = await ggufFiles(filesOf(parts()), file);
    expect(files.name).toBe('big');
    expect((await decoderOf(files)).tensors).toHaveLength(TENSORS.length);
  });

  test.each<[what: string, files: Readonly<Record<string, Uint8Array>>, message: RegExp]>([
    [
      'with a part missing',
      { 'big-00001-of-00002.gguf': parts()['big-00001-of-00002.gguf'] ?? new Uint8Array(0) },
      /big-00002-of-00002\.gguf is missing/,
    ],
    ['with a part of another number', parts({ 'split.no': ['u16', 0] }), /^big-00002-of-00002\.gguf is not part 2 of 2 by its metadata\.$/],
    [
      'under a name that tells nothing',
      { 'big-00001-of-00002.gguf': new Uint8Array(0), 'm.gguf': parts()['big-00001-of-00002.gguf'] ?? new Uint8Array(0) },
      /^m\.gguf says that it is one of 2 files, which its name does not: parts are named like "model-00001-of-00002\.gguf"\.$/,
    ],
  ])('%s is refused', async (_, files, message) => {
    await expect(ggufFiles(filesOf(files), Object.keys(files).at(files['m.gguf'] === undefined ? 0 : 1) ?? '')).rejects.toThrow(message);
  });
});

describe('refused by one sentence:', () => {
  test.each<[what: string, bytes: () => Uint8Array, message: RegExp]>([
    [
      'an architecture that is not supported',
      () => model({ 'general.architecture': ['text', 'mamba'] }),
      /^m\.gguf holds a model of architecture "mamba", which is not supported\.$/,
    ],
    ['an adapter', () => model({ 'general.type': ['text', 'adapter'] }), /^m\.gguf holds no model but, as it says, "adapter"\.$/],
    ['no architecture', () => model({ 'general.architecture': null }), /^m\.gguf does not say "general\.architecture"\.$/],
    ['a size left out', () => model({ 'llama.embedding_length': null }), /^m\.gguf does not say "llama\.embedding_length"\.$/],
    [
      'a size that is a text',
      () => model({ 'llama.embedding_length': ['text', '2'] }),
      /says "llama\.embedding_length" as "2", which is not a number/,
    ],
    [
      'a size of 0',
      () => model({ 'llama.attention.head_count': ['u32', 0] }),
      /says "llama\.attention\.head_count" as 0, which is not a whole number from 1 on/,
    ],
    [
      'heads that differ by layer',
      () => model({ 'llama.attention.head_count_kv': ['list', 'u32', [1, 2]] }),
      /says "llama\.attention\.head_count_kv" differently for each layer/,
    ],
    [
      'a claim of layers',
      () => model({ 'llama.block_count': ['u32', 4_000_000_000] }),
      /claims 4000000000 layers, where at most 10000 are allowed/,
    ],
    [
      'a claim of heads',
      () => model({ 'llama.attention.head_count': ['u32', 4_000_000_000] }),
      /claims 4000000000 heads in a layer, where at most 4096 are allowed/,
    ],
    [
      'more heads of keys than of queries',
      () => model({ 'llama.attention.head_count_kv': ['u32', 2] }),
      /claims 2 heads of keys for 1 of queries/,
    ],
    [
      'heads of which a part is rotated',
      () => model({ 'llama.embedding_length': ['u32', 4], 'llama.rope.dimension_count': ['u32', 2] }),
      /rotates 2 of the 4 numbers of a head, which is not supported for llama/,
    ],
    [
      'another scaling',
      () => model({ 'llama.rope.scaling.type': ['text', 'longrope'] }),
      /scales positions by "longrope", which is not supported for llama/,
    ],
    [
      'divisors of another scaling',
      () =>
        model({}, [
          ...TENSORS,
          { ...tensor('rope_freqs.weight', [1]), bytes: new Uint8Array(Float32Array.of(3).buffer) },
          tensor('x', [1]),
        ]),
      /holds tensor "x"|not the scaling of Llama 3/,
    ],
    [
      'a tensor that is not known',
      () => model({}, [...TENSORS, tensor('blk.0.ssm_a.weight', [2])]),
      /holds tensor "blk\.0\.ssm_a\.weight", which models of architecture llama do not have as they are supported/,
    ],
    ['a layer too many', () => model({}, [...TENSORS, tensor('blk.1.attn_norm.weight', [2])]), /holds tensor "blk\.1\.attn_norm\.weight"/],
    [
      'queries that heads do not divide',
      () => model({ 'llama.attention.head_count': ['u32', 3] }),
      /holds queries or keys of 2 rows, which are not an even number for each of 3 heads/,
    ],
    ['a tensor missing', () => model({}, TENSORS.slice(0, -1)), /no tensor "model\.layers\.0\.mlp\.down_proj\.weight"/],
    [
      'a tensor of another shape',
      () => model({}, [...TENSORS.slice(0, -1), tensor('blk.0.ffn_down.weight', [2, 4])]),
      /Tensor "model\.layers\.0\.mlp\.down_proj\.weight" in m\.gguf is 2 x 4, where config\.json calls for 2 x 2/,
    ],
  ])('%s', async (_, bytes, message) => {
    const opened = openFile(bytes()).then(decoderOf);
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(message);
  });

  test('a tokenizer that is not there', async () => {
    await expect(openTokenizer(await openFile(bytesOf('llama.f32')), 32)).rejects.toThrow('m.gguf holds no tokenizer.');
  });
});

test('a folder with one GGUF model is that model; with several, one must be chosen', async () => {
  const bytes = bytesOf('llama.f32');
  expect((await asFolder({ ...filesOf({ 'x.gguf': bytes, 'README.md': '' }), name: 'x.gguf' })).weights?.type).toBe('F32');
  await expect(asFolder(filesOf({ 'x.gguf': bytes, 'y.gguf': bytes }))).rejects.toThrow(
    'memory holds 2 models, such as "x.gguf": choose one of the files.',
  );
  const folder = filesOf({ 'x.gguf': bytes, 'config.json': '{}' });
  expect(await asFolder(folder)).toBe(folder);
});

test('every architecture has a model among the fixtures', async () => {
  const names = readdirSync('test/fixtures/gguf')
    .filter((name) => name.endsWith('.gguf.gz'))
    .map((name) => name.slice(0, -'.gguf.gz'.length));
  const headers = await Promise.all(names.map((name) => readGgufHeader(filesOf({ 'm.gguf': bytesOf(name) }), 'm.gguf')));
  expect(new Set(headers.map(({ metadata }) => metadata.get('general.architecture')))).toEqual(new Set(architectureNames()));
});

describe('what quantised weights take in memory', () => {
  const held = async (name: string, runtime: 'native' | 'wasm', limit: number): Promise<number> =>
    (await readModel(await openFile(bytesOf(name)), runtime, limit)).shape.loadedBytes;

  test('natively those of 4 bits stay quantised, those of 8 bits and in WebAssembly only where they exceed the limit', async () => {
    const wide = await held('llama.q4_k', 'wasm', Infinity);
    // 4 bits, a scale and an offset for each 32 numbers, against 32 bits: the norms are float32, and llama.cpp keeps some
    // matrices in 6 bits.
    expect(await held('llama.q4_k', 'native', Infinity)).toBeLessThan(wide);
    expect(await held('llama.q4_k', 'wasm', 0)).toBeLessThan(wide / 2);
    expect(await held('llama.q8_0', 'native', Infinity)).toBe(await held('llama.q8_0', 'wasm', Infinity));
    expect(await held('llama.q8_0', 'native', 0)).toBeLessThan(wide / 2);
    expect(await held('llama.f16', 'native', 0)).toBe(await held('llama.f16', 'native', Infinity));
  });
});

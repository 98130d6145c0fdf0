import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { hubCacheName } from '../../../src/core/hubCache.ts';
import { english, translated } from '../../../src/core/translatable.ts';
import { withAdapter } from '../../../src/model/formats/adapter/withAdapter.ts';
import { asFolder } from '../../../src/model/formats/asFolder.ts';
import { describeModel, readModel } from '../../../src/model/describeModel.ts';
import { CONFIG_MAX_BYTES, readJson } from '../../../src/model/formats/modelFiles.ts';
import { openWeights } from '../../../src/model/formats/weights.ts';
import { openTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { modelAt } from '../../../src/worker/files.node.ts';
import { FIXTURES } from '../../golden/compare.ts';
import { filesOf, folder } from './folder.ts';

const LLAMA = `${FIXTURES}/llama`;
const CONFIG = readFileSync(`${LLAMA}/config.json`, 'utf8');
const notices = async (files: Parameters<typeof readModel>[0]): Promise<readonly string[]> =>
  ((await readModel(files, 'wasm')).facts.notices ?? []).map((notice) => translated(notice, english));
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

/** Files on disk, by path below a new folder. */
async function tree(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'published-'));
  folders.push(root);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

describe('weights that are there twice', () => {
  it('the model’s own index is taken, whatever other programs keep beside it', async () => {
    const weights = new Uint8Array(await readFile(`${LLAMA}/model.safetensors`));
    const names = [...(await openWeights(folder(LLAMA))).keys()];
    const index = JSON.stringify({ weight_map: Object.fromEntries(names.map((name) => [name, 'model-00001-of-00001.safetensors'])) });
    const found = await openWeights(
      filesOf({
        'model-00001-of-00001.safetensors': weights,
        'model.safetensors.index.json': index,
        'consolidated.safetensors.index.json': '{"weight_map": {}}',
        'consolidated-00001-of-00002.safetensors': 'x',
        'model.fp16.safetensors.index.json': '{}',
      }),
    );
    expect([...found.keys()].toSorted()).toEqual(names.toSorted());
  });

  it('in the other program’s layout alone they are refused by name', async () => {
    await expect(openWeights(filesOf({ 'consolidated.safetensors': 'x', 'consolidated.safetensors.index.json': '{}' }))).rejects.toThrow(
      new RegExp(
        '^memory holds its weights as consolidated\\.safetensors alone, under the names of another program: ' +
          'get the files of the same model for transformers',
      ),
    );
  });
});

describe('an adapter', () => {
  const ADAPTER = JSON.stringify({ base_model_name_or_path: 'someone/base-7b', peft_type: 'LORA', lora_alpha: 4 });
  const OWN = ADAPTER.replace('someone/base-7b', '.');
  const weights = (): Buffer => readFileSync(`${FIXTURES}/adapters/lora/adapter_model.safetensors`);

  it('for another model beside a model is said, not passed over', async () => {
    const beside = { 'adapter_config.json': ADAPTER, 'adapter_model.safetensors': 'x' };
    expect(await notices(await asFolder(folder(LLAMA, beside)))).toEqual([
      'llama also holds an adapter (adapter_config.json, adapter_model.safetensors), which is not applied: all numbers are those ' +
        'of the model without it. Put the adapter into a folder of its own to see its numbers.',
    ]);
    expect(await notices(await asFolder(folder(LLAMA)))).toEqual([]);
  });

  it.each([OWN, ADAPTER.replace('someone/base-7b', '/home/someone/llama/')])('for the model beside it is applied', async (config) => {
    const files = await asFolder(folder(LLAMA, { 'adapter_config.json': config, 'adapter_model.safetensors': weights() }));
    expect(await notices(files)).toEqual([
      'With the adapter in the same folder (LoRA, 4 matrices, rank 3): all numbers are those of the two together.',
    ]);
  });

  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    [
      'alone',
      { 'adapter_config.json': ADAPTER, 'adapter_model.safetensors': 'x', 'README.md': '' },
      /^memory holds an adapter for the model "someone\/base-7b", which is not here: put that model beside it/,
    ],
    [
      'alone with its model’s config.json',
      { 'config.json': CONFIG, 'adapter_config.json': ADAPTER, 'adapter_model.safetensors': 'x' },
      /holds an adapter for the model "someone\/base-7b"/,
    ],
    ['alone, pickled', { 'adapter_config.json': ADAPTER, 'adapter_model.bin': 'x' }, /holds an adapter for the model "someone\/base-7b"/],
    ['of which nothing is known', { 'adapter_model.safetensors': 'x' }, /holds an adapter, not a model, and does not say for which/],
  ])('%s is refused, naming the model it belongs to', async (_, files, message) => {
    await expect(readModel(filesOf(files), 'wasm')).rejects.toThrow(message);
  });

  test.each<[Readonly<Record<string, unknown>>, RegExp]>([
    [{ peft_type: 'IA3' }, /^adapter_config\.json: adapters of type "IA3" are not supported, LoRA is\.$/],
    [{ peft_type: undefined }, /adapters of type missing are not supported/],
    [{ lora_alpha: 'eight' }, /"lora_alpha" must be a number, not "eight"/],
    [{ use_qalora: true }, /"use_qalora" is set, which is not supported/],
    [{ target_parameters: ['mlp.experts.down_proj'] }, /"target_parameters" is set/],
    [{ init_lora_weights: 'pissa_niter_4' }, /"init_lora_weights" is "pissa_niter_4", which changes the base model as well/],
    [{ alpha_pattern: { '(a+)+$': 1 } }, /"alpha_pattern" has the pattern "\(a\+\)\+\$", where only names of modules are read/],
    [{ use_dora: true }, /"model\.layers\.0\.self_attn\.q_proj" has no lora_magnitude_vector/],
    [{ fan_in_fan_out: true }, /which do not fit the base model’s 32 x 64/],
  ])('%j is refused by its name', async (options, message) => {
    const config = JSON.stringify({ ...(JSON.parse(OWN) as object), ...options });
    const files = folder(LLAMA, { 'adapter_config.json': config, 'adapter_model.safetensors': weights() });
    await expect(asFolder(files)).rejects.toThrow(message);
  });

  test.each([
    [
      'q_proj',
      'x_proj',
      /"base_model\.model\.model\.layers\.0\.self_attn\.x_proj\.lora_A\.weight" is for .*, which the base model does not have/,
    ],
    ['q_proj.lora_B.weight', 'q_proj.lora_C.weight', /has no lora_B|is for/],
  ])('with a tensor of another name (%s: %s) is refused', async (from, to, message) => {
    const renamed = Buffer.from(weights().toString('latin1').replaceAll(from, to), 'latin1');
    const files = folder(LLAMA, { 'adapter_config.json': OWN, 'adapter_model.safetensors': renamed });
    await expect(asFolder(files)).rejects.toThrow(message);
  });

  it('of a model with more layers is refused, however little its tensors’ names differ', async () => {
    const other = weights().toString('latin1').replaceAll('layers.0.self_attn.q_proj', 'layers.9.self_attn.only_a');
    const adapter = folder(LLAMA, { 'adapter_config.json': OWN, 'adapter_model.safetensors': Buffer.from(other, 'latin1') });
    const tensors = new Map(await openWeights(folder(LLAMA)));
    const only = tensors.get('model.layers.0.self_attn.q_proj.weight') ?? expect.fail();
    tensors.set('model.layers.0.self_attn.only_a.weight', { ...only, name: 'model.layers.0.self_attn.only_a.weight' });
    const base = { ...folder(LLAMA), weights: { tensors, bytes: 1 } };
    await expect(withAdapter(base, adapter, 'x')).rejects.toThrow(
      /"model\.layers\.9\.self_attn\.only_a", which the base model does not have/,
    );
  });

  it('of the embedding is refused where that is also the unembedding', async () => {
    const header = JSON.stringify({
      'base_model.model.model.embed_tokens.weight': { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
    });
    const replaced = Buffer.concat([new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer), Buffer.from(header), Buffer.alloc(4)]);
    const files = folder(`${FIXTURES}/families/qwen3.1`, { 'adapter_config.json': OWN, 'adapter_model.safetensors': replaced });
    await expect(asFolder(files)).rejects.toThrow(/"base_model.*" changes one end of a model whose embedding is also its unembedding/);
  });
});

describe('what Python writes as JSON', () => {
  it('NaN and infinities that nobody reads are no fault, and strings stay as they are', async () => {
    const text = CONFIG.replace('{', '{"time_step_limit": [0.0, Infinity, -Infinity, NaN], "note": "NaN, -Infinity \\" NaN",');
    const files = folder(LLAMA, { 'config.json': text });
    expect(await readJson(files, 'config.json', CONFIG_MAX_BYTES)).toMatchObject({
      time_step_limit: [0, Infinity, -Infinity, NaN],
      note: 'NaN, -Infinity " NaN',
    });
    expect((await readModel(files, 'wasm')).facts.layers).toBe(2);
  });

  it('one that matters is refused by its key', async () => {
    await expect(readModel(folder(LLAMA, { 'config.json': CONFIG.replace('10000.0', 'NaN') }), 'wasm')).rejects.toThrow(
      'config.json: "rope_parameters.rope_theta" must be a number, not NaN.',
    );
    await expect(
      readModel(
        folder(LLAMA, { 'config.json': CONFIG.replace('"max_position_embeddings": 64', '"max_position_embeddings": Infinity') }),
        'wasm',
      ),
    ).rejects.toThrow(/"max_position_embeddings" must be a whole number from 1 on, not Infinity/);
  });

  it('a mark of byte order and Windows line ends are no fault either', async () => {
    expect((await readModel(folder(LLAMA, { 'config.json': `\ufeff${CONFIG.replaceAll('\n', '\r\n')}` }), 'wasm')).facts.layers).toBe(2);
  });
});

describe('a folder that is no model says what it is', () => {
  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    [
      'without config.json',
      { 'model.safetensors': 'x' },
      new RegExp(
        '^memory holds no config\\.json: choose the folder in which it lies together with ' +
          '\\*\\.safetensors and tokenizer\\.json, or a GGUF file\\.$',
      ),
    ],
    [
      'with pickled weights',
      { 'config.json': CONFIG, 'pytorch_model.bin': 'x' },
      /holds its weights as pytorch_model\.bin: only safetensors files are read/,
    ],
  ])('%s', async (_, files, message) => {
    await expect(readModel(filesOf(files), 'wasm')).rejects.toThrow(message);
  });

  it('with its tokenizer as another program keeps it', async () => {
    const message =
      'The folder llama has no tokenizer.json, only tokenizer.model: transformers writes one of it ' +
      '(AutoTokenizer.from_pretrained, then save_pretrained).';
    await expect(openTokenizer(folder(LLAMA, { 'tokenizer.model': 'x' }), 300)).rejects.toThrow(message);
    await expect(describeModel(folder(LLAMA, { 'tokenizer.model': 'x' }))).rejects.toThrow(message);
  });

  it('a projector of pictures beside a GGUF model is not a second model', async () => {
    await expect(asFolder(filesOf({ 'm.gguf': 'x', 'mmproj-m-f16.gguf': 'x', 'm.imatrix.gguf': 'x' }))).rejects.toThrow(
      /m\.gguf is cut off|m\.gguf is not a GGUF file/,
    );
  });
});

describe('a folder of Hugging Face’s cache', () => {
  const [OLD, NEW] = ['a', 'b'].map((letter) => letter.repeat(40)) as [string, string];
  const snapshot = (commit: string, name: string): Record<string, string> => ({
    [`models--some--tiny/snapshots/${commit}/config.json`]: JSON.stringify({ name }),
  });
  const nameIn = async (path: string): Promise<unknown> =>
    (JSON.parse(new TextDecoder().decode(await (await modelAt(path)).read('config.json', 0, 14))) as { readonly name: unknown }).name;

  it('is the snapshot that refs/main names, and is called as on the hub', async () => {
    const root = await tree({ ...snapshot(OLD, 'old'), ...snapshot(NEW, 'new'), 'models--some--tiny/refs/main': `${NEW}\n` });
    const path = join(root, 'models--some--tiny');
    expect([await nameIn(path), await nameIn(join(path, 'snapshots')), await nameIn(join(path, 'snapshots', OLD))]).toEqual([
      'new',
      'new',
      'old',
    ]);
    expect((await modelAt(path)).name).toBe('some/tiny');
  });

  it('is its only snapshot where it does not say, and its links are followed', async () => {
    const root = await tree({ 'models--some--tiny/blobs/123': '{"name":"one"}' });
    await mkdir(join(root, 'models--some--tiny/snapshots', OLD), { recursive: true });
    await symlink('../../blobs/123', join(root, 'models--some--tiny/snapshots', OLD, 'config.json'));
    expect(await nameIn(join(root, 'models--some--tiny'))).toBe('one');
  });

  it('with several, or none, is refused by a sentence', async () => {
    const root = await tree({ ...snapshot(OLD, 'old'), ...snapshot(NEW, 'new'), 'models--some--none/refs/main': NEW });
    await expect(modelAt(join(root, 'models--some--tiny'))).rejects.toThrow(
      new RegExp(
        '^models--some--tiny holds 2 snapshots of some/tiny and does not say which is the newest: ' +
          'choose one of the folders in .*snapshots, such as a{40}\\.$',
      ),
    );
    await expect(modelAt(join(root, 'models--some--none'))).rejects.toThrow(
      'models--some--none holds no snapshot of some/none: it was not downloaded as a whole. Download the model again.',
    );
  });

  it('any other folder keeps its name', () => {
    expect(['/a/models--x--y', '/a/models--x--y/snapshots/', `C:\\h\\models--x--y\\snapshots\\${OLD}`].map(hubCacheName)).toEqual([
      'x/y',
      'x/y',
      'x/y',
    ]);
    expect(['/a/b', '/a/models--x--y/blobs', `/a/models--x--y/snapshots/${OLD}/m.gguf`].map(hubCacheName)).toEqual([null, null, null]);
  });
});

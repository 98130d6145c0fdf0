import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findModels } from '../../../src/library/found/found.ts';
import { huggingFaceCache, huggingFaceModels } from '../../../src/library/found/huggingFace.ts';
import { lmStudioModels } from '../../../src/library/found/lmStudio.ts';
import type { Machine } from '../../../src/library/found/machine.ts';
import { ollamaModels } from '../../../src/library/found/ollama.ts';
import { cpuMs } from '../../cpuTime.ts';

const COMMIT = 'a'.repeat(40);
const OLDER = '0'.repeat(40);
const HASH = 'c'.repeat(64);

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'explain-tokens-found-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const machine = (env: Machine['env'] = {}): Machine => ({ env, home });
function write(path: string, content: string): void {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
function link(target: string, path: string): void {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  symlinkSync(target, file);
}
const seen = (
  models: readonly { readonly name: string; readonly path: string; readonly bytes: number }[],
): readonly (readonly [string, string, number])[] => models.map(({ name, path, bytes }) => [name, path.slice(home.length + 1), bytes]);

describe('the Hugging Face cache', () => {
  const hub = '.cache/huggingface/hub';

  test.each<[Machine['env'], string]>([
    [{}, '.cache/huggingface/hub'],
    [{ XDG_CACHE_HOME: '~/cache' }, 'cache/huggingface/hub'],
    [{ XDG_CACHE_HOME: '~/cache', HF_HOME: '~/hf' }, 'hf/hub'],
    [{ HF_HOME: '~/hf', HUGGINGFACE_HUB_CACHE: '~/older' }, 'older'],
    [{ HF_HOME: '~/hf', HUGGINGFACE_HUB_CACHE: '~/older', HF_HUB_CACHE: '~/hub' }, 'hub'],
    [{ HF_HOME: '' }, '.cache/huggingface/hub'],
  ])('is where %j says', (env, folder) => {
    expect(huggingFaceCache(machine(env))).toBe(join(home, folder));
  });

  test('gives the snapshot that main names, through its links', async () => {
    const repository = `${hub}/models--openai--gpt2`;
    write(`${repository}/refs/main`, COMMIT);
    write(`${repository}/blobs/config`, '{}');
    write(`${repository}/blobs/weights`, '12345');
    for (const commit of [OLDER, COMMIT]) {
      link('../../blobs/config', `${repository}/snapshots/${commit}/config.json`);
      link('../../blobs/weights', `${repository}/snapshots/${commit}/model.safetensors`);
    }
    expect(seen(await huggingFaceModels(machine()))).toEqual([['openai/gpt2', `${repository}/snapshots/${COMMIT}`, 5]]);
  });

  test('gives an older snapshot where that of main is not complete, and nothing where none is', async () => {
    const repository = `${hub}/models--gpt2`;
    write(`${repository}/refs/main`, COMMIT);
    write(`${repository}/snapshots/${COMMIT}/config.json`, '{}');
    link('../../blobs/never-fetched', `${repository}/snapshots/${COMMIT}/model.safetensors`);
    expect(await huggingFaceModels(machine())).toEqual([]);
    write(`${repository}/snapshots/${OLDER}/config.json`, '{}');
    write(`${repository}/snapshots/${OLDER}/model.safetensors`, '123');
    expect(seen(await huggingFaceModels(machine()))).toEqual([['gpt2', `${repository}/snapshots/${OLDER}`, 3]]);
  });

  test('takes a sharded model only with all of its shards, and its GGUF files too', async () => {
    const snapshot = `${hub}/models--a--b/snapshots/${COMMIT}`;
    write(`${snapshot}/config.json`, '{}');
    write(
      `${snapshot}/model.safetensors.index.json`,
      JSON.stringify({ weight_map: { x: 'one.safetensors', y: 'two.safetensors', z: 'one.safetensors' } }),
    );
    write(`${snapshot}/one.safetensors`, '1234');
    expect(await huggingFaceModels(machine())).toEqual([]);
    write(`${snapshot}/two.safetensors`, '12');
    write(`${snapshot}/b-Q4_K_M.gguf`, '1');
    expect(seen(await huggingFaceModels(machine()))).toEqual([
      ['a/b', snapshot, 6],
      ['a/b/b-Q4_K_M', `${snapshot}/b-Q4_K_M.gguf`, 1],
    ]);
  });

  test('is quiet about what is not a cache', async () => {
    link('loop', `${hub}/models--loop--loop`);
    link(join(home, hub), `${hub}/models--self--self`);
    write(`${hub}/models--a--file`, 'a file where a folder should be');
    write(`${hub}/models--a--escape/refs/main`, '../../../..');
    write(`${hub}/models--a--escape/snapshots/../config.json`, '{}');
    write(`${hub}/models--a--broken/snapshots/${COMMIT}/config.json`, '{}');
    write(`${hub}/models--a--broken/snapshots/${COMMIT}/model.safetensors.index.json`, '{"weight_map":');
    write(`${hub}/models--a--bin/snapshots/${COMMIT}/config.json`, '{}');
    write(`${hub}/models--a--bin/snapshots/${COMMIT}/pytorch_model.bin`, '1');
    expect(await huggingFaceModels(machine())).toEqual([]);
  });
});

describe("Ollama's store", () => {
  const manifest = (digest: string, layers: readonly object[] = [], size?: number): string =>
    JSON.stringify({
      schemaVersion: 2,
      layers: [
        { mediaType: 'application/vnd.ollama.image.model', digest, ...(size === undefined ? {} : { size }) },
        { mediaType: 'application/vnd.ollama.image.license', digest: `sha256:${'d'.repeat(64)}` },
        ...layers,
      ],
    });

  test('gives each blob once, by its shortest name', async () => {
    write(`.ollama/models/blobs/sha256-${HASH}`, 'GGUF');
    write('.ollama/models/manifests/registry.ollama.ai/library/llama3.2/latest', manifest(`sha256:${HASH}`, [], 4));
    write('.ollama/models/manifests/registry.ollama.ai/library/llama3.2/1b', manifest(`sha256-${HASH}`));
    write('.ollama/models/manifests/registry.ollama.ai/someone/mine/v1', manifest(`sha256:${HASH.toUpperCase()}`));
    write('.ollama/models/manifests/hf.co/owner/name/Q8_0', manifest(`sha256:${HASH}`));
    expect(await ollamaModels(machine())).toEqual([
      {
        source: 'ollama',
        name: 'llama3.2:1b',
        aliases: ['llama3.2:latest', 'someone/mine:v1', 'hf.co/owner/name:Q8_0'],
        path: join(home, `.ollama/models/blobs/sha256-${HASH}`),
        bytes: 4,
      },
    ]);
  });

  test('is also where OLLAMA_MODELS says', async () => {
    write(`elsewhere/blobs/sha256-${HASH}`, 'GGUF');
    write('elsewhere/manifests/registry.ollama.ai/library/tiny/latest', manifest(`sha256:${HASH}`));
    expect(seen(await ollamaModels(machine({ OLLAMA_MODELS: ' "~/elsewhere" ' })))).toEqual([
      ['tiny:latest', `elsewhere/blobs/sha256-${HASH}`, 4],
    ]);
  });

  test.each([
    ['broken JSON', '{"layers":'],
    ['no layers', '{}'],
    ['layers of another kind', '{"layers":[1,null,"x",{}]}'],
    ['a digest that is a path', manifest('sha256:../../../../etc/passwd')],
    ['a blob that was never fetched', manifest(`sha256:${'e'.repeat(64)}`)],
    ['a blob that is shorter than announced', manifest(`sha256:${HASH}`, [], 5)],
    [
      'weights that are only added to others',
      manifest(`sha256:${HASH}`, [{ mediaType: 'application/vnd.ollama.image.adapter', digest: `sha256:${HASH}` }]),
    ],
    ['two models in one', manifest(`sha256:${HASH}`, [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${HASH}` }])],
  ])('leaves out a manifest with %s', async (_what, text) => {
    write(`.ollama/models/blobs/sha256-${HASH}`, 'GGUF');
    write('.ollama/models/manifests/registry.ollama.ai/library/bad/latest', text);
    expect(await ollamaModels(machine())).toEqual([]);
  });
});

describe("LM Studio's folders", () => {
  test('give GGUF files by publisher and name, one of several parts once, and no image encoders', async () => {
    write('.lmstudio/models/pub/Name-GGUF/name-Q8_0.gguf', '12');
    write('.lmstudio/models/pub/Name-GGUF/mmproj-name-f16.gguf', '1');
    write('.lmstudio/models/pub/Name-GGUF/Name.imatrix.gguf', '1');
    for (const part of ['00001', '00002']) write(`.lmstudio/models/pub/Big-GGUF/big-${part}-of-00002.gguf`, '123');
    write('.lmstudio/models/pub/Cut-GGUF/cut-00001-of-00002.gguf', '123');
    expect(seen(await lmStudioModels(machine()))).toEqual([
      ['pub/Big-GGUF/big', '.lmstudio/models/pub/Big-GGUF/big-00001-of-00002.gguf', 6],
      ['pub/Name-GGUF/name-Q8_0', '.lmstudio/models/pub/Name-GGUF/name-Q8_0.gguf', 2],
    ]);
  });

  test('are also the older one, the one its pointer names, and the one its settings name', async () => {
    write('.lmstudio-home-pointer', `${join(home, 'pointed')}\n`);
    write('pointed/models/a/one/one.gguf', '1');
    write('.cache/lm-studio/settings.json', JSON.stringify({ downloadsFolder: join(home, 'chosen') }));
    write('chosen/b/two/two.gguf', '1');
    link(join(home, 'chosen'), '.cache/lm-studio/models');
    expect((await lmStudioModels(machine())).map(({ name }) => name)).toEqual(['a/one/one', 'b/two/two']);
  });
});

test('a store that cannot be read, is a file, or loops hides no other', async () => {
  write('.ollama/models/manifests', 'a file');
  link('models', '.lmstudio/models');
  write('.cache/huggingface/hub/models--a--b/snapshots/x', '');
  write('lm/p/n/n.gguf', '1');
  write('.lmstudio/settings.json', JSON.stringify({ downloadsFolder: '~/lm' }));
  mkdirSync(join(home, 'lm/locked'));
  chmodSync(join(home, 'lm/locked'), 0);
  expect((await findModels(machine())).map(({ name }) => name)).toEqual(['p/n/n']);
});

test('a folder of many files ends within the budget', async () => {
  for (let i = 0; i < 300; i++) write(`.lmstudio/models/p/${i}/x.gguf`, '');
  const begin = cpuMs();
  expect(await findModels(machine())).toEqual([]);
  expect(cpuMs() - begin).toBeLessThan(30_000);
});

test('a store that does not answer is left out', async () => {
  write('.lmstudio/models/p/n/n.gguf', '1');
  expect(await findModels(machine(), 0)).toEqual([]);
});

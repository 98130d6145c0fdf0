import { readFile } from 'node:fs/promises';
import { test } from 'vitest';
import type { ModelFiles } from '../../src/model/formats/modelFiles.ts';
import { readSafetensorsHeader } from '../../src/model/formats/safetensors.ts';
import { filesOf, folder } from '../unit/model/folder.ts';
import { FIXTURES, compareWithGolden, wasm } from './compare.ts';

const EXPERTS = 4;

/** The same float32 weights, with the matrices of a layer's experts in one tensor: gates above ups. */
async function packed(files: ModelFiles, layers: number): Promise<Uint8Array> {
  const stored = await readSafetensorsHeader(files, 'model.safetensors');
  const read = async (name: string): Promise<{ shape: readonly number[]; bytes: Uint8Array }> => {
    const found = stored.get(name);
    if (found === undefined) throw new Error(`No ${name}.`);
    return { shape: found.shape, bytes: await files.read(found.file, found.offset, found.length) };
  };
  const tensors = new Map<string, { readonly shape: readonly number[]; readonly parts: readonly Uint8Array[] }>();
  for (const name of stored.keys()) {
    if (name.includes('.experts.')) continue;
    const { shape, bytes } = await read(name);
    tensors.set(name, { shape, parts: [bytes] });
  }
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}.mlp.experts`;
    const all = async (...names: readonly string[]) =>
      Promise.all(Array.from({ length: EXPERTS }, (_, expert) => names.map((name) => read(`${at}.${expert}.${name}.weight`))).flat());
    const [gateUp, down] = [await all('gate_proj', 'up_proj'), await all('down_proj')];
    const [inner = 0, dim = 0] = gateUp[0]?.shape ?? [];
    tensors.set(`${at}.gate_up_proj`, { shape: [EXPERTS, 2 * inner, dim], parts: gateUp.map(({ bytes }) => bytes) });
    tensors.set(`${at}.down_proj`, { shape: [EXPERTS, dim, inner], parts: down.map(({ bytes }) => bytes) });
  }
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, { shape, parts }] of tensors) {
    const end = parts.reduce((sum, part) => sum + part.length, offset);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(BigUint64Array.of(BigInt(text.length)).buffer);
  return Buffer.concat([length, text, ...[...tensors.values()].flatMap(({ parts }) => parts)]);
}

/** The same weights, with each expert's matrices stored [in, out]. */
async function turned(files: ModelFiles): Promise<Uint8Array> {
  const whole = Buffer.from(await files.read('model.safetensors', 0, await files.size('model.safetensors')));
  const length = Number(whole.readBigUInt64LE(0));
  const header = JSON.parse(whole.toString('utf8', 8, 8 + length)) as Record<string, { shape: number[]; data_offsets: [number, number] }>;
  for (const [name, stored] of Object.entries(header)) {
    if (!name.includes('.experts.')) continue;
    const [experts = 0, out = 0, inputs = 0] = stored.shape;
    const start = 8 + length + stored.data_offsets[0];
    const size = (stored.data_offsets[1] - stored.data_offsets[0]) / (experts * out * inputs);
    const source = Buffer.from(whole.subarray(start, start + experts * out * inputs * size));
    for (let expert = 0; expert < experts; expert++)
      for (let row = 0; row < out; row++)
        for (let column = 0; column < inputs; column++) {
          const from = ((expert * out + row) * inputs + column) * size;
          source.copy(whole, start + ((expert * inputs + column) * out + row) * size, from, from + size);
        }
    stored.shape = [experts, inputs, out];
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, whole.subarray(8 + length)]);
}

test.each(['qwen3_vl_moe.1', 'qwen3_vl_moe.2'])('experts of %s may be stored the other way round', async (name) => {
  const path = `${FIXTURES}/wrappers/${name}`;
  const weights = await turned(folder(path));
  await compareWithGolden(
    filesOf({ 'config.json': await readFile(`${path}/config.json`), 'model.safetensors': weights }),
    folder(path),
    await wasm(),
  );
});

test('experts saved in one tensor equal those saved one by one', async () => {
  const path = `${FIXTURES}/families/qwen3_moe.1`;
  const weights = await packed(folder(path), 2);
  await compareWithGolden(
    filesOf({ 'config.json': await readFile(`${path}/config.json`), 'model.safetensors': weights }),
    folder(path),
    await wasm(),
  );
});

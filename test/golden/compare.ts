import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect } from 'vitest';
import { at, tensor, type Tensor } from '../../src/core/tensor.ts';
import type { ModelFiles } from '../../src/model/files.ts';
import { readSafetensorsHeader } from '../../src/model/formats/safetensors.ts';
import { openLanguageModel, type Trace } from '../../src/model/languageModel.ts';
import { nativeRuntime, wasmRuntime, type OnnxRuntimeNode, type Runtime } from '../../src/model/runtime.ts';
import { compareGrowing } from './growing.ts';

export const FIXTURES = 'test/fixtures/models';
/** Share of the largest absolute value that a number may be off. */
const TOLERANCE = 2e-5;

export async function wasm(): Promise<Runtime> {
  return wasmRuntime({ wasmBinary: await readFile('node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'), threads: 1 });
}

export function native(): Runtime {
  const require = createRequire(new URL('../native/package.json', import.meta.url));
  return nativeRuntime(require('onnxruntime-node') as OnnxRuntimeNode, 2);
}

/** Expectations by name. */
export type Golden = Awaited<ReturnType<typeof openGolden>>;

/** The tensors of a safetensors file that hold expectations. */
export async function openGolden(files: ModelFiles, file: string) {
  const header = await readSafetensorsHeader(files, file);
  const bytes = async (name: string): Promise<ArrayBuffer> => {
    const stored = header.get(name);
    if (stored === undefined) throw new Error(`${file} holds no ${name}.`);
    return (await files.read(stored.file, stored.offset, stored.length)).slice().buffer;
  };
  return {
    floats: async (name: string) => ({ dims: header.get(name)?.shape ?? [], data: new Float32Array(await bytes(name)) }),
    ids: async () => Int32Array.from(new BigInt64Array(await bytes('input_ids')), Number),
    names: [...header.keys()],
  };
}

/** Same shape, and every number within the tolerance of the expected one, relative to the largest. Returns the worst. */
export function expectClose(found: Tensor, expected: Tensor, what: string, tolerance = TOLERANCE): number {
  expect(found.dims, what).toEqual(expected.dims);
  let worst = 0;
  let largest = 0;
  for (const [i, value] of expected.data.entries()) {
    const off = Math.abs(value - (found.data[i] ?? Number.NaN));
    if (!(off <= worst)) worst = off;
    largest = Math.max(largest, Math.abs(value));
  }
  expect(worst / largest, what).toBeLessThanOrEqual(tolerance);
  return worst / largest;
}

/** Runs the model of `files` on the golden ids, and compares everything inside it. Returns the worst difference of all. */
export async function compareWithGolden(files: ModelFiles, goldenFiles: ModelFiles, runtime: Runtime): Promise<number> {
  let worst = 0;
  const compare = (found: Tensor, expected: Tensor, what: string): void => {
    worst = Math.max(worst, expectClose(found, expected, what));
  };
  const golden = await openGolden(goldenFiles, 'golden.safetensors');
  const model = await openLanguageModel(files, runtime);
  try {
    const trace = await model.run(await golden.ids());
    expect(golden.names.filter((name) => name.startsWith('attentions.'))).toHaveLength(model.info.layers);
    for (let layer = 0; layer < model.info.layers; layer++) {
      const attention = await golden.floats(`attentions.${layer}`);
      compare(await model.attention(trace, layer), attention, `attention ${layer}`);
      const [heads = 0, length = 0] = attention.dims;
      const head = (layer + 1) % heads;
      const part = tensor([length, length], attention.data.slice(head * length ** 2, (head + 1) * length ** 2));
      compare((await model.headAttention(trace, layer, head)).weights, part, `attention ${layer}.${head}`);
      for (const name of ['k', 'v'] as const) {
        if (!golden.names.includes(`${name}.${layer}`)) continue;
        const found = trace[name][layer];
        if (found === undefined) throw new Error(`No ${name} of layer ${layer}.`);
        compare(found, await golden.floats(`${name}.${layer}`), `${name} ${layer}`);
      }
    }
    for (const name of golden.names.filter((name) => name.startsWith('routing.'))) {
      compare(routingOf(trace, Number(name.slice('routing.'.length)), await golden.floats(name)), await golden.floats(name), name);
    }
    expect(trace.resid).toHaveLength(model.info.layers + 1);
    for (const [layer, resid] of trace.resid.entries()) compare(resid, await golden.floats(`resid.${layer}`), `resid ${layer}`);
    const last = trace.resid.at(-1);
    if (last === undefined) throw new Error('No residual.');
    compare(await model.logits(last), await golden.floats('logits'), 'logits');
    await compareGrowing(model, golden);
    return worst;
  } finally {
    await model.dispose();
  }
}

/** [T, experts] of one layer: each token's weight of each expert, 0 for those it was not sent to. */
function routingOf(trace: Trace, layer: number, { dims }: Tensor): Tensor {
  const choice = trace.experts?.[layer];
  const [tokens = 0, experts = 0] = dims;
  const chosen = choice?.weights.dims[1] ?? 0;
  const weights = new Float32Array(tokens * experts);
  for (const [i, id] of (choice?.ids ?? []).entries()) weights[Math.floor(i / chosen) * experts + id] = at(choice?.weights.data ?? [], i);
  return tensor(dims, weights);
}

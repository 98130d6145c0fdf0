import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'vitest';
import { itemOf } from '../closeness.ts';
import { at, tensor, type Tensor } from '../../src/core/tensor.ts';
import type { ModelFiles } from '../../src/model/formats/modelFiles.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { carriedIn, type Trace } from '../../src/model/run/forwardTrace.ts';
import type { CutText } from '../../src/model/run/pieces.ts';
import { nativeRuntime, wasmRuntime, type OnnxRuntimeNode, type Runtime } from '../../src/model/run/runtime.ts';
import { folder } from '../unit/model/folder.ts';
import { compareGrowing } from './growing.ts';
import { expectClose, openGolden, type Golden } from './oracle.ts';

/** Folder of the tiny models. */
export const FIXTURES = 'test/fixtures/models';

/** Folder of the model of a case: one of the families, a hybrid, or one beside them. */
export function caseFolder(name: string): string {
  return [name, `hybrids/${name}`].map((path) => `${FIXTURES}/${path}`).find((path) => existsSync(path)) ?? `${FIXTURES}/families/${name}`;
}

/** The model of a case, the ids of its text, and what transformers gave for them. */
export interface OpenCase {
  readonly model: LanguageModel;
  readonly ids: Int32Array;
  readonly golden: Golden;
}

/** Opens the model of a case. `cut`: see `openLanguageModel`. */
export async function openCase(name: string, runtime: Runtime, cut?: Parameters<typeof openLanguageModel>[2]): Promise<OpenCase> {
  const files = folder(caseFolder(name));
  const golden = await openGolden(files, 'golden.safetensors');
  return { model: await openLanguageModel(files, runtime, cut), ids: await golden.ids(), golden };
}

/** Pieces of 3, 1, 4, 3, 1, ... tokens. */
export const smallPieces: CutText = (_, past, tokens) => {
  const pieces: { from: number; to: number }[] = [];
  for (let from = 0; from < tokens;) {
    const to = Math.min(tokens, from + itemOf([3, 1, 4], (past + pieces.length) % 3));
    pieces.push({ from, to });
    from = to;
  }
  return pieces;
};

/** The WASM runtime with one thread. */
export async function wasm(): Promise<Runtime> {
  return wasmRuntime({ wasmBinary: await readFile('node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'), threads: 1 });
}

/** The native runtime with two threads, from test/native. */
export function native(): Runtime {
  const require = createRequire(join(import.meta.dirname, '../native/package.json'));
  return nativeRuntime(require('onnxruntime-node') as OnnxRuntimeNode, 2);
}

/** Runs the model of `files` on the golden ids and compares its attention, residuals and logits. Returns the largest difference. */
export async function compareWithGolden(files: ModelFiles, goldenFiles: ModelFiles, runtime: Runtime): Promise<number> {
  let worst = 0;
  const compare = (found: Tensor, expected: Tensor, what: string): void => {
    worst = Math.max(worst, expectClose(found, expected, what));
  };
  const golden = await openGolden(goldenFiles, 'golden.safetensors');
  const model = await openLanguageModel(files, runtime);
  try {
    const trace = await model.run(runOf(await golden.ids(), UNCHANGED));
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
    const last = carriedIn(trace).at(-1);
    if (last === undefined) throw new Error('No residual.');
    compare(await model.logits(last), await golden.floats('logits'), 'logits');
    await compareGrowing(model, golden);
    expect(golden.unread()).toEqual([]);
    return worst;
  } finally {
    await model.dispose();
  }
}

/** Each token's weight of each expert in one layer, [T, experts]; 0 for experts that the token was not sent to. */
export function routingOf(trace: Trace, layer: number, { dims }: Tensor): Tensor {
  const choice = trace.experts?.[layer];
  const chosen = choice?.weights.dims[1];
  if (choice === undefined || choice === null || chosen === undefined) throw new Error(`Layer ${layer} chose no experts.`);
  const [tokens = 0, experts = 0] = dims;
  const weights = new Float32Array(tokens * experts);
  for (const [i, id] of choice.ids.entries()) weights[Math.floor(i / chosen) * experts + id] = at(choice.weights.data, i);
  return tensor(dims, weights);
}

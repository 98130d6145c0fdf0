import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, tensor, type Tensor } from '../../src/core/tensor.ts';
import { ggufFiles } from '../../src/model/formats/gguf/ggufFiles.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import type { Gradient, GradientTarget } from '../../src/model/run/gradientCalls.ts';
import { itemOf } from '../../src/model/run/outputs.ts';
import { piecesOf } from '../../src/model/run/pieces.ts';
import { firstCases } from '../firstCases.ts';
import { filesOf, folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase, smallPieces, wasm } from './compare.ts';
import { noteWorst, writeWorst } from './familyTable.ts';
import { expectClose, openGolden, type Golden } from './oracle.ts';

/** Share of the largest absolute value that a number may be off. */
const TOLERANCE = 1e-4;
const CASES = ['gpt2', 'llama', 'llama_yarn', ...readdirSync(`${FIXTURES}/families`)];
const TARGETS = ['logit', 'difference', 'logprob'] as const;

/** Case -> worst difference of both runtimes. */
const worst = new Map<string, number>();

describe.each([
  ['WASM', wasm],
  ['native', native],
])('gradients, %s', (_, open) => {
  let expected: Golden;
  beforeAll(async () => {
    expected = await openGolden(folder(FIXTURES), 'gradients.safetensors');
  });

  test.each(firstCases(CASES))('of %s equal autograd, the text at once and in pieces', async (name) => {
    let cut = piecesOf;
    const { model, ids } = await openCase(name, await open(), (...text) => cut(...text));
    try {
      const trace = await model.run(runOf(ids, UNCHANGED));
      const compare = async (target: (typeof TARGETS)[number]): Promise<void> => {
        const gradient = await model.gradient(trace, await targetOf(expected, name, target), undefined, () => true);
        const prefix = `${name}/${target}/`;
        const names = expected.names.filter((of) => of.startsWith(prefix));
        expect(names.length, prefix).toBeGreaterThanOrEqual(target === 'logprob' ? 1 : model.info.layers);
        for (const of of names) {
          const reference = await expected.floats(of);
          const off = expectClose(
            valueOf(gradient, of.slice(prefix.length)),
            of.includes('/weights.') ? seen(reference) : reference,
            of,
            TOLERANCE,
          );
          noteWorst(worst, name, off);
        }
      };
      for (const target of TARGETS) await compare(target);
      cut = smallPieces;
      await compare('difference');
    } finally {
      await model.dispose();
    }
  });
});

afterAll(() => writeWorst('gradients', worst));

test.each([
  ['llama.q4_0', wasm],
  ['llama.q8_0', native],
])('%s kept quantised has the gradient of its numbers as float32', async (name, open) => {
  const file = `${name}.gguf`;
  const bytes = gunzipSync(await readFile(`test/fixtures/gguf/${file}.gz`));
  const runtime = await open();
  const of = async (dequantizedMaxBytes: number): Promise<Gradient> => {
    const model = await openLanguageModel(await ggufFiles(filesOf({ [file]: bytes }), file), { ...runtime, dequantizedMaxBytes });
    const trace = await model.run(runOf(Int32Array.of(5, 9, 17, 3, 11, 29), UNCHANGED));
    const gradient = await model.gradient(trace, { kind: 'logit', position: 5, token: 7, rival: 12 });
    await model.dispose();
    return gradient;
  };
  const [kept, wide] = [await of(0), await of(Infinity)];
  for (const [layer, gradient] of wide.resid.entries()) expectClose(itemOf(kept.resid, layer), gradient, `layer ${layer}`, TOLERANCE);
});

async function targetOf(expected: Golden, name: string, kind: (typeof TARGETS)[number]): Promise<GradientTarget> {
  const numbers = await expected.wholeNumbers(`${name}/targets`);
  const [position, token, rival] = [0, 1, 2].map((column) => at(numbers, 3 * TARGETS.indexOf(kind) + column));
  if (position === undefined || token === undefined || rival === undefined) throw new Error(`No targets of ${name}.`);
  if (kind === 'logprob') return { kind, position, token };
  return { kind: 'logit', position, token, ...(rival < 0 ? {} : { rival }) };
}

/** [heads, T, T] with 0 for keys after the query: autograd says also what a weight would do that no query can have. */
function seen({ dims, data }: Tensor): Tensor {
  const [, length = 0] = dims;
  return tensor(
    dims,
    data.map((value, i) => (i % length > Math.floor(i / length) % length ? 0 : value)),
  );
}

/** A gradient by its name in the expectations. */
function valueOf({ resid, inside }: Gradient, name: string) {
  const [part = '', layer = ''] = name.split('.');
  const found = part === 'resid' ? resid[Number(layer)] : inside[Number(layer)]?.get(part);
  if (found === undefined) throw new Error(`No gradient of ${name}.`);
  return found;
}

import { readdirSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { english, translated } from '../../src/core/translatable.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { widen } from '../../src/model/formats/widen.ts';
import { modelAt } from '../../src/worker/files.node.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, wasm } from './compare.ts';
import { expectClose, openGolden } from './oracle.ts';

const ADAPTERS = `${FIXTURES}/adapters`;
const CASES = readdirSync(ADAPTERS, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

describe.each([
  ['native', native, CASES],
  ['WASM', wasm, ['dora', 'gpt2']],
] as const)('a model with its adapter, %s', (_, runtime, cases) => {
  it.each(cases)('%s equals peft', async (name) => {
    const golden = await openGolden(folder(ADAPTERS), `${name}.safetensors`);
    const model = await openLanguageModel(await modelAt(`${ADAPTERS}/${name}`), await runtime());
    try {
      const trace = await model.run(runOf(await golden.ids(), UNCHANGED));
      const last = trace.resid.at(-1) ?? expect.fail('No residual.');
      expectClose(await model.logits(last), await golden.floats('logits'), 'logits');
      expect(golden.unread()).toEqual([]);
    } finally {
      await model.dispose();
    }
  });
});

test('a part of a matrix that an adapter changes is the same as in the whole', async () => {
  for (const name of ['dora', 'gpt2_dora']) {
    const files = await modelAt(`${ADAPTERS}/${name}`);
    const changed = [...(files.weights?.tensors.values() ?? [])].filter(({ file }) => file.includes(': ') && file.length > 0);
    expect(changed.length).toBeGreaterThan(3);
    const [tensor] = changed;
    if (tensor === undefined) return;
    const whole = await files.read(tensor.file, 0, tensor.length);
    const from = tensor.length / 2 + 8;
    expect(await files.read(tensor.file, from, 40)).toEqual(whole.slice(from, from + 40));
    expect(widen(whole, 'F32').every((value) => Number.isFinite(value))).toBe(true);
  }
});

test('says so with the names of both', async () => {
  const { notices = [], name } = await modelAt(`${ADAPTERS}/patterns`);
  expect(name).toBe('patterns');
  expect(notices.map((notice) => translated(notice, english))).toEqual([
    'With the adapter "patterns" (LoRA, 14 matrices, rank 4) on "llama": all numbers are those of the two together.',
  ]);
});

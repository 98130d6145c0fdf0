import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readJsonFile, folder, filesOf } from '../unit/model/folder.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { FIXTURES, wasm } from './compare.ts';
import { expectClose, openGolden } from './oracle.ts';

const OPTION = { gpt2: 'activation_function', llama: 'hidden_act' } as const;
const CONFIG = { gpt2: 'gpt2_untied', llama: 'sharded' } as const;

test.each(['gpt2', 'llama'] as const)('%s with every activation of ACT2FN without parameters equals transformers', async (family) => {
  const golden = await openGolden(folder(FIXTURES), 'activations.safetensors');
  const names = golden.names.filter((name) => name.startsWith(`${family}.`));
  expect(names).toHaveLength(22);
  const config = await readJsonFile(`${FIXTURES}/variants/${CONFIG[family]}/config.json`);
  const weights = await readFile(`${FIXTURES}/weights/${family}.safetensors`);
  const runtime = await wasm();
  for (const name of names) {
    const changed = JSON.stringify({ ...config, [OPTION[family]]: name.slice(family.length + 1) });
    const model = await openLanguageModel(filesOf({ 'config.json': changed, 'model.safetensors': weights }), runtime);
    const { resid } = await model.run(runOf(await golden.ids(), UNCHANGED));
    const last = resid.at(-1);
    if (last === undefined) throw new Error('No residual.');
    expectClose(await model.logits(last), await golden.floats(name), name);
    await model.dispose();
  }
});

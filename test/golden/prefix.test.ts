import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tensor } from '../../src/core/tensor.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { firstCases } from '../firstCases.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, wasm } from './compare.ts';
import { expectClose, openGolden } from './oracle.ts';

/** All but those whose ropes change with the length of the text. */
const CASES = readdirSync(`${FIXTURES}/families`).filter((name) => {
  const config = readFileSync(`${FIXTURES}/families/${name}/config.json`, 'utf8');
  return !/"(dynamic|longrope|su)"/.test(config) || config.includes('"alpha"');
});

test.each(firstCases(CASES))('%s reads the start of a text, down to one token, as it reads it within the whole', async (name) => {
  const path = `${FIXTURES}/families/${name}`;
  const golden = await openGolden(folder(path), 'golden.safetensors');
  const ids = await golden.ids();
  const model = await openLanguageModel(folder(path), await wasm());
  const { dims, data } = await golden.floats(`resid.${model.info.layers}`);
  const [, dim = 0] = dims;
  for (const length of [1, 6]) {
    const trace = await model.run(runOf(ids.slice(0, length), UNCHANGED));
    const last = trace.resid.at(-1);
    if (last === undefined) throw new Error('No residual.');
    expectClose(last, tensor([length, dim], data.slice(0, length * dim)), `${length} tokens`);
    expect((await model.attention(trace, 0)).dims).toEqual([model.info.heads, length, length]);
  }
  await model.dispose();
});

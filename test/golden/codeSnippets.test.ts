import { readFileSync, readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { softmax } from '../../src/core/probability.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED, headOff } from '../../src/core/run.ts';
import type { QueryArgs, QueryName, QueryResult } from '../../src/protocol/queries.ts';
import { createEngine } from '../../src/worker/engine.ts';
import { attentionCode, cosineCode, hasCode, nextTokenCode, type CodeRun } from '../../webview/figures/pythonCode.ts';
import { expectNear } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { wasm } from './compare.ts';

/** Programs as they are copied; test/reference/code_snippets.py runs them and writes what they compute. */
const FOLDER = 'test/fixtures/code';
const IDS = [0, 1135, 277, 305, 2020, 16_000, 305, 277];
const run = runOf(IDS, UNCHANGED);
const results = JSON.parse(readFileSync(`${FOLDER}/results.json`, 'utf8')) as Readonly<
  Record<string, readonly (number | readonly number[])[]>
>;

let of: CodeRun;
let engine: ReturnType<typeof createEngine>;
beforeAll(async () => {
  const runtime = await wasm();
  engine = createEngine({
    runtime: () => runtime,
    runtimeKind: 'wasm',
    openFiles: async () => folder('media/models/explain-tokens-9m'),
  });
  of = { model: await engine.open(UNWATCHED, { kind: 'folder', name: 'explain-tokens-9m', path: '' }), run };
});

/** What the panel would show. */
async function ask<Name extends QueryName>(name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>> {
  return engine.ask(UNWATCHED, run, name, args);
}

const CASES: Readonly<Record<string, { readonly code: () => string | null; readonly values: () => Promise<Float32Array> }>> = {
  attention: {
    code: () => attentionCode(of, { layer: 3, head: 2 }),
    values: async () => (await ask('attention', { layer: 3, head: 2 })).weights,
  },
  'attention-row': {
    code: () => attentionCode(of, { layer: 1, head: 0, query: 5 }),
    values: async () => (await ask('attentionRow', { layer: 1, head: 0, query: 5 })).weights,
  },
  'next-tokens': {
    code: () => nextTokenCode(of, 4, 20),
    values: async () =>
      softmax((await ask('distribution', { position: 4 })).logits, 1)
        .toSorted()
        .toReversed()
        .slice(0, 20),
  },
  'cosines-centred': {
    code: () => cosineCode(of, 4, 'centred'),
    values: async () => (await ask('similarity', { layer: 4, frame: 'centred' })).cosines,
  },
  'cosines-stored': {
    code: () => cosineCode(of, 0, 'stored'),
    values: async () => (await ask('similarity', { layer: 0, frame: 'stored' })).cosines,
  },
};

test('every program has been run', () => {
  expect(Object.keys(results).sort()).toEqual(Object.keys(CASES).sort());
  expect(readdirSync(FOLDER).filter((name) => name.endsWith('.py'))).toHaveLength(Object.keys(CASES).length);
});

test.each(Object.entries(CASES))('%s: the code that is copied computes the numbers that are shown', async (name, { code, values }) => {
  expect(code()).toBe(readFileSync(`${FOLDER}/${name}.py`, 'utf8'));
  expectNear([...(await values())], (results[name] ?? []).flat(), 1e-5, name);
});

test('there is none of a changed model, nor where transformers has no such states', () => {
  expect(hasCode(of)).toBe(true);
  expect(hasCode({ ...of, run: runOf(IDS, [headOff({ layer: 0, head: 0 })]) })).toBe(false);
  expect([cosineCode(of, -1, 'stored'), cosineCode(of, 6, 'stored')]).toEqual([null, null]);
});

import { readFileSync, readdirSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import type { ModelFiles } from '../../src/model/formats/modelFiles.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { carriedIn, type Trace } from '../../src/model/run/forwardTrace.ts';
import { itemOf, nonEmpty } from '../closeness.ts';
import { firstCases } from '../firstCases.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, smallPieces, wasm } from './compare.ts';
import { expectClose, openGolden, type Golden } from './oracle.ts';

/** Share of the largest number that one may be off in pieces, and after an edit. */
const IN_PIECES = 1e-4;
const AFTER_AN_EDIT = 1e-5;

/** Families, and models whose weights several configurations share: every kind of positions, windows, experts, sinks and latents. */
const CASES: readonly (readonly [string, () => Promise<readonly [files: ModelFiles, golden: ModelFiles]>])[] = [
  ...[
    'gpt2',
    'llama',
    'llama3_rope',
    'llama_linear_rope',
    'llama_yarn',
    ...readdirSync(`${FIXTURES}/families`).map((name) => `families/${name}`),
  ].map(
    (name) =>
      [
        name,
        async () => {
          const files = folder(`${FIXTURES}/${name}`);
          return [files, files] as const;
        },
      ] as const,
  ),
  ...Object.entries(JSON.parse(readFileSync(`${FIXTURES}/variants.json`, 'utf8')) as Record<string, string>)
    .filter(([, weights]) => !weights.endsWith('_sharded'))
    .map(
      ([name, weights]) =>
        [
          name,
          async () => {
            const others = (await readdir(`${FIXTURES}/weights`)).map((file) => [file, null] as const);
            const files = folder(`${FIXTURES}/weights`, {
              ...Object.fromEntries(others),
              'config.json': await readFile(`${FIXTURES}/variants/${name}/config.json`),
              'model.safetensors': await readFile(`${FIXTURES}/weights/${weights}.safetensors`),
            });
            return [files, folder(`${FIXTURES}/variants/${name}`)] as const;
          },
        ] as const,
    ),
];

describe.each([
  ['WASM', wasm],
  ['native', native],
])('%s', (_, runtime) => {
  test.each(firstCases(CASES))('%s in pieces, and after an edit, equals transformers and the text run at once', async (_name, open) => {
    const [files, goldenFiles] = await open();
    const golden = await openGolden(goldenFiles, 'golden.safetensors');
    const ids = await golden.ids();
    const run = runOf(ids, UNCHANGED);
    const model = await openLanguageModel(files, await runtime(), smallPieces);
    const told: string[] = [];
    const trace = await model.run(run, ({ stage, done, total }) => stage === 'forward' && told.push(`${done}/${total}`));
    const steps = smallPieces({ parameters: 0, perKey: 0, scoreBytes: 0 }, 0, ids.length).length * model.info.layers;
    expect(told.at(-1)).toBe(`${steps}/${steps}`);
    await compareWithGolden(model, trace, golden);

    const whole = await openLanguageModel(files, await runtime());
    const atOnce = await whole.run(run);
    compareTraces(trace, atOnce, IN_PIECES);

    // Another end; then this one again, of which the start is known.
    const edited = runOf(
      ids.map((id, i) => (i < ids.length - 3 ? id : (id + 1) % model.info.vocab)),
      UNCHANGED,
    );
    const before = await whole.run(edited);
    expect(whole.sharedTokens(edited, run)).toBe(ids.length - 3);
    const after = await whole.run(run, undefined, before);
    expect(after.run).toEqual(run);
    compareTraces(after, atOnce, AFTER_AN_EDIT);
    await compareWithGolden(whole, after, golden);

    // Longer, then shorter.
    const start = runOf(ids.slice(0, 7), UNCHANGED);
    compareTraces(await whole.run(run, undefined, await whole.run(start)), atOnce, AFTER_AN_EDIT);
    compareTraces(await whole.run(start, undefined, atOnce), await whole.run(start), AFTER_AN_EDIT);
    await Promise.all([model.dispose(), whole.dispose()]);
  });
});

async function compareWithGolden(model: LanguageModel, trace: Trace, golden: Golden): Promise<void> {
  for (const [layer, resid] of trace.resid.entries())
    expectClose(resid, await golden.floats(`resid.${layer}`), `resid ${layer}`, IN_PIECES);
  for (let layer = 0; layer < model.info.layers; layer++)
    expectClose(await model.attention(trace, layer), await golden.floats(`attentions.${layer}`), `attention ${layer}`, IN_PIECES);
  expectClose(await model.logits(itemOf(carriedIn(trace), model.info.layers)), await golden.floats('logits'), 'logits', IN_PIECES);
}

function compareTraces(found: Trace, expected: Trace, tolerance: number): void {
  const parts = ({ embedding, resid, q, k, v, latent = [] }: Trace): readonly Tensor[] =>
    nonEmpty([embedding, ...resid, ...q, ...k, ...v, ...latent.flatMap(({ compressed, sharedKey }) => [compressed, sharedKey])], 'part');
  const own = parts(found);
  expect(found.run).toEqual(expected.run);
  expect(own).toHaveLength(parts(expected).length);
  for (const [i, part] of parts(expected).entries()) expectClose(itemOf(own, i), part, `part ${i}`, tolerance);
  expect(found.experts?.map((choice) => choice?.ids)).toEqual(expected.experts?.map((choice) => choice?.ids));
}

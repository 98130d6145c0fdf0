import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { expect, test } from 'vitest';
import { openLanguageModel } from '../../../src/model/languageModel.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { openGolden } from '../../golden/oracle.ts';
import { folder } from './folder.ts';

const open = async (name: string) => openLanguageModel(folder(`${FIXTURES}/${name}`), await wasm());

async function special(name: string) {
  const model = await open(`families/${name}`);
  await model.dispose();
  return model.info.traits;
}

test('a plain model has nothing special', async () => {
  for (const name of ['llama', 'gpt2', 'families/bloom.1', 'families/qwen2.1']) {
    const model = await open(name);
    expect(model.info.traits).toBeUndefined();
    await model.dispose();
  }
});

test.each([
  ['bloom.1', 'alibi', 'LayerNorm'],
  ['xglm.1', 'sinusoidal', 'LayerNorm'],
  ['opt.2', 'learned', 'LayerNorm'],
  ['olmo.1', 'rotary', 'LayerNorm'],
  ['gemma.1', 'rotary', 'RMSNorm'],
] as const)('%s has %s positions and %s', async (name, positions, norm) => {
  const model = await open(`families/${name}`);
  expect(model.info).toMatchObject({ positions, norm });
  await model.dispose();
});

test('windows, layers without positions, experts, sinks, latent attention and caps are told by layer', async () => {
  const windows = (traits: Awaited<ReturnType<typeof special>>) => traits?.layers.map(({ window }) => window);
  const cohere = await special('cohere2.2');
  expect(windows(cohere)).toEqual([4, null, 4]);
  expect(cohere?.layers.map(({ ropeTheta }) => ropeTheta)).toEqual([50_000, null, 50_000]);
  expect((await special('gemma3_text.3'))?.layers.map(({ ropeTheta }) => ropeTheta)).toEqual([2000, 100_000]);
  expect(await special('gemma2.1')).toMatchObject({ scoreCap: 2, logitCap: 3, sinks: false });
  expect(await special('gpt_oss.1')).toMatchObject({
    sinks: true,
    layers: [{ window: 5, experts: { count: 4, chosen: 2, shared: false } }, { window: null }],
  });
  expect(await special('deepseek_v3.1')).toMatchObject({
    latentRank: 12,
    layers: [{ experts: null }, { experts: { count: 8, chosen: 2, shared: true } }, { experts: { count: 8 } }],
  });
});

test('a trace tells the experts of each token and what latent attention keeps', async () => {
  const model = await open('families/deepseek_v3.1');
  const ids = await (await openGolden(folder(`${FIXTURES}/families/deepseek_v3.1`), 'golden.safetensors')).ids();
  const { experts, latent, k, v } = await model.run(runOf(ids, UNCHANGED));
  expect(experts?.[0]).toBeNull();
  const choice = experts?.[1];
  expect(choice?.weights.dims).toEqual([ids.length, 2]);
  for (let token = 0; token < ids.length; token++) {
    const [a = -1, b = -1] = choice?.ids.slice(token * 2, token * 2 + 2) ?? [];
    expect(a).not.toBe(b);
    // Normalised, then multiplied by routed_scaling_factor.
    expect((choice?.weights.data[token * 2] ?? 0) + (choice?.weights.data[token * 2 + 1] ?? 0)).toBeCloseTo(2.5, 4);
  }
  expect(latent?.map(({ compressed, sharedKey }) => [compressed.dims, sharedKey.dims])).toEqual(
    Array.from({ length: 3 }, () => [
      [ids.length, 12],
      [ids.length, 4],
    ]),
  );
  expect([k[0]?.dims, v[0]?.dims]).toEqual([
    [4, ids.length, 12],
    [4, ids.length, 6],
  ]);
  // The shared part of the key ends the key of every head.
  const shared = latent?.[1]?.sharedKey.data.slice(0, 4);
  for (let head = 0; head < 4; head++) expect(k[1]?.data.slice(head * ids.length * 12 + 8, head * ids.length * 12 + 12)).toEqual(shared);
  await model.dispose();
});

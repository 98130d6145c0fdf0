import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parameterGroups, type BlockParts } from '../../../src/core/architecture.ts';
import { architectureOf } from '../../../src/model/decoderParts.ts';
import { readModel } from '../../../src/model/describeModel.ts';
import { FIXTURES } from '../../golden/compare.ts';
import { folder } from './folder.ts';

const inFolder = (name: string): readonly string[] => readdirSync(`${FIXTURES}/${name}`).map((one) => `${name}/${one}`);
const CASES = ['gpt2', 'llama', ...inFolder('families'), ...inFolder('hybrids'), ...inFolder('wrappers')].filter((name) =>
  existsSync(`${FIXTURES}/${name}/config.json`),
);

async function read(name: string) {
  const { spec, facts } = await readModel(folder(`${FIXTURES}/${name}`), 'wasm');
  return { facts, architecture: architectureOf(spec) };
}

async function layers(name: string): Promise<readonly BlockParts[]> {
  return (await read(name)).architecture.blocks;
}

test('the parameters of all parts are those of the model, in every family', async () => {
  const found = await Promise.all(
    CASES.map(async (name) => {
      const { facts, architecture } = await read(name);
      const groups = parameterGroups(architecture);
      return [name, [...groups.values()].reduce((sum, count) => sum + count, 0) - facts.parameters] as const;
    }),
  );
  expect(found.length).toBeGreaterThan(130);
  expect(found.filter(([, difference]) => difference !== 0)).toEqual([]);
});

test('the bundled model’s parts have the sizes that its config.json declares', async () => {
  const { facts, architecture } = await read('../../../media/models/explain-tokens-9m');
  expect(architecture.embedding).toEqual({ width: facts.dim, projected: false, normed: false, parameters: facts.vocab * facts.dim });
  expect(architecture.unembedding).toEqual({ tied: true, projected: false, parameters: 0 });
  expect(architecture.blocks).toHaveLength(facts.layers);
  expect(architecture.blocks[0]?.mixer).toMatchObject({ kind: 'attention', heads: facts.heads, kvHeads: facts.kvHeads, rotary: true });
});

test('layers are told as what they are: experts, windows, shared keys, states, parallel steps, norms behind a step', async () => {
  const [dense, routed] = await layers('families/deepseek_v3.1');
  expect(dense?.mlp).toMatchObject({ experts: null });
  expect(routed?.mlp).toMatchObject({ experts: { count: 8, chosen: 2, shared: true }, gated: true });
  expect(routed?.mlp?.active).toBeLessThan(routed?.mlp?.parameters ?? 0);
  expect(routed?.mixer).toMatchObject({ kind: 'attention', latentRank: 12 });
  expect((await layers('families/gpt_oss.1')).map(({ mixer }) => mixer?.kind === 'attention' && mixer.window)).toEqual([5, null]);
  expect((await layers('families/phi.1'))[0]).toMatchObject({ wiring: 'parallel', mlp: { gated: false } });
  expect((await layers('families/gemma2.1'))[0]).toMatchObject({ attentionNorms: { pre: true, post: true, stream: false } });
  expect((await layers('families/olmo2.1'))[0]).toMatchObject({ attentionNorms: { pre: false, post: true } });
  const kinds = new Set((await layers('hybrids/qwen3_next.1')).map(({ mixer }) => mixer?.kind));
  expect(kinds).toEqual(new Set(['attention', 'deltaNet']));
  expect((await layers('hybrids/falcon_h1.1'))[0]).toMatchObject({ mixer: { kind: 'attention' }, beside: { kind: 'mamba' } });
  // A layer of Nemotron H is one thing alone.
  for (const { mixer, beside, mlp } of await layers('hybrids/nemotron_h.1')) expect([mixer === null, mlp === null, beside]).toContain(true);
  expect(new Set((await layers('hybrids/nemotron_h.1')).map(({ mixer }) => mixer?.kind))).toContain('mamba');
});

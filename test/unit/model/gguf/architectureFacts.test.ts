import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../../../src/core/errors.ts';
import { readModel } from '../../../../src/model/describeModel.ts';
import { layersOf } from '../../../../src/model/formats/gguf/architectures/common.ts';
import { architectureNamed } from '../../../../src/model/formats/gguf/architectures/architectures.ts';
import { factsOf } from '../../../../src/model/formats/gguf/facts.ts';
import { ggufFiles } from '../../../../src/model/formats/gguf/ggufFiles.ts';
import { readGgufHeader, type GgufValue } from '../../../../src/model/formats/gguf/ggufHeader.ts';
import type { RopeTensors } from '../../../../src/model/formats/gguf/ggufRope.ts';
import { huggingFaceTensors } from '../../../../src/model/formats/gguf/layout.ts';
import { filesOf } from '../folder.ts';

const files = (name: string) => filesOf({ 'm.gguf': new Uint8Array(gunzipSync(readFileSync(`test/fixtures/gguf/${name}.gguf.gz`))) });

interface Change {
  readonly metadata?: Readonly<Record<string, GgufValue>>;
  /** Tensors left out. */
  readonly without?: readonly string[];
  readonly ropes?: RopeTensors;
}

/** Reads the facts and names of a fixture with something changed, but none of its numbers. */
async function read(name: string, { metadata: changed = {}, without = [], ropes = new Map() }: Change): Promise<void> {
  const from = files(name);
  const { metadata, tensors } = await readGgufHeader(from, 'm.gguf');
  const architecture = String(metadata.get('general.architecture'));
  const left = new Map([...tensors].filter(([tensor]) => !without.includes(tensor)));
  const facts = factsOf('m.gguf', architecture, new Map([...metadata, ...Object.entries(changed)]), left);
  const described = architectureNamed(architecture)?.(facts, ropes) ?? expect.fail(architecture);
  const { layers, extra } = layersOf(facts);
  huggingFaceTensors(facts, from, described.layout, layers, extra);
}

describe('what a file says of itself is refused by one sentence:', () => {
  const rope = (...divisors: number[]): RopeTensors => new Map([['rope_freqs.weight', Float32Array.from(divisors)]]);
  const long: RopeTensors = new Map(['long', 'short'].map((kind) => [`rope_factors_${kind}.weight`, Float32Array.of(1, 2, 3, 4)]));

  test.each<[name: string, change: Change, message: RegExp]>([
    [
      'gemma4.f16',
      { metadata: { 'gemma4.rope.dimension_count': 8 } },
      /says "gemma4\.rope\.dimension_count" as 8, with keys of 16 numbers/,
    ],
    ['gemma4.f16', { ropes: rope(1, 1, 1e30, 1, 1e30, 1e30, 1e30, 1e30) }, /do not leave the last pairs of a head unrotated/],
    ['gemma4.f16', { ropes: rope(1, 1e30) }, /do not leave the last pairs of a head unrotated/],
    [
      'gemma4.q8_0',
      { metadata: { 'gemma4.feed_forward_length': [16, 'wide', 32, 32] } },
      /says "feed_forward_length" for layer 1 as "wide"/,
    ],
    ['gemma4.q4_0', { metadata: { 'gemma4.attention.head_count_kv': [2, 2] } }, /says "attention\.head_count_kv" for layer 2 as null/],
    ['llama4.q4_1', { metadata: { 'llama4.attention.sliding_window': 0 } }, /no layer attends in chunks/],
    ['apertus.q8_0', { metadata: { 'xielu.alpha_p': [0.5] } }, /does not say "xielu\.alpha_p" for layer 1/],
    ['qwen35.q8_0', { metadata: { 'qwen35.ssm.time_step_rank': 3 } }, /has 3 value heads of together 128 numbers for 2 key heads/],
    ['qwen3next.q5_0', { without: ['blk.0.attn_gate.weight'] }, /holds an "attn_qkv" without "attn_gate"/],
    ['glm4moe.f16', { metadata: { 'glm4moe.expert_gating_func': 1 } }, /chooses experts by function 1, which is not supported/],
    ['gpt-oss.q8_0', { without: ['blk.0.ffn_up_exps.weight'] }, /holds a "ffn_gate_exps" without "ffn_up_exps"/],
    ['lfm2.f16', { metadata: { 'lfm2.attention.head_count_kv': [1, 2] } }, /differently for each layer/],
    ['phimoe.q8_0', { metadata: { 'phimoe.context_length': 65_536 }, ropes: long }, /which are known of Phi 3\.5 MoE alone/],
    ['phimoe.f16', { ropes: long }, /scales positions without the factors of cosines and sines/],
    ['falcon.f16', { metadata: { 'falcon.attention.head_count_kv': 3 } }, /claims 3 heads of keys for 4 of queries/],
  ])('%s with %j', async (name, change, message) => {
    await read(name, {});
    await expect(read(name, change)).rejects.toThrow(UserError);
    await expect(read(name, change)).rejects.toThrow(message);
  });
});

test('matrices that the reader takes apart, weaves or reorders stay quantised', async () => {
  const kept = async (name: string, ending: string): Promise<readonly boolean[]> => {
    const { spec } = await readModel(await ggufFiles(files(name), 'm.gguf'), 'native', 0);
    const weights = spec.blocks.flatMap(({ attention, mlp }) => [
      ...(attention.kind === 'deltaNet' ? [attention.output.weight] : []),
      ...(mlp.kind === 'experts'
        ? mlp.experts.flatMap((own) => ('gateUp' in own ? [own.gateUp.weight] : 'gate' in own ? [own.gate.weight] : []))
        : []),
    ]);
    return weights.filter((weight) => weight.name.endsWith(ending)).map((weight) => weight.kept !== undefined);
  };
  expect(await kept('qwen35.q8_0', 'out_proj.weight')).toEqual([true, true]);
  expect(await kept('gpt-oss.mxfp4', 'gate_up_proj.weight')).toEqual(Array.from({ length: 8 }, () => true));
  expect(await kept('gemma4.q4_0', '.gate_proj.weight')).toEqual(Array.from({ length: 12 }, () => true));
});

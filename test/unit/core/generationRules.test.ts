import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { applyRules, RULE_NAMES } from '../../../src/core/generationRules.ts';
import { logSumExp, softmax } from '../../../src/core/probability.ts';
import { sample } from '../../../src/core/sampling.ts';
import { UserError } from '../../../src/core/errors.ts';
import { readGeneration, type Generation } from '../../../src/model/generation/generationConfig.ts';
import { filesOf } from '../model/folder.ts';

interface Case {
  readonly options: Readonly<Record<string, unknown>>;
  readonly ids: readonly number[];
  readonly prompt: number;
  readonly eos: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly (number | null)[];
}
const CASES = JSON.parse(readFileSync('test/fixtures/core/generationRules.json', 'utf8')) as readonly Case[];
const generation = (config: unknown, text = JSON.stringify(config)): Promise<Generation> =>
  readGeneration(filesOf({ 'generation_config.json': text }), {});

test('there is a case for every rule', () => {
  expect(RULE_NAMES.filter((name) => !CASES.some(({ options }) => name in options))).toEqual([]);
});

test.each(CASES.map((one) => [JSON.stringify(one.options), one] as const))(
  'scores after %s are those of transformers',
  async (_, { options, ids, prompt, eos, before, after }) => {
    const { rules } = await generation(options);
    const { logits } = applyRules(Float32Array.from(before), rules, { ids: Int32Array.from(ids), prompt, eos });
    expect([...logits]).toEqual(after.map((score) => (score === null ? -Infinity : expect.closeTo(score, 5))));
  },
);

describe('what a rule did', () => {
  const logits = Float32Array.of(2, 1, 0, -1, -2);
  const probs = softmax(logits);
  const context = { ids: Int32Array.of(0, 3, 0), prompt: 3, eos: [4] };

  it('is how many tokens it forbids and what was theirs', () => {
    const { steps } = applyRules(
      logits,
      [
        { name: 'suppress_tokens', ids: [1, 4, 77] },
        { name: 'min_new_tokens', count: 1 },
      ],
      context,
    );
    expect(steps).toEqual([
      { filter: 'suppress_tokens', kept: 3, dropped: 2, removed: expect.closeTo((probs[1] ?? 0) + (probs[4] ?? 0), 6) },
      { filter: 'min_new_tokens', kept: 3, dropped: 0, removed: 0 },
    ]);
  });

  it('or how many it changes and what moves', () => {
    const { steps, logits: after } = applyRules(logits, [{ name: 'repetition_penalty', penalty: 2 }], context);
    const moved = softmax(after).reduce((sum, p, i) => sum + Math.abs(p - (probs[i] ?? 0)) / 2, 0);
    expect(steps).toEqual([
      { filter: 'repetition_penalty', kept: 5, dropped: 0, removed: 0, changed: { tokens: 2, moved: expect.closeTo(moved, 6) } },
    ]);
    expect(logSumExp(logits)).toBeCloseTo(Math.log(Math.exp(2) + Math.exp(1) + 1 + Math.exp(-1) + Math.exp(-2)));
  });

  it('is said where it says something about the step, and nowhere else', () => {
    const later = { ids: Int32Array.of(0, 3, 0, 1), prompt: 3, eos: [4] };
    expect(
      applyRules(
        logits,
        [
          { name: 'begin_suppress_tokens', ids: [1] },
          { name: 'min_length', length: 3 },
          { name: 'exponential_decay_length_penalty', start: 1, factor: 2 },
        ],
        later,
      ),
    ).toEqual({ logits, steps: [] });
  });

  it('what is forbidden is not drawn from, whatever the settings', () => {
    const forbidden = Float32Array.of(2, -Infinity, 1, -Infinity, 0);
    const { kept, keptCount, final } = sample(forbidden, { temperature: 1, topK: 4, topP: 1, minP: 0 });
    expect([[...kept], keptCount, final[1], final[3]]).toEqual([[1, 0, 1, 0, 1], 3, 0, 0]);
  });
});

describe('generation_config.json', () => {
  it('what is done, what is left out and what the user sets instead are told apart, and what changes nothing is not named', async () => {
    const { applied, leftOut, suggested, rules } = await generation({
      do_sample: true,
      temperature: 0.7,
      top_k: 20,
      repetition_penalty: 1.05,
      no_repeat_ngram_size: 0,
      min_length: 0,
      num_beams: 4,
      typical_p: 0.9,
      epsilon_cutoff: 0,
      guidance_scale: 1,
      encoder_repetition_penalty: 1.2,
      suppress_tokens: [],
      bos_token_id: 1,
      transformers_version: '4.37.0',
      length_penalty: 1,
      renormalize_logits: true,
    });
    expect(rules).toEqual([{ name: 'repetition_penalty', penalty: 1.05 }]);
    expect(applied).toEqual([{ name: 'repetition_penalty', value: '1.05' }]);
    expect(leftOut.map(({ name, value }) => `${name} ${value}`)).toEqual([
      'encoder_repetition_penalty 1.2',
      'typical_p 0.9',
      'num_beams 4',
    ]);
    expect(suggested.map(({ name, value }) => `${name} ${value}`)).toEqual(['do_sample true', 'temperature 0.7', 'top_k 20']);
  });

  it('is config.json where there is none, as in files of before 2023', async () => {
    const { rules, eos } = await readGeneration(filesOf({ 'config.json': '{}' }), { eos_token_id: [1, 2], no_repeat_ngram_size: 3 });
    expect([rules, eos]).toEqual([[{ name: 'no_repeat_ngram_size', size: 3 }], [1, 2]]);
  });

  it('is read as Python reads it', async () => {
    const { suggested, rules } = await generation(null, '{"temperature": NaN, "max_length": Infinity, "repetition_penalty": 1.2}');
    expect(suggested.map(({ name, value }) => `${name} ${value}`)).toEqual(['temperature "NaN"', 'max_length "Infinity"']);
    expect(rules).toHaveLength(1);
  });

  it.each<[string, RegExp]>([
    ['{"repetition_penalty": 0}', /^generation_config\.json: repetition_penalty must be a number above 0, not 0\.$/],
    ['{"repetition_penalty": NaN}', /repetition_penalty must be a number above 0, not NaN/],
    ['{"no_repeat_ngram_size": 2.5}', /no_repeat_ngram_size must be a whole number from 0 on, not 2\.5/],
    ['{"suppress_tokens": "all"}', /suppress_tokens must be a list of token ids/],
    ['{"bad_words_ids": [[1], []]}', /bad_words_ids must be a list of lists of token ids/],
    ['{"sequence_bias": [[[1], "x"]]}', /sequence_bias must be/],
    ['{"exponential_decay_length_penalty": [1]}', /exponential_decay_length_penalty must be/],
  ])('%s is refused', async (text, message) => {
    await expect(generation(null, text)).rejects.toThrow(UserError);
    await expect(generation(null, text)).rejects.toThrow(message);
  });
});

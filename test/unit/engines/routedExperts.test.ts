import { describe, expect, it } from 'vitest';
import { answerPart } from '../../../src/engines/engineAnswer.ts';
import { plainExperts, routingOf, type RoutedExperts } from '../../../src/engines/routedExperts.ts';
import { generator } from '../../generator.ts';

interface Model {
  readonly layers: number;
  readonly experts: number;
  readonly chosen: number;
  /** Whether a layer has no experts. */
  readonly isDense?: (layer: number) => boolean;
}

/** Random experts of tokens, as an engine numbers them: [tokens, layers, chosen], zeros for layers without. */
function numbersOf({ layers, experts, chosen, isDense = () => false }: Model, tokens: number): Int32Array {
  const random = generator(7);
  const values: number[] = [];
  for (let place = 0; place < tokens * layers; place++) {
    const own = new Set<number>();
    while (own.size < chosen && !isDense(place % layers)) own.add(random(experts));
    values.push(...(own.size === 0 ? Array.from({ length: chosen }, () => 0) : own));
  }
  return Int32Array.from(values);
}

function read(values: Int32Array, tokens: number): RoutedExperts {
  const text = Buffer.from(values.buffer).toString('base64');
  return plainExperts(answerPart('here', text), answerPart('here', null), 'here', tokens);
}

describe('experts that come without their shape', () => {
  it.each<[string, Model, number]>([
    ['Mixtral 8x7B', { layers: 32, experts: 8, chosen: 2 }, 8],
    ['Qwen3 235B', { layers: 94, experts: 128, chosen: 8 }, 2],
    ['DeepSeek V3', { layers: 61, experts: 256, chosen: 8, isDense: (layer) => layer < 3 }, 5],
    ['Qwen3 Next', { layers: 48, experts: 512, chosen: 10 }, 12],
    ['gpt-oss 120B', { layers: 36, experts: 128, chosen: 4 }, 16],
    ['Step, one layer of two', { layers: 60, experts: 64, chosen: 3, isDense: (layer) => layer % 2 === 0 }, 32],
  ])('of %s are laid out by layers, and come back', (_, model, tokens) => {
    const values = numbersOf(model, tokens);
    const found = read(values, tokens);
    const { layers, chosen, isDense = () => false } = model;
    const routed = Array.from({ length: layers }, (__, layer) => layer).filter((layer) => !isDense(layer));
    expect(found.told).toEqual({ layers: routed, chosen, least: Math.max(...values) + 1 });
    for (const layer of routed) {
      const own = Array.from({ length: tokens }, (__, token) => [...values.subarray((token * layers + layer) * chosen)].slice(0, chosen));
      expect([...routingOf(found, layer).ids]).toEqual(own.flat());
    }
  });

  it.each<[string, Model, number]>([
    ['a single token of a small model', { layers: 2, experts: 8, chosen: 2 }, 1],
    // Two layers beside each other look like one in which two are chosen, or like one with an expert that all tokens pass.
    ['a model that chooses one of many', { layers: 24, experts: 128, chosen: 1 }, 4],
    ['layers of one expert between others', { layers: 48, experts: 128, chosen: 1, isDense: (layer) => layer % 2 === 0 }, 6],
  ])('of %s are not guessed', (_, model, tokens) => {
    expect(() => read(numbersOf(model, tokens), tokens)).toThrow(/cannot be told from the numbers of \d+ tokens: a longer text may do\.$/);
  });

  it('of a model that chooses one are told by a text in which two layers choose the same number', () => {
    const tokens = 200;
    expect(read(numbersOf({ layers: 6, experts: 16, chosen: 1 }, tokens), tokens).told).toMatchObject({
      chosen: 1,
      layers: [0, 1, 2, 3, 4, 5],
    });
  });

  it.each([
    [[0, 0, 0, 0], 'all of its numbers are 0.'],
    [[1, 2, -1, 3], '-1 is no number of an expert.'],
    [[1, 2, 70_000, 3], '70000 is no number of an expert.'],
    [[1, 2, 3], '12 bytes are none of 2 tokens.'],
    [[], '0 bytes are none of 2 tokens.'],
  ])('%j are refused', (values, sentence) => {
    expect(() => read(Int32Array.from(values), 2)).toThrow(`What here tells of the experts of tokens cannot be used: ${sentence}`);
  });
});

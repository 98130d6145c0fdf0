import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { activate, erf, type Activation } from '../../../src/core/activationFunctions.ts';
import { expectNear } from '../../closeness.ts';

const { input = [], ...expected } = JSON.parse(readFileSync('test/fixtures/core/activations.json', 'utf8')) as Record<
  string,
  readonly number[]
>;

test.each(Object.entries(expected))('%s equals PyTorch', (name, values) => {
  expectNear(
    input.map((x) => activate(name as Activation, x)),
    values,
    5e-10,
    name,
  );
});

test('the error function goes on where its form changes', () => {
  expect(erf(2.5 - 1e-12)).toBeCloseTo(erf(2.5), 11);
  expect(erf(6.1)).toBeCloseTo(erf(6), 11);
  expect([erf(0), erf(-1) + erf(1)]).toEqual([0, 0]);
});

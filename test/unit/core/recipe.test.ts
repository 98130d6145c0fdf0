import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkRecipe, parseRecipe } from '../../../src/core/recipe.ts';
import { isRecord } from '../../../src/core/records.ts';
import { runKey, runOf, type Recipe } from '../../../src/core/run.ts';

const SCHEMA = JSON.parse(readFileSync('media/recipe.schema.json', 'utf8')) as Readonly<Record<string, unknown>>;
const PUBLISHED = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly contributes: { readonly jsonValidation: readonly { readonly fileMatch: string; readonly url: string }[] };
};

/** Whether a value is what a schema describes, by the keywords that the published one uses; throws for another. */
function fits(schema: unknown, value: unknown): boolean {
  if (!isRecord(schema)) throw new Error('A schema is an object.');
  return Object.entries(schema).every(([keyword, of]) => {
    switch (keyword) {
      case '$schema':
      case 'title':
      case 'description':
      case 'definitions':
        return true;
      case '$ref':
        return fits((SCHEMA['definitions'] as Record<string, unknown>)[String(of).replace('#/definitions/', '')], value);
      case 'type':
        if (of === 'object') return isRecord(value);
        if (of === 'array') return Array.isArray(value);
        return of === 'integer' ? Number.isInteger(value) : typeof value === of;
      case 'const':
        return value === of;
      case 'minimum':
        return Number(value) >= Number(of);
      case 'maximum':
        return Number(value) <= Number(of);
      case 'enum':
        return Array.isArray(of) && of.includes(value);
      case 'minItems':
        return Array.isArray(value) && value.length >= Number(of);
      case 'maxItems':
        return Array.isArray(value) && value.length <= Number(of);
      case 'items':
        return Array.isArray(value) && value.every((item) => fits(of, item));
      case 'oneOf':
        return Array.isArray(of) && of.filter((one) => fits(one, value)).length === 1;
      case 'required':
        return Array.isArray(of) && isRecord(value) && of.every((name) => Object.hasOwn(value, String(name)));
      case 'additionalProperties': {
        const known = schema['properties'];
        return isRecord(value) && isRecord(known) && Object.keys(value).every((name) => Object.hasOwn(known, name));
      }
      case 'properties':
        return (
          isRecord(value) &&
          isRecord(of) &&
          Object.entries(of).every(([name, inner]) => !Object.hasOwn(value, name) || fits(inner, value[name]))
        );
      default:
        throw new Error(`The test does not know ${keyword}.`);
    }
  });
}

const STEPS: Recipe = [
  { kind: 'head', layer: 1, head: 2, action: 'zero' },
  { kind: 'head', layer: 0, head: 0, action: 'scale', factor: -1.5 },
  { kind: 'mlp', layer: 3, action: 'zero' },
  { kind: 'mlp', layer: 3, action: 'scale', factor: 0 },
  { kind: 'head', layer: 0, head: 1, token: 3, action: 'set', values: [1, 2.5] },
  { kind: 'mlp', layer: 2, action: 'mean' },
  { kind: 'neuron', layer: 1, neuron: 7, action: 'scale', factor: 2 },
  { kind: 'pattern', layer: 1, head: 0, action: 'previous' },
  { kind: 'residual', layer: 4, token: 2, action: 'move', values: [0, -1, 2] },
  { kind: 'residual', layer: 0, token: 1, action: 'move', direction: 5, strength: -2 },
  { kind: 'steer', layer: 4, action: 'add', values: [1, 0, -2], strength: 0.5 },
  { kind: 'steer', layer: 0, action: 'add', values: [1, 0, -2], strength: -1, on: 'generated', prompt: 3 },
  { kind: 'key', key: 2, action: 'cut' },
  { kind: 'key', key: 0, layer: 1, head: 3, action: 'cut' },
  { kind: 'edge', query: 5, key: 4, head: 1, action: 'cut' },
];
const file = (steps: unknown, rest: object = {}): string => JSON.stringify({ version: 1, steps, ...rest });
const parse = (text: string): Recipe => parseRecipe(text, 'r.json');

describe('a recipe file', () => {
  test('is read as it is written, in the schema’s form, and its fields may stand in any order', () => {
    expect(parse(file(STEPS, { $schema: 'recipe.schema.json' }))).toEqual(STEPS);
    expect(fits(SCHEMA, JSON.parse(file(STEPS)))).toBe(true);
    expect(PUBLISHED.contributes.jsonValidation).toEqual([{ fileMatch: '*.recipe.json', url: './media/recipe.schema.json' }]);
    const turned = STEPS.map((step) => Object.fromEntries(Object.entries(step).toReversed()));
    expect(runKey(runOf([1], parse(file(turned))))).toBe(runKey(runOf([1], STEPS)));
  });

  test.each([
    [
      { kind: 'heads', layer: 0, head: 0, action: 'zero' },
      'the kind "heads" is unknown: there are "head", "mlp", "neuron", "pattern", "residual", "steer", "key" and "edge".',
    ],
    [{ kind: 'head', layer: 0, action: 'zero' }, '"head" is missing.'],
    [{ kind: 'head', layer: -1, head: 0, action: 'zero' }, '"layer" is a whole number from 0, not -1.'],
    [{ kind: 'head', layer: 0.5, head: 0, action: 'zero' }, '"layer" is a whole number from 0, not 0.5.'],
    [{ kind: 'head', layer: '1', head: 0, action: 'zero' }, '"layer" is a whole number from 0, not "1".'],
    [{ kind: 'head', layer: 0, head: 0, action: 'move' }, 'the action of this kind is "zero", "scale", "mean" or "set", not "move".'],
    [{ kind: 'neuron', layer: 0, neuron: 0, action: 'mean' }, 'the action of this kind is "zero" or "scale", not "mean".'],
    [{ kind: 'head', layer: 0, head: 0, action: 'set' }, '"values" is a list of numbers from -1000000 to 1000000, not nothing.'],
    [{ kind: 'mlp', layer: 0, action: 'set', values: [1, '2'] }, '"values" is a list of numbers from -1000000 to 1000000, not [1,"2"].'],
    [{ kind: 'pattern', layer: 0, head: 0, action: 'cut' }, 'the action of this kind is "previous" or "uniform", not "cut".'],
    [{ kind: 'residual', layer: 0, action: 'set', values: [1] }, '"token" is missing.'],
    [
      { kind: 'residual', layer: 0, token: 1, action: 'move', direction: 2 },
      '"strength" is a number from -1000000 to 1000000, not nothing.',
    ],
    [{ kind: 'steer', layer: 0, action: 'move', values: [1], strength: 1 }, 'the action of this kind is "add", not "move".'],
    [{ kind: 'steer', layer: 0, action: 'add', values: [1], strength: 1, on: 'all' }, '"on" is "prompt" or "generated", not "all".'],
    [{ kind: 'steer', layer: 0, action: 'add', values: [1], strength: 1, prompt: 2 }, 'a step of this kind and action has no "prompt".'],
    [{ kind: 'head', layer: 0, head: 0, action: 'scale' }, '"factor" is a number from -1000000 to 1000000, not nothing.'],
    [{ kind: 'mlp', layer: 0, action: 'scale', factor: 1e7 }, '"factor" is a number from -1000000 to 1000000, not 10000000.'],
    [{ kind: 'mlp', layer: 0, head: 1, action: 'zero' }, 'a step of this kind and action has no "head".'],
    [{ kind: 'head', layer: 0, head: 0, action: 'zero', factor: 2 }, 'a step of this kind and action has no "factor".'],
    [{ kind: 'key', key: 2, heads: 1, action: 'cut' }, 'a step of this kind and action has no "heads".'],
    [{ kind: 'key', key: 2, query: 3, action: 'cut' }, 'a step of this kind and action has no "query".'],
    [{ kind: 'key', key: 2, layer: null, action: 'cut' }, '"layer" is a whole number from 0, not null.'],
    [{ kind: 'key', key: 2, action: 'zero' }, 'the action of this kind is "cut", not "zero".'],
    [
      { kind: 'x'.repeat(500) },
      `the kind "${'x'.repeat(39)}… is unknown: there are "head", "mlp", "neuron", "pattern", "residual", "steer", "key" and "edge".`,
    ],
    ['head', 'a step is an object such as {"kind": "head", "layer": 1, "head": 2, "action": "zero"}.'],
    [[], 'a step is an object such as {"kind": "head", "layer": 1, "head": 2, "action": "zero"}.'],
  ])('says of %j what is wrong, as the schema does', (step, problem) => {
    expect(() => parse(file([STEPS[0], step]))).toThrow(`r.json, step 2: ${problem}`);
    expect(fits(SCHEMA, JSON.parse(file([step])))).toBe(false);
  });

  test('says what else is wrong', () => {
    expect(() => parse('{')).toThrow('r.json is not JSON.');
    for (const text of [
      '[]',
      'null',
      '7',
      '{}',
      '{"version": 1}',
      '{"version": 1, "steps": {}}',
      '{"__proto__": {"version": 1, "steps": []}}',
    ])
      expect(() => parse(text), text).toThrow('r.json is not a recipe: that is {"version": 1, "steps": [...]}.');
    expect(() => parse('{"version": 2, "steps": []}')).toThrow('r.json is a recipe of version 2, and 1 is the one that can be read.');
    expect(() => parse(file([], { Steps: [] }))).toThrow('r.json: a recipe has no "Steps".');
    expect(() => parse(file(Array.from({ length: 10_001 }, () => STEPS[0])))).toThrow(
      'r.json has 10001 steps, and a recipe at most 10000.',
    );
    // JSON has no such numbers, but its readers make them.
    expect(() => parse('{"version": 1, "steps": [{"kind": "mlp", "layer": 0, "action": "scale", "factor": 1e999}]}')).toThrow(
      'not Infinity',
    );
    const inherited = '{"version": 1, "steps": [{"__proto__": {"kind": "mlp", "layer": 0, "action": "zero"}}]}';
    expect(() => parse(inherited)).toThrow('r.json, step 1: the kind nothing is unknown');
    for (const key of [5, 6])
      expect(() => parse(file([{ kind: 'edge', query: 5, key, action: 'cut' }]))).toThrow('step 1: "key" lies before "query"');
  });
});

describe('a recipe for a model', () => {
  const check = (steps: Recipe, tokens: number | null): void => checkRecipe(steps, { layers: 4, heads: 4, tokens }, 'r.json');

  test('names layers and heads that there are, and positions of the text', () => {
    check(STEPS, 6);
    check(STEPS, null);
    expect(() => check(STEPS, 5)).toThrow('r.json, step 15: position 5 is outside the text, whose last token is 4.');
    expect(() => check([{ kind: 'residual', layer: 5, token: 0, action: 'set', values: [1] }], 6)).toThrow(
      'there is no residual at 5: the model has residuals 0 to 4, the last after all layers.',
    );
    expect(() => check([{ kind: 'mlp', layer: 4, action: 'zero' }], 6)).toThrow('there is no layer 4: the model has layers 0 to 3.');
    expect(() => check([{ kind: 'key', key: 1, head: 4, action: 'cut' }], 6)).toThrow('there is no head 4: the model has heads 0 to 3.');
  });

  test('has vectors and neurons of that model', () => {
    const scope = { layers: 4, heads: 4, tokens: 6, valueDims: [2, 2, 2, 2], dim: 3, vocab: 9, neurons: [8, 8, null, 8] };
    const fit = (step: Recipe[number], more = {}): void => checkRecipe([step], { ...scope, ...more }, 'r.json');
    checkRecipe(STEPS, scope);
    expect(() => fit({ kind: 'mlp', layer: 0, action: 'set', values: [1, 2] })).toThrow(
      'r.json, step 1: "values" has 2 numbers, and what it stands for in this model 3.',
    );
    expect(() => fit({ kind: 'neuron', layer: 1, neuron: 8, action: 'zero' })).toThrow('the MLP of layer 1 has neurons 0 to 7.');
    expect(() => fit({ kind: 'neuron', layer: 2, neuron: 0, action: 'zero' })).toThrow('layer 2 has experts');
    const towards = { kind: 'residual', layer: 0, token: 1, action: 'move', direction: 9, strength: 1 } as const;
    expect(() => fit(towards)).toThrow("token 9 is outside the model's vocabulary of 9.");
    expect(() => fit(towards, { vocab: 0 })).toThrow('so a token is no direction of the residual.');
  });

  test('is checked whole, as it may come from another process', () => {
    const strange = [{ kind: 'mlp', layer: 0, action: 'scale', factor: Number.NaN }] as const;
    expect(() => checkRecipe(strange, { layers: 4, heads: 4, tokens: null })).toThrow(
      'The recipe, step 1: "factor" is a number from -1000000 to 1000000, not NaN.',
    );
  });
});

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type * as Families from '../../../src/model/families/families.ts';
import type * as Stored from '../../../src/model/families/tensors.ts';

/** Tensors of whatever shape is asked for: what a spec says of its numbers and shapes is looked at, not its files. */
function anyTensors(own: typeof Stored): typeof Stored {
  const shapes = new Map<string, readonly number[]>();
  const any = (): Stored.Tensors => {
    const stored = {
      has: (name: string) => /(?:lm_head|embed_out)\.weight$/.test(name),
      get: (name: string) => ({ name, dtype: 'F32', shape: shapes.get(name) ?? [], file: 'model.safetensors', offset: 0, length: 0 }),
    } as unknown as Parameters<typeof own.tensorsOf>[0];
    const tensors = own.tensorsOf(stored);
    const shaped =
      <Args extends readonly unknown[], Result>(
        make: (...args: Args) => Result,
        shapeOf: (...args: Args) => readonly (readonly [string, readonly number[]])[],
      ) =>
      (...args: Args): Result => {
        for (const [name, shape] of shapeOf(...args)) shapes.set(name, shape);
        return make(...args);
      };
    return {
      ...tensors,
      weight: shaped(tensors.weight, (name, shape) => [[name, shape]]),
      slice: shaped(tensors.slice, (name, shape) => [[name, shape]]),
      linear: shaped(tensors.linear, (name, input, output) => [
        [`${name}.weight`, [output, input]],
        [`${name}.bias`, [output]],
      ]),
      rms: shaped(tensors.rms, (name, width) => [[`${name}.weight`, [width]]]),
      layerNorm: shaped(tensors.layerNorm, (name, width) => [
        [`${name}.weight`, [width]],
        [`${name}.bias`, [width]],
      ]),
    };
  };
  return { ...own, tensorsOf: any, refuseUnused: () => undefined };
}

let readDecoder: typeof Families.readDecoder;
// Modules are shared by test files: these are loaded anew, and let go of.
beforeAll(async () => {
  vi.resetModules();
  vi.doMock('../../../src/model/families/tensors.ts', async (original) => anyTensors(await original<typeof Stored>()));
  ({ readDecoder } = await import('../../../src/model/families/families.ts'));
});
afterAll(() => {
  vi.doUnmock('../../../src/model/families/tensors.ts');
  vi.resetModules();
});

const DEFAULTS = Object.entries(
  JSON.parse(readFileSync('test/fixtures/models/config_defaults.json', 'utf8')) as Record<string, Readonly<Record<string, unknown>>>,
);

/** What the defaults of transformers do not say, or not so that a model could be made of it. */
const GIVEN: Readonly<Record<string, object>> = {
  deepseek_v2: { num_experts_per_tok: 6 },
  dots1: { n_routed_experts: 8, n_shared_experts: 1, num_experts_per_tok: 2 },
  glm4_moe: { head_dim: 128 },
};

/** Numbers as float32, as which they are computed with: JavaScript and Python take powers to other last bits. */
function asFloat32(value: unknown): unknown {
  if (typeof value === 'number') return Math.fround(value);
  if (Array.isArray(value)) return value.map(asFloat32);
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, asFloat32(field)]));
}

test('the defaults of every family are compared', () => {
  const source = readFileSync('src/model/families/families.ts', 'utf8');
  const names = [...source.matchAll(/^ {2}\['([a-z0-9_-]+)', \w+\],$/gm)].flatMap(([, name]) => name ?? []);
  expect(names.length).toBeGreaterThan(90);
  expect(new Set(DEFAULTS.map(([name]) => name))).toEqual(new Set(names));
});

describe('an option that config.json leaves out', () => {
  test.each(DEFAULTS)('is what transformers takes it to be: %s', (name, config) => {
    const read = (options: object): unknown => asFloat32(readDecoder(options, new Map()).spec);
    expect(read({ model_type: name, ...GIVEN[name] })).toEqual(read({ ...config, ...GIVEN[name] }));
  });
});

const WINDOWS = JSON.parse(readFileSync('test/fixtures/models/config_windows.json', 'utf8')) as readonly (readonly [
  { readonly model_type: string },
  object,
])[];

describe('layers that differ by few options', () => {
  test.each(WINDOWS.map(([options, config]) => [options.model_type, options, config] as const))(
    'are those of transformers: %s',
    (_, options, config) => {
      expect(readDecoder(options, new Map()).spec).toEqual(readDecoder(config, new Map()).spec);
    },
  );
});

import { expect, test } from 'vitest';
import { keptForm } from '../../../src/model/formats/keptQuantized.ts';

// README: natively all weights of 4 bits stay quantised, and all of large models; in WebAssembly those of large models.
test.each([
  ['native', false, 4, 'nibbles'],
  ['native', false, 8, null],
  ['native', true, 4, 'nibbles'],
  ['native', true, 8, 'halves'],
  ['wasm', false, 4, null],
  ['wasm', false, 8, null],
  ['wasm', true, 4, 'nibbles'],
  ['wasm', true, 8, 'bytes'],
] as const)('%s, large: %s, %i bits: %s', (runtime, large, bits, form) => {
  expect(keptForm(runtime, large)({ bits } as Parameters<ReturnType<typeof keptForm>>[0])).toBe(form);
});

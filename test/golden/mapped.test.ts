import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Runtime, SessionMemory } from '../../src/model/run/runtime.ts';
import { firstCases } from '../firstCases.ts';
import { folder } from '../unit/model/folder.ts';
import { compareWithGolden, FIXTURES, native, wasm } from './compare.ts';

const CASES = ['gpt2', 'llama', ...readdirSync(`${FIXTURES}/families`).map((name) => `families/${name}`)];

/** The runtime as a model has it whose weights are too large to be packed. */
function forLarge(runtime: Runtime): { readonly runtime: Runtime; readonly held: Set<SessionMemory | undefined> } {
  const held = new Set<SessionMemory | undefined>();
  return {
    runtime: {
      ...runtime,
      openSession: (graph, files, memory) => {
        held.add(memory);
        return runtime.openSession(graph, files, memory === 'packed' ? 'kept' : memory);
      },
    },
    held,
  };
}

/** Products that read weights where they lie sum in another order than those of packed weights. */
describe.each([
  ['native', native],
  ['WASM', wasm],
] as const)('weights that are not packed, %s', (_, open) => {
  test.each(firstCases(CASES))('of %s give the numbers of transformers', async (name) => {
    const { runtime, held } = forLarge(await open());
    const files = folder(`${FIXTURES}/${name}`);
    await compareWithGolden(files, files, runtime);
    expect(held).toContain('packed');
  });
});

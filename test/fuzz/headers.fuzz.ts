import { expect, test } from 'vitest';
import { fuzzHeaders } from './headers.ts';

/** Number of files and seed; `FUZZ_FILES=1000000 FUZZ_SEED=7 npm run fuzz` changes them. */
const FILES = Number(process.env['FUZZ_FILES'] ?? 100_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_124);

test(`${FILES} mutated GGUF and safetensors files`, async () => {
  const counts = await fuzzHeaders(FILES, SEED);
  console.log(JSON.stringify(counts));
  expect(counts.opened + counts.refused).toBe(FILES);
});

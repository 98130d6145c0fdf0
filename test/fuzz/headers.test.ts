import { expect, test } from 'vitest';
import { fuzzHeaders } from './headers.ts';

test('mutated GGUF and safetensors files are opened or refused by a sentence, at once and within the limits', async () => {
  const { files, opened, refused } = await fuzzHeaders(2000, 1);
  expect(opened + refused).toBe(files);
  expect(opened).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(500);
});

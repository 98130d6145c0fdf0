import { expect, test } from 'vitest';
import { isGgufName, modelFilesOf, partsOf } from '../../../src/host/modelFiles.ts';

test('of a folder with safetensors, the same weights in other formats are not read', () => {
  expect(modelFilesOf(['config.json', 'model.safetensors', 'model.gguf', 'pytorch_model.bin', 'README.md'])).toEqual(['config.json', 'model.safetensors']);
  expect(modelFilesOf(['model.GGUF', 'README.md'])).toEqual(['model.GGUF']);
});

test('a GGUF file stands for itself, or for all parts of its model', () => {
  const names = ['a-00001-of-00002.gguf', 'a-00002-of-00002.gguf', 'a-00001-of-00003.gguf', 'b-00001-of-00002.gguf', 'c.gguf'];
  expect(isGgufName('c.gguf')).toBe(true);
  expect(partsOf('c.gguf', names)).toEqual(['c.gguf']);
  expect(partsOf('a-00002-of-00002.gguf', names)).toEqual(['a-00001-of-00002.gguf', 'a-00002-of-00002.gguf']);
});

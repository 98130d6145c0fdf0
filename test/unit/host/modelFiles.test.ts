import { expect, test } from 'vitest';
import { modelFilesOf, partsIn } from '../../../src/host/models/filesOfModel.ts';

test('of a folder with safetensors, the same weights in other formats are not read', () => {
  expect(modelFilesOf(['config.json', 'model.safetensors', 'model.gguf', 'pytorch_model.bin', 'README.md'])).toEqual([
    'config.json',
    'model.safetensors',
  ]);
  expect(modelFilesOf(['model.GGUF', 'README.md'])).toEqual(['model.GGUF']);
});

test('a chat template of its own is read, Mistral’s own layout of the same weights is not', () => {
  const names = [
    'config.json',
    'chat_template.jinja',
    'model-00001-of-00001.safetensors',
    'model.safetensors.index.json',
    'consolidated.safetensors',
    'consolidated-00001-of-00002.safetensors',
  ];
  expect(modelFilesOf(names)).toEqual(names.slice(0, 4));
  expect(modelFilesOf(['config.json', 'consolidated.safetensors'])).toEqual(['config.json', 'consolidated.safetensors']);
});

test('a GGUF file stands for itself, or for all parts of its model', () => {
  const names = ['a-00001-of-00002.gguf', 'a-00002-of-00002.gguf', 'a-00001-of-00003.gguf', 'b-00001-of-00002.gguf', 'c.gguf'];
  expect(partsIn('c.gguf', names)).toEqual(['c.gguf']);
  expect(partsIn('a-00002-of-00002.gguf', names)).toEqual(['a-00001-of-00002.gguf', 'a-00002-of-00002.gguf']);
});

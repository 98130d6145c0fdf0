import { expect, it } from 'vitest';
import { preTokenizerOf } from '../../../src/model/formats/gguf/preTokenizers.ts';

// The tokenizer.json of gpt-oss has `ignore_merges: true`; those of Llama 4 and MiniMax M2, with the same pattern, do not.
it.each([
  ['gpt-4o', 'gpt-oss', true],
  ['gpt-4o', 'llama', false],
  ['llama4', 'llama4', false],
  ['minimax-m2', 'minimax-m2', false],
  ['llama-bpe', 'gpt-oss', true],
  ['qwen2', 'gpt-oss', false],
] as const)('%s of the architecture %s takes whole words: %s', (name, architecture, wholeWords) => {
  expect(preTokenizerOf(name, architecture)?.wholeWords).toBe(wholeWords);
});

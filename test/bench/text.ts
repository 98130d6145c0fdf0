import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTokenizer } from '../../src/model/tokenizer.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { GPT2_124M } from './randomModel.ts';

export const ROOT = join(import.meta.dirname, '../..');
export const BUNDLED = join(ROOT, 'media/models/explain-tokens-9m');

export interface BenchText {
  /** A text of exactly `size` tokens, another for each `variant`. */
  part(size: number, variant: number): string;
}

/** Parts of the project's own prose, cut at token bounds of the tokenizer that all models of the bench share. */
export async function benchText(): Promise<BenchText> {
  const prose = ['README.md', 'CONTRIBUTING.md', 'src/core/trace.ts'].map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n');
  const tokenizer = await openTokenizer(await folderFiles(BUNDLED), GPT2_124M.vocab_size);
  return {
    part: (size, variant) => {
      const from = prose.slice(variant * 400);
      const { tokens } = tokenizer.encode(from);
      return from.slice(0, tokens[size - 1]?.end ?? 0);
    },
  };
}

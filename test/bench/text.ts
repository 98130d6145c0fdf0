import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTokenizer } from '../../src/model/tokenizer/textTokenizer.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { GPT2_124M } from './randomModel.ts';

export const ROOT = join(import.meta.dirname, '../..');
export const BUNDLED = join(ROOT, 'media/models/explain-tokens-9m');

/** Texts of any length. */
export interface BenchText {
  /** A text of exactly `size` tokens, a different one for each `variant`. */
  part(size: number, variant: number): string;
  /** Its tokens' ids. */
  ids(size: number, variant: number): Int32Array;
}

/** Parts of the project's own prose, cut at token boundaries of the tokenizer that all benchmarked models share. */
export async function benchText(): Promise<BenchText> {
  const prose = ['README.md', 'CONTRIBUTING.md', 'src/core/trace.ts'].map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n');
  const tokenizer = await openTokenizer(await folderFiles(BUNDLED), GPT2_124M.vocab_size);
  const part: BenchText['part'] = (size, variant) => {
    const from = prose.slice(variant * 400);
    const { tokens } = tokenizer.encode(from);
    return from.slice(0, tokens[size - 1]?.end ?? 0);
  };
  return { part, ids: (size, variant) => tokenizer.encode(part(size, variant)).ids };
}

import { readFileSync, writeFileSync } from 'node:fs';
import { dequantize } from '../../../src/model/formats/gguf/dequantize.ts';
import { blockTypeNames } from '../../../src/model/formats/gguf/types.ts';
import { isWeightType } from '../../../src/model/formats/widen.ts';
import { largestDifference } from '../../closeness.ts';
import { quantisedBlocks } from '../../unit/model/gguf/blocks.ts';

/** The table of README.md stands between these. */
const [START, END] = ['<!-- gguf -->', '<!-- /gguf -->'];
const RUNTIMES = ['native', 'WASM'] as const;

/** ggml's name of the type that a case is stored as: "llama.q4_k" -> "Q4_K". */
export function typeOf(name: string): string {
  return name.slice(name.indexOf('.') + 1).toUpperCase();
}

/** Puts a runtime's worst differences by type, and those of the dequantised numbers, into the table of README.md. */
export async function writeWorst(runtime: (typeof RUNTIMES)[number], worst: ReadonlyMap<string, number>): Promise<void> {
  const readme = readFileSync('README.md', 'utf8');
  const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
  if (start === -1 || end === -1) throw new Error('README.md has no place for the table of quantisation types.');
  const known = new Map(
    readme
      .slice(start, end)
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, type = '', , , ...cells]) => [type, cells]),
  );
  const rows = await Promise.all(
    blockTypeNames().map(async (type) => {
      const cases = [...worst].filter(([name]) => typeOf(name) === type);
      const logits = RUNTIMES.map((name, column) => {
        if (cases.length === 0) return '–';
        return name === runtime ? Math.max(...cases.map(([, value]) => value)).toExponential(1) : (known.get(type)?.[column] ?? '');
      });
      const models = cases
        .map(([name]) => name.slice(0, name.indexOf('.')))
        .toSorted()
        .join(', ');
      // Blocks of these types are compared with ggml's numbers alone.
      return `| ${[type, models || '–', isWeightType(type) ? 'as stored' : String(await worstNumber(type)), ...logits].join(' | ')} |`;
    }),
  );
  const table = [
    START,
    `| type | models | numbers | logits, ${RUNTIMES.join(' | logits, ')} |`,
    `|---|---|---|${RUNTIMES.map(() => '---|').join('')}`,
    ...rows,
    '',
  ].join('\n');
  writeFileSync('README.md', readme.slice(0, start) + table + readme.slice(end));
}

/** The largest difference of a dequantised number from ggml's. */
async function worstNumber(type: string): Promise<number> {
  const { blocks, values } = await quantisedBlocks(type);
  return largestDifference(dequantize(blocks, type), values, type);
}

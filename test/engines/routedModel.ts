import { lastResidual } from '../../src/analysis/traceRows.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { at, row } from '../../src/core/tensor.ts';
import { FIXTURES, native } from '../golden/compare.ts';
import { openGolden } from '../golden/oracle.ts';
import { folder } from '../unit/model/folder.ts';
import { LETTERS_TOKENIZER } from '../webview/family.ts';
import { openServed, type ServedModel } from './servedModel.ts';

const NAME = 'deepseek_v3.1';
/** What its family adds to the mean square where config.json says nothing. */
const EPSILON = 1e-6;
/** A text of that model, whose tokens are letters: long enough to tell from the experts' numbers how many there are of a token. */
export const ROUTED_TEXT = 'the cat sat on the mat and the dog ran to a red fox.';

/** Where experts have numbers: [tokens, layers, chosen]. */
export interface RoutingArray {
  readonly dims: readonly [number, number, number];
  readonly values: readonly number[];
}

/** A tiny model with experts, and what servers that were started to return its inside tell of that. */
export interface RoutedModel extends ServedModel {
  /** As engines write it: zeros for layers without experts. */
  readonly routing: (ids: readonly number[]) => Promise<RoutingArray>;
  /** What the unembedding reads of each token: the last residual after the final norm, computed here from the norm's own weights. */
  readonly hidden: (ids: readonly number[]) => Promise<number[][]>;
}

/** Opens a model of three layers, the first without experts, the others with eight, of which each token is sent to two. */
export async function openRoutedModel(): Promise<RoutedModel> {
  const files = folder(`${FIXTURES}/families/${NAME}`, { 'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER) });
  const served = await openServed(files, native());
  const weights = await openGolden(files, 'model.safetensors');
  const norm = await weights.floats('model.norm.weight');
  const traceOf = (ids: readonly number[]) => served.model.run(runOf(Int32Array.from(ids), UNCHANGED));
  return {
    ...served,
    routing: async (ids) => {
      const { experts = [] } = await traceOf(ids);
      const chosen = Math.max(...experts.map((one) => (one === null ? 0 : one.ids.length / ids.length)));
      const values = ids.flatMap((_, token) =>
        experts.flatMap((one) => Array.from({ length: chosen }, (__, index) => (one === null ? 0 : at(one.ids, token * chosen + index)))),
      );
      return { dims: [ids.length, experts.length, chosen], values };
    },
    hidden: async (ids) => {
      const last = lastResidual(await traceOf(ids));
      return ids.map((_, token) => {
        const own = [...row(last, token)];
        const size = Math.sqrt(own.reduce((sum, value) => sum + value ** 2, 0) / own.length + EPSILON);
        return own.map((value, index) => Math.fround((value / size) * at(norm.data, index)));
      });
    },
  };
}

/** Whether a model of the tests' servers tells of its inside. */
export function isRouted(served: ServedModel): served is RoutedModel {
  return 'routing' in served;
}

/** A file of NumPy's. `type`: its name for the numbers, of 1, 2 or 4 bytes. */
export function npyFile({ dims, values }: { readonly dims: readonly number[]; readonly values: readonly number[] }, type = '|u1'): Buffer {
  const size = Number(type.at(-1));
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${dims.join(', ')}), }`.padEnd(117) + '\n';
  const head = Buffer.alloc(10);
  head.write('\u0093NUMPY\u0001\0', 'latin1');
  head.writeUInt16LE(header.length, 8);
  const data = Buffer.alloc(values.length * size);
  for (const [index, value] of values.entries()) data.writeIntLE(value > 127 && size === 1 ? value - 256 : value, index * size, size);
  return Buffer.concat([head, Buffer.from(header, 'latin1'), data]);
}

/** Numbers without a shape, as SGLang writes them. */
export function plainNumbers({ values }: RoutingArray): Buffer {
  return Buffer.from(Int32Array.from(values).buffer);
}

import { tensor, type Tensor } from '../../core/tensor.ts';
import { recurrenceIn } from '../families/mixers.ts';
import type { DecoderSpec, ShortConvolution } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { EFFECTIVE_OUTPUTS, mapSizes } from '../graph/effectiveGraph.ts';
import { stateSizes } from '../graph/recurrenceGraph.ts';
import type { Trace } from '../run/forwardTrace.ts';
import { floats, itemOf } from '../run/outputs.ts';
import type { Feed } from '../run/runtime.ts';
import type { Sessions } from '../run/sessions.ts';
import { readNumbers } from './linearRow.ts';

/** The call for what layers without attention weights take from each token. */
export interface EffectiveCalls {
  /**
   * [maps, T, T], derived from the layer's own numbers; row = query, column = token read. Of a gated delta net or Mamba 2, for each head,
   * the share of each token's value in what the head reads before its norm and gate (of Mamba 2 with what a token takes of itself by way
   * of the skip): entries may be negative, and rows do not sum to 1. Of a short convolution one map, the mean over its channels of the
   * absolute factor of a token's number in the query's: only the last few tokens have any. Throws RangeError for a layer that has
   * attention weights alone, or is an MLP alone.
   */
  effectiveAttention(trace: Trace, layer: number): Promise<Tensor>;
}

export function openEffective(spec: DecoderSpec, files: ModelFiles, sessions: Sessions): EffectiveCalls {
  return {
    effectiveAttention: async (trace, layer) => {
      const mixer = recurrenceIn(itemOf(spec.blocks, layer));
      if (mixer === null) throw new RangeError(`Layer ${layer} has attention weights of its own, or is an MLP alone.`);
      const { length } = trace.run.ids;
      const feeds: Record<string, Feed> = { resid: itemOf(trace.resid, layer) };
      if (mixer.kind !== 'shortConvolution') {
        const { heads, keyDim } = mapSizes(mixer);
        feeds['window'] = zeros(stateSizes(mixer).window);
        feeds['state'] = zeros([1, heads, keyDim, length]);
        feeds['basis'] = unitMatrix(length);
      }
      const found = await sessions.withEffective(layer, (session) => session.run(feeds, EFFECTIVE_OUTPUTS[mixer.kind]));
      if (mixer.kind !== 'shortConvolution') return tensor([mapSizes(mixer).heads, length, length], floats(found['map']));
      return convolutionMap(files, mixer, floats(found['before']), floats(found['after']), length);
    },
  };
}

/** The map of a short convolution between the gates `before` and `after` [T, D]. */
async function convolutionMap(
  files: ModelFiles,
  { convolution: { kernel, channels, size } }: ShortConvolution,
  before: Float32Array,
  after: Float32Array,
  length: number,
): Promise<Tensor> {
  const weights = await readNumbers(files, kernel, 0, channels * size);
  const map = tensor([1, length, length], new Float32Array(length * length));
  for (let query = 0; query < length; query++)
    for (let back = 0; back < size && back <= query; back++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++)
        sum += Math.abs(
          (after[query * channels + channel] ?? Number.NaN) *
            (weights[channel * size + size - 1 - back] ?? Number.NaN) *
            (before[(query - back) * channels + channel] ?? Number.NaN),
        );
      map.data[query * length + query - back] = sum / channels;
    }
  return map;
}

function zeros(dims: readonly number[]): Feed {
  return { dims, data: new Float32Array(dims.reduce((product, size) => product * size, 1)) };
}

/** [1, T, T] */
function unitMatrix(size: number): Feed {
  const data = new Float32Array(size * size);
  for (let i = 0; i < size; i++) data[i * size + i] = 1;
  return { dims: [1, size, size], data };
}

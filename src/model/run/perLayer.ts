import { at, tensor, type Tensor } from '../../core/tensor.ts';
import type { DecoderSpec } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { readRows } from './embeddingRows.ts';
import { floats, itemOf } from './outputs.ts';
import type { Feed } from './runtime.ts';
import type { Sessions } from './sessions.ts';

/**
 * The vectors that layers read besides the residual, [T, layers * width], of tokens `ids` whose first residual the embedding makes `first`
 * [T, D]; null: this model's layers read none. What a recipe or another input does to the residual leaves them as they are.
 */
export async function perLayerVectors(
  { spec, files, sessions }: { readonly spec: DecoderSpec; readonly files: ModelFiles; readonly sessions: Sessions },
  ids: Int32Array,
  first: () => Promise<Tensor>,
): Promise<Tensor | null> {
  const { perLayerInputs: inputs } = spec;
  const session = await sessions.perLayer();
  if (inputs === null || session === null) return null;
  const count = at(inputs.table.shape, 0);
  const stored = await readRows(
    files,
    inputs.table,
    ids.map((id) => (id < count ? id : 0)),
  );
  const rows = { dims: stored.dims, data: stored.data.map((value) => value * inputs.tableScale) };
  return tensor(stored.dims, floats((await session.run({ resid: await first(), rows }, ['vectors'])).vectors));
}

/** What layer `layer` reads of these vectors for tokens `from` to `to` - 1: an input of its graph, or none. */
export function perLayerFeed(
  spec: DecoderSpec,
  vectors: Tensor | null | undefined,
  layer: number,
  from: number,
  to: number,
): Readonly<Record<string, Feed>> {
  const { perLayerInputs: inputs } = spec;
  if (inputs === null || itemOf(spec.blocks, layer).perLayer === null) return {};
  if (vectors === null || vectors === undefined) throw new Error('The trace holds no vectors for each layer.');
  const { width } = inputs;
  const all = at(vectors.dims, 1);
  const data = new Float32Array((to - from) * width);
  for (let token = from; token < to; token++) {
    const start = token * all + layer * width;
    data.set(vectors.data.subarray(start, start + width), (token - from) * width);
  }
  return { [`perLayer.${layer}`]: { dims: [to - from, width], data } };
}

import type { Block, DecoderSpec, Norm } from '../families/spec.ts';
import { itemOf } from '../outputs.ts';
import { attend, type AttentionValues, type SeenValues } from './attention.ts';
import { runExperts, type Routed } from './experts.ts';
import { layerInputs, tableShapes, type LayerInputs } from './inputs.ts';
import { runMlp } from './mlp.ts';
import { normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/** What the graph of a layer has to give beside q, k, v and the residual. */
export function layerExtras({ attention, mlp }: Block): readonly ('experts' | 'expertWeights' | 'compressed' | 'sharedKey')[] {
  return [...(mlp.kind === 'experts' ? ['experts', 'expertWeights'] as const : []), ...(attention.projections.kind === 'latent' ? ['compressed', 'sharedKey'] as const : [])];
}

/**
 * The blocks from layer `from` up to, not including, `to`.
 * In: `resid` [T, D], the residual before block `from`; for each layer l the keys and values of the tokens before,
 * `pastK.l` [kvHeads, P, headDim] and `pastV.l` [kvHeads, P, valueDim], P being 0 for a whole text; and the tables of `tableShapes`, S being P + T.
 * Out, for each layer l: `q.l` [heads, T, headDim], `k.l` [kvHeads, T, headDim], `v.l` [kvHeads, T, valueDim], `resid.l+1` [T, D];
 * of a layer with experts `experts.l` and `expertWeights.l` [T, chosen]; of one with latent attention `compressed.l` [T, rank] and `sharedKey.l` [1, T, rotated].
 */
export function trunkGraph(spec: DecoderSpec, from: number, to: number): OnnxGraph {
  const { heads, kvHeads, headDim, valueDim, dim } = spec;
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph();
  const inputs = layerInputs(spec, from, to);
  let resid = graph.input('resid', float32, ['T', dim]);
  for (const [name, dims] of tableShapes(spec, inputs)) graph.input(name, float32, dims);
  for (const [index, block] of spec.blocks.slice(from, to).entries()) {
    const layer = from + index;
    const { attention: { projections } } = block;
    const past = { of: 'past', k: graph.input(`pastK.${layer}`, float32, [kvHeads, 'P', headDim]), v: graph.input(`pastV.${layer}`, float32, [kvHeads, 'P', valueDim]) } as const;
    const { attended: { q, k, v, latent }, experts, output } = runBlock(graph, resid, past, block, spec, inputs);
    graph.output(`q.${layer}`, q, float32, [heads, 'T', headDim]);
    graph.output(`k.${layer}`, k, float32, [kvHeads, 'T', headDim]);
    graph.output(`v.${layer}`, v, float32, [kvHeads, 'T', valueDim]);
    if (latent !== null && projections.kind === 'latent') {
      graph.output(`compressed.${layer}`, latent.compressed, float32, ['T', projections.rank]);
      graph.output(`sharedKey.${layer}`, latent.sharedKey, float32, [1, 'T', projections.rotated]);
    }
    if (experts !== null && block.mlp.kind === 'experts') {
      graph.output(`experts.${layer}`, experts.ids, DATA_TYPE.int64, ['T', block.mlp.chosen]);
      graph.output(`expertWeights.${layer}`, experts.weights, float32, ['T', block.mlp.chosen]);
    }
    resid = output;
    graph.output(`resid.${layer + 1}`, resid, float32, ['T', dim]);
  }
  return graph;
}

/** Values of one block in a graph. */
interface BlockValues {
  readonly attended: AttentionValues;
  readonly experts: Routed | null;
  /** [T, D], the residual after the block. */
  readonly output: string;
}

function runBlock(graph: OnnxGraph, resid: string, seen: SeenValues, block: Block, spec: DecoderSpec, inputs: LayerInputs): BlockValues {
  const { attentionNorms, attention, mlpNorms, mlp } = block;
  const optional = (name: string, x: string, norm: Norm | null): string => (norm === null ? x : graph.name(name, normalize(graph, x, norm)));
  const added = (name: string, stream: string, output: string): string => graph.name(name, graph.op('Add', [stream, scaleBy(graph, output, spec.residualScale)]));

  const read = optional('attentionRead', resid, attentionNorms.before);
  const attended = attend(graph, read, seen, attention, spec, inputs);
  const attentionAdded = added('attentionAdded', block.addTo === 'stream' ? resid : read, optional('attentionBehind', attended.output, attentionNorms.behind));
  const afterAttention = optional('attentionAfter', attentionAdded, attentionNorms.after);

  const source = block.wiring === 'parallel' ? resid : afterAttention;
  const mlpRead = source === resid && mlpNorms.before === attentionNorms.before ? read : optional('mlpRead', source, mlpNorms.before);
  const experts = mlp.kind === 'experts' ? runExperts(graph, mlpRead, mlp) : null;
  const mlpOutput = mlp.kind === 'experts' ? (experts?.output ?? '') : runMlp(graph, mlpRead, mlp);
  const mlpAdded = added('mlpAdded', block.addTo === 'stream' ? afterAttention : mlpRead, optional('mlpBehind', mlpOutput, mlpNorms.behind));
  return { attended, experts, output: optional('mlpAfter', mlpAdded, mlpNorms.after) };
}

/**
 * Block `layer` for one token, with everything inside it as an output under the names its parts give: of each vector one row.
 * In: `resid` [1, D], the token's residual before the block; `k` [kvHeads, S, headDim] and `v` [kvHeads, S, valueDim] of the whole text;
 * the tables of `tableShapes` with one row in place of T, those of keys whole.
 */
export function rowGraph(spec: DecoderSpec, layer: number): { readonly graph: OnnxGraph; readonly outputs: ReadonlyMap<string, string> } {
  const { kvHeads, headDim, valueDim, dim } = spec;
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph();
  const inputs = layerInputs(spec, layer, layer + 1);
  const resid = graph.input('resid', float32, [1, dim]);
  const seen = { of: 'whole', k: graph.input('k', float32, [kvHeads, 'S', headDim]), v: graph.input('v', float32, [kvHeads, 'S', valueDim]) } as const;
  for (const [name, dims] of tableShapes(spec, inputs)) graph.input(name, float32, dims.map((size, axis) => (axis === 0 && size === 'T' ? 1 : size)));
  const { output } = runBlock(graph, resid, seen, itemOf(spec.blocks, layer), spec, inputs);
  graph.output('output', output, float32, [1, dim]);
  return { graph, outputs: graph.outputNamed() };
}

/**
 * Embedding rows to what the first block reads, where that takes weights; null where it does not.
 * In: `embedding` [T, E], scaled; `positions` [T, D] where positions are added. Out: `resid` [T, D].
 */
export function inputGraph(spec: DecoderSpec): OnnxGraph | null {
  const { embeddingProjection, embeddingNorm, dim } = spec;
  if (embeddingProjection === null && embeddingNorm === null) return null;
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph();
  const embedding = graph.input('embedding', float32, ['T', spec.embedding.shape[1] ?? dim]);
  const wide = embeddingProjection === null ? embedding : project(graph, embedding, embeddingProjection);
  const placed = addsPositions(spec) ? graph.op('Add', [wide, graph.input('positions', float32, ['T', dim])]) : wide;
  if (wide !== embedding) graph.output('projectedEmbedding', wide, float32, ['T', dim]);
  if (placed !== wide && embeddingNorm !== null) graph.output('placedEmbedding', placed, float32, ['T', dim]);
  graph.output('resid', embeddingNorm === null ? placed : normalize(graph, placed, embeddingNorm), float32, ['T', dim]);
  return graph;
}

/** Whether something is added to the embedding for its position. */
export function addsPositions({ positions }: Pick<DecoderSpec, 'positions'>): boolean {
  return positions.kind === 'learned' || positions.kind === 'sinusoidal';
}

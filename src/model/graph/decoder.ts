import type { Block, DecoderSpec, Norm } from '../families/spec.ts';
import { attend } from './attention.ts';
import { runExperts } from './experts.ts';
import { layerInputs, tableShapes } from './inputs.ts';
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
  const { float32, int64 } = DATA_TYPE;
  const graph = new OnnxGraph();
  const inputs = layerInputs(spec, from, to);
  let resid = graph.input('resid', float32, ['T', dim]);
  for (const [name, dims] of tableShapes(spec, inputs)) graph.input(name, float32, dims);
  for (const [index, block] of spec.blocks.slice(from, to).entries()) {
    const layer = from + index;
    const { attentionNorms, attention, mlpNorms, mlp } = block;
    const optional = (x: string, norm: Norm | null): string => (norm === null ? x : normalize(graph, x, norm));
    const added = (stream: string, output: string, behind: Norm | null): string => graph.op('Add', [stream, scaleBy(graph, optional(output, behind), spec.residualScale)]);

    const read = optional(resid, attentionNorms.before);
    const past = {
      k: graph.input(`pastK.${layer}`, float32, [kvHeads, 'P', headDim]),
      v: graph.input(`pastV.${layer}`, float32, [kvHeads, 'P', valueDim]),
    };
    const { q, k, v, output, latent } = attend(graph, read, past, attention, spec, inputs);
    graph.output(`q.${layer}`, q, float32, [heads, 'T', headDim]);
    graph.output(`k.${layer}`, k, float32, [kvHeads, 'T', headDim]);
    graph.output(`v.${layer}`, v, float32, [kvHeads, 'T', valueDim]);
    if (latent !== null && attention.projections.kind === 'latent') {
      graph.output(`compressed.${layer}`, latent.compressed, float32, ['T', attention.projections.rank]);
      graph.output(`sharedKey.${layer}`, latent.sharedKey, float32, [1, 'T', attention.projections.rotated]);
    }
    const attended = optional(added(block.addTo === 'stream' ? resid : read, output, attentionNorms.behind), attentionNorms.after);

    const source = block.wiring === 'parallel' ? resid : attended;
    const mlpRead = source === resid && mlpNorms.before === attentionNorms.before ? read : optional(source, mlpNorms.before);
    let mlpOutput: string;
    if (mlp.kind === 'experts') {
      const routed = runExperts(graph, mlpRead, mlp);
      graph.output(`experts.${layer}`, routed.ids, int64, ['T', mlp.chosen]);
      graph.output(`expertWeights.${layer}`, routed.weights, float32, ['T', mlp.chosen]);
      mlpOutput = routed.output;
    } else {
      mlpOutput = runMlp(graph, mlpRead, mlp);
    }
    resid = optional(added(block.addTo === 'stream' ? attended : mlpRead, mlpOutput, mlpNorms.behind), mlpNorms.after);
    graph.output(`resid.${layer + 1}`, resid, float32, ['T', dim]);
  }
  return graph;
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
  graph.output('resid', embeddingNorm === null ? placed : normalize(graph, placed, embeddingNorm), float32, ['T', dim]);
  return graph;
}

/** Whether something is added to the embedding for its position. */
export function addsPositions({ positions }: Pick<DecoderSpec, 'positions'>): boolean {
  return positions.kind === 'learned' || positions.kind === 'sinusoidal';
}

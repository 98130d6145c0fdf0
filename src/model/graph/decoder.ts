import type { Block, DecoderSpec, Mixer, Norm, Recurrence } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { attend, type AttentionValues, type LayerGiven } from './attentionGraph.ts';
import { runExperts, type Routed } from './expertsGraph.ts';
import { layerInputs, tableShapes, type LayerInputs } from './inputs.ts';
import { changed, interventionInputs, type Interventions } from './interventionInputs.ts';
import { runMlp } from './mlp.ts';
import { normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';
import { recur, stateInputs, stateSizes, type PastState, type RecurrenceValues } from './recurrenceGraph.ts';

/** Outputs of a layer's graph besides the residual. */
export function layerExtras({
  attention,
  mlp,
}: Block): readonly ('q' | 'k' | 'v' | 'window' | 'state' | 'experts' | 'expertWeights' | 'compressed' | 'sharedKey')[] {
  return [
    ...(attention.kind === 'attention' ? (['q', 'k', 'v'] as const) : stateNames(attention)),
    ...(mlp.kind === 'experts' ? (['experts', 'expertWeights'] as const) : []),
    ...(attention.kind === 'attention' && attention.projections.kind === 'latent' ? (['compressed', 'sharedKey'] as const) : []),
  ];
}

/** Outputs of a layer's graph that are the inputs, by names with "past" before them, of the same graph for the tokens after. */
export function stateNames(mixer: Recurrence): readonly ('window' | 'state')[] {
  return stateSizes(mixer).state === null ? ['window'] : ['window', 'state'];
}

/**
 * The blocks of layers `from` to `to` - 1.
 * In: `resid` [T, D], the residual before block `from`; for each layer l the keys and values of the tokens before,
 * `pastK.l` [kvHeads, P, headDim] and `pastV.l` [kvHeads, P, valueDim], P being 0 for a whole text, or of a layer without attention
 * `pastWindow.l` and `pastState.l` of `stateSizes`, 0 at the text's start; the inputs of `interventionInputs`; and the tables of
 * `tableShapes`, S being P + T.
 * Out, for each layer l: `q.l` [heads, T, headDim], `k.l` [kvHeads, T, headDim], `v.l` [kvHeads, T, valueDim], or `window.l` and
 * `state.l`; `resid.l+1` [T, D];
 * of a layer with experts `experts.l` and `expertWeights.l` [T, chosen]; of one with latent attention `compressed.l` [T, rank] and
 * `sharedKey.l` [1, T, rotated].
 */
export function trunkGraph(spec: DecoderSpec, from: number, to: number): OnnxGraph {
  const { heads, kvHeads, headDim, valueDim, dim } = spec;
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph();
  const inputs = layerInputs(spec, from, to);
  let resid = graph.input('resid', float32, ['T', dim]);
  for (const [name, dims] of tableShapes(spec, inputs)) graph.input(name, float32, dims);
  const interventions = interventionInputs(graph, spec, from, to);
  for (const [index, block] of spec.blocks.slice(from, to).entries()) {
    const layer = from + index;
    const given = pastInputs(graph, spec, layer, itemOf(interventions, index));
    const { mixed, experts, output } = runBlock(graph, resid, given, block, spec, inputs);
    if ('q' in mixed) {
      const { q, k, v, latent } = mixed;
      graph.output(`q.${layer}`, q, float32, [heads, 'T', headDim]);
      graph.output(`k.${layer}`, k, float32, [kvHeads, 'T', headDim]);
      graph.output(`v.${layer}`, v, float32, [kvHeads, 'T', valueDim]);
      if (latent !== null) {
        graph.output(`compressed.${layer}`, latent.compressed, float32, null);
        graph.output(`sharedKey.${layer}`, latent.sharedKey, float32, null);
      }
    } else {
      graph.output(`window.${layer}`, mixed.own.window, float32, null);
      if (mixed.own.state !== null) graph.output(`state.${layer}`, mixed.own.state, float32, null);
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

/** What a layer's parts put out: all heads before the projection [T, heads * valueDim], and the MLP [T, D]. */
export const LAYER_OUTPUTS = ['concatenatedHeads', 'mlpScaled'] as const;

/** Those of them that a layer has: one without attention weights has no heads to tell apart. */
export function layerOutputsOf({ attention }: Block): readonly (typeof LAYER_OUTPUTS)[number][] {
  return attention.kind === 'attention' ? LAYER_OUTPUTS : ['mlpScaled'];
}

/** The trunk graph of one layer alone, with the values of `LAYER_OUTPUTS` behind what a recipe does to them. */
export function layerGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const graph = trunkGraph(spec, layer, layer + 1);
  for (const name of layerOutputsOf(itemOf(spec.blocks, layer))) {
    const value = graph.namedValues.get(name);
    if (value === undefined) throw new Error(`Layer ${layer} has no ${name}.`);
    graph.output(name, value, DATA_TYPE.float32, null);
  }
  return graph;
}

/** Values of a layer that what comes before and after it in the text and in the model reads and gives. */
export interface LayerEnds {
  /** [T, D], the inputs of the graph that hold the residual before the block and [kvHeads, P, .], keys and values of the tokens before. */
  readonly resid: string;
  readonly past: { readonly k: string; readonly v: string };
  /** [T, D], the residual after the block, and [kvHeads, T, .], keys and values of these tokens. */
  readonly output: string;
  readonly own: { readonly k: string; readonly v: string };
}

/** Block `layer`, which has attention, in a graph of its own. In: as the trunk graph of this one layer. */
export function addLayer(graph: OnnxGraph, spec: DecoderSpec, layer: number): LayerEnds {
  const { resid, given, mixed, output } = addAnyLayer(graph, spec, layer);
  if (given.of === 'state' || !('q' in mixed)) throw new Error(`Layer ${layer} has no keys and values.`);
  return { resid, past: given, output, own: mixed };
}

/** Any block in a graph of its own. */
export function addAnyLayer(
  graph: OnnxGraph,
  spec: DecoderSpec,
  layer: number,
): { readonly resid: string; readonly given: BlockGiven } & BlockValues {
  const { float32 } = DATA_TYPE;
  const inputs = layerInputs(spec, layer, layer + 1);
  const resid = graph.input('resid', float32, ['T', spec.dim]);
  for (const [name, dims] of tableShapes(spec, inputs)) graph.input(name, float32, dims);
  const given = pastInputs(graph, spec, layer, itemOf(interventionInputs(graph, spec, layer, layer + 1), 0));
  return { resid, given, ...runBlock(graph, resid, given, itemOf(spec.blocks, layer), spec, inputs) };
}

/** What layer `layer` is given where the tokens run follow others. */
function pastInputs(graph: OnnxGraph, spec: DecoderSpec, layer: number, interventions: Interventions): BlockGiven {
  const { kvHeads, headDim, valueDim } = spec;
  const { attention } = itemOf(spec.blocks, layer);
  if (attention.kind !== 'attention') return { of: 'state', ...stateInputs(graph, layer, attention), ...interventions };
  return {
    of: 'past',
    k: graph.input(`pastK.${layer}`, DATA_TYPE.float32, [kvHeads, 'P', headDim]),
    v: graph.input(`pastV.${layer}`, DATA_TYPE.float32, [kvHeads, 'P', valueDim]),
    ...interventions,
  };
}

/** What one block is given besides the residual: keys and values, or the state that a layer without attention keeps. */
type BlockGiven = LayerGiven | (PastState & Interventions & { readonly of: 'state' });

/** Values of one block in a graph. */
interface BlockValues {
  readonly mixed: AttentionValues | RecurrenceValues;
  readonly experts: Routed | null;
  /** [T, D], the residual after the block. */
  readonly output: string;
}

function runBlock(graph: OnnxGraph, resid: string, given: BlockGiven, block: Block, spec: DecoderSpec, inputs: LayerInputs): BlockValues {
  const { attentionNorms, attention, mlpNorms, mlp } = block;
  const optional = (name: string, x: string, norm: Norm | null): string =>
    norm === null ? x : graph.name(name, normalize(graph, x, norm));
  const added = (name: string, stream: string, output: string): string =>
    graph.name(name, graph.op('Add', [stream, scaleBy(graph, output, spec.residualScale)]));

  const read = optional('ln1Out', resid, attentionNorms.pre);
  const mixed = mix(graph, read, given, attention, spec, inputs);
  const attentionAdded = added(
    'attentionAdded',
    block.addTo === 'stream' ? resid : read,
    optional('attentionPostNorm', mixed.output, attentionNorms.post),
  );
  const afterAttention = optional('attentionStreamNorm', attentionAdded, attentionNorms.stream);

  const source = block.wiring === 'parallel' ? resid : afterAttention;
  const mlpInput = source === resid && mlpNorms.pre === attentionNorms.pre ? read : optional('ln2Out', source, mlpNorms.pre);
  const experts = mlp.kind === 'experts' ? runExperts(graph, mlpInput, mlp) : null;
  const computed = mlp.kind === 'experts' ? (experts?.output ?? '') : runMlp(graph, mlpInput, mlp, given.neuronFactors);
  const mlpOutput = graph.name('mlpScaled', changed(graph, computed, given.mlp));
  const mlpAdded = added(
    'mlpAdded',
    block.addTo === 'stream' ? afterAttention : mlpInput,
    optional('mlpPostNorm', mlpOutput, mlpNorms.post),
  );
  const after = optional('mlpStreamNorm', mlpAdded, mlpNorms.stream);
  return { mixed, experts, output: graph.name('residualChanged', changed(graph, after, given.residual)) };
}

function mix(
  graph: OnnxGraph,
  x: string,
  given: BlockGiven,
  mixer: Mixer,
  spec: DecoderSpec,
  inputs: LayerInputs,
): AttentionValues | RecurrenceValues {
  if (mixer.kind === 'attention' && given.of !== 'state') return attend(graph, x, given, mixer, spec, inputs);
  if (mixer.kind !== 'attention' && given.of === 'state') return recur(graph, x, given, mixer);
  throw new Error(`What is given is not what ${mixer.kind} reads.`);
}

/**
 * Block `layer`, which has attention, for one token, with every named value inside it as an output: one row of each.
 * In: `resid` [1, D], the token's residual before the block; `k` [kvHeads, S, headDim] and `v` [kvHeads, S, valueDim] of the whole text;
 * the inputs of `interventionInputs`; the tables of `tableShapes` with one row in place of T, except those of keys, which are whole.
 */
export function rowGraph(spec: DecoderSpec, layer: number): { readonly graph: OnnxGraph; readonly outputs: ReadonlyMap<string, string> } {
  const graph = new OnnxGraph();
  const { output } = addRow(graph, spec, layer);
  graph.output('output', output, DATA_TYPE.float32, [1, spec.dim]);
  return { graph, outputs: graph.outputNamed() };
}

/** Block `layer` for one token in a graph of its own, with the inputs of `rowGraph`. */
export function addRow(graph: OnnxGraph, spec: DecoderSpec, layer: number): { readonly resid: string; readonly output: string } {
  const { kvHeads, headDim, valueDim, dim } = spec;
  const { float32 } = DATA_TYPE;
  const inputs = layerInputs(spec, layer, layer + 1);
  const resid = graph.input('resid', float32, [1, dim]);
  const given = {
    of: 'whole',
    k: graph.input('k', float32, [kvHeads, 'S', headDim]),
    v: graph.input('v', float32, [kvHeads, 'S', valueDim]),
    ...itemOf(interventionInputs(graph, spec, layer, layer + 1), 0),
  } as const;
  for (const [name, dims] of tableShapes(spec, inputs))
    graph.input(
      name,
      float32,
      dims.map((size, axis) => (axis === 0 && size === 'T' ? 1 : size)),
    );
  return { resid, output: runBlock(graph, resid, given, itemOf(spec.blocks, layer), spec, inputs).output };
}

/**
 * Embedding rows to the input of the first block; null where that takes no weights.
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

/** Whether a position vector is added to the embedding. */
export function addsPositions({ positions }: Pick<DecoderSpec, 'positions'>): boolean {
  return positions.kind === 'learned' || positions.kind === 'sinusoidal';
}

import { recurrenceIn } from '../families/mixers.ts';
import {
  carriedWidth,
  keySource,
  ofLayer,
  type Attention,
  type Block,
  type DecoderSpec,
  type Norm,
  type Recurrence,
} from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { correctStreams, laurelOf, predictStreams } from './altUpGraph.ts';
import { attend, type AttentionValues, type LayerGiven } from './attentionGraph.ts';
import { runExperts, type Routed } from './expertsGraph.ts';
import { layerInputs, tableShapes, type LayerInputs } from './inputs.ts';
import { changed, interventionInputs, type Interventions } from './interventionInputs.ts';
import { addPerLayer } from './perLayerGraph.ts';
import { runMlp } from './mlp.ts';
import { normalize, project, scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';
import { recur, stateInputs, stateSizes } from './recurrenceGraph.ts';
import type { PastState, RecurrenceValues } from './stateOperators.ts';

/** Outputs of a layer's graph besides the residual. */
export function layerExtras(
  block: Block,
): readonly ('q' | 'k' | 'v' | 'window' | 'state' | 'experts' | 'expertWeights' | 'compressed' | 'sharedKey')[] {
  const { attention, mlp } = block;
  const recurrence = recurrenceIn(block);
  return [
    ...(attention.kind === 'attention' ? keyNames(attention) : []),
    ...(recurrence === null ? [] : stateNames(recurrence)),
    ...(mlp.kind === 'experts' ? (['experts', 'expertWeights'] as const) : []),
    ...(attention.kind === 'attention' && attention.projections.kind === 'latent' ? (['compressed', 'sharedKey'] as const) : []),
  ];
}

/** Queries, and the keys and values of a layer that makes its own. */
function keyNames({ projections }: Attention): readonly ('q' | 'k' | 'v')[] {
  return projections.kind === 'queryAlone' ? ['q'] : ['q', 'k', 'v'];
}

/** Outputs of a layer's graph that are the inputs, by names with "past" before them, of the same graph for the tokens after. */
export function stateNames(mixer: Recurrence): readonly ('window' | 'state')[] {
  return stateSizes(mixer).state === null ? ['window'] : ['window', 'state'];
}

/**
 * The blocks of layers `from` to `to` - 1.
 * In: `resid` [T, D], the residual before block `from`, here and below all streams [T, n * D] where there are several; for each layer l
 * the keys and values of the tokens before, `pastK.l` [kvHeads, P, headDim] and `pastV.l` [kvHeads, P, valueDim], P being 0 for a whole
 * text, or of a layer without attention `pastWindow.l` and `pastState.l` of `stateSizes`, 0 at the text's start; of a layer that reads the
 * keys and values of one before `from`, these tokens' `ownK.l` and `ownV.l` of the same shapes, T in place of P; of one with vectors of its
 * own `perLayer.l` [T, width]; the inputs of `interventionInputs`; and the tables of `tableShapes`, S being P + T. Out, for each layer l:
 * `q.l` [heads, T, headDim], and where the layer makes them `k.l` [kvHeads, T, headDim] and `v.l` [kvHeads, T, valueDim], or `window.l` and
 * `state.l`; `resid.l+1` [T, D]; of a layer with experts `experts.l` and `expertWeights.l` [T, chosen]; of one with latent attention
 * `compressed.l` [T, rank] and `sharedKey.l` [1, T, rotated].
 */
export function trunkGraph(spec: DecoderSpec, from: number, to: number): OnnxGraph {
  const { heads } = spec;
  const width = carriedWidth(spec);
  const { float32 } = DATA_TYPE;
  const graph = new OnnxGraph();
  const inputs = layerInputs(spec, from, to);
  const made = new Map<number, { readonly k: string; readonly v: string }>();
  let resid = graph.input('resid', float32, ['T', width]);
  for (const [name, dims] of tableShapes(spec, inputs)) graph.input(name, float32, dims);
  const interventions = interventionInputs(graph, spec, from, to);
  for (const [index, block] of spec.blocks.slice(from, to).entries()) {
    const layer = from + index;
    const { kvHeads, headDim, valueDim } = ofLayer(spec, layer);
    const source = keySource(spec, layer);
    const given = pastInputs(graph, spec, layer, itemOf(interventions, index), made.get(source));
    const { attended, recurred, experts, output } = runBlock(graph, resid, given, layer, spec, inputs);
    if (attended !== null) {
      const { q, k, v, latent } = attended;
      graph.output(`q.${layer}`, q, float32, [heads, 'T', headDim]);
      if (source === layer) {
        made.set(layer, { k, v });
        graph.output(`k.${layer}`, k, float32, [kvHeads, 'T', headDim]);
        graph.output(`v.${layer}`, v, float32, [kvHeads, 'T', valueDim]);
      }
      if (latent !== null) {
        graph.output(`compressed.${layer}`, latent.compressed, float32, null);
        graph.output(`sharedKey.${layer}`, latent.sharedKey, float32, null);
      }
    }
    if (recurred !== null) {
      graph.output(`window.${layer}`, recurred.own.window, float32, null);
      if (recurred.own.state !== null) graph.output(`state.${layer}`, recurred.own.state, float32, null);
    }
    if (experts !== null && block.mlp.kind === 'experts') {
      graph.output(`experts.${layer}`, experts.ids, DATA_TYPE.int64, ['T', block.mlp.chosen]);
      graph.output(`expertWeights.${layer}`, experts.weights, float32, ['T', block.mlp.chosen]);
    }
    resid = output;
    graph.output(`resid.${layer + 1}`, resid, float32, ['T', width]);
  }
  return graph;
}

/** What a layer's parts put out: all heads before the projection [T, heads * valueDim], and the MLP [T, D]. */
export const LAYER_OUTPUTS = ['concatenatedHeads', 'mlpScaled'] as const;

/** Those of them that a layer has: one without attention weights has no heads to tell apart. */
export function layerOutputsOf({ attention, mlp }: Block): readonly (typeof LAYER_OUTPUTS)[number][] {
  return LAYER_OUTPUTS.filter((name) => (name === 'mlpScaled' ? mlp.kind !== 'none' : attention.kind === 'attention'));
}

/** The name of what a layer that keeps a state puts out behind it [T, D]; null: it keeps none. */
export function recurredName(block: Block): 'attentionOutput' | 'besideOutput' | null {
  if (recurrenceIn(block) === null) return null;
  return block.attention.kind === 'attention' ? 'besideOutput' : 'attentionOutput';
}

/** The trunk graph of one layer alone, with the values of `LAYER_OUTPUTS` behind what a recipe does to them, and of `recurredName`. */
export function layerGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const graph = trunkGraph(spec, layer, layer + 1);
  const block = itemOf(spec.blocks, layer);
  for (const name of [...layerOutputsOf(block), recurredName(block)]) {
    if (name === null) continue;
    const value = graph.namedValues.get(name);
    if (value === undefined) throw new Error(`Layer ${layer} has no ${name}.`);
    graph.output(name, value, DATA_TYPE.float32, null);
  }
  return graph;
}

/** Any block in a graph of its own. */
export function addAnyLayer(
  graph: OnnxGraph,
  spec: DecoderSpec,
  layer: number,
): { readonly resid: string; readonly given: BlockGiven } & BlockValues {
  const { float32 } = DATA_TYPE;
  const inputs = layerInputs(spec, layer, layer + 1);
  const resid = graph.input('resid', float32, ['T', carriedWidth(spec)]);
  for (const [name, dims] of tableShapes(spec, inputs)) graph.input(name, float32, dims);
  const given = pastInputs(graph, spec, layer, itemOf(interventionInputs(graph, spec, layer, layer + 1), 0));
  return { resid, given, ...runBlock(graph, resid, given, layer, spec, inputs) };
}

/**
 * What layer `layer` is given where the tokens run follow others. `made`: the keys and values of these tokens by the layer that it reads
 * them from, where that one is in the same graph.
 */
function pastInputs(
  graph: OnnxGraph,
  spec: DecoderSpec,
  layer: number,
  interventions: Interventions,
  made?: NonNullable<LayerGiven['own']>,
): BlockGiven {
  const { kvHeads, headDim, valueDim } = ofLayer(spec, layer);
  const block = itemOf(spec.blocks, layer);
  const recurrence = recurrenceIn(block);
  const state = recurrence === null ? null : stateInputs(graph, layer, recurrence);
  if (block.attention.kind !== 'attention') return { of: 'state', state, ...interventions };
  const input = (name: string, tokens: string, width: number): string =>
    graph.input(`${name}.${layer}`, DATA_TYPE.float32, [kvHeads, tokens, width]);
  const isShared = keySource(spec, layer) !== layer;
  return {
    of: 'past',
    state,
    k: input('pastK', 'P', headDim),
    v: input('pastV', 'P', valueDim),
    own: isShared ? (made ?? { k: input('ownK', 'T', headDim), v: input('ownV', 'T', valueDim) }) : null,
    ...interventions,
  };
}

/** What one block is given besides the residual: keys and values, and the state where something keeps one. */
type BlockGiven = (LayerGiven | (Interventions & { readonly of: 'state' })) & {
  readonly state: PastState | null;
  /** What was put out behind that state, where it is known. */
  readonly recurred?: string;
};

/** Values of one block in a graph. */
interface BlockValues extends MixerValues {
  readonly experts: Routed | null;
  /** [T, D], the residual after the block, or all streams [T, n * D]. */
  readonly output: string;
}

function runBlock(
  graph: OnnxGraph,
  carried: string,
  given: BlockGiven,
  layer: number,
  spec: DecoderSpec,
  inputs: LayerInputs,
): BlockValues {
  const block = itemOf(spec.blocks, layer);
  const { attentionNorms, mlpNorms, mlp, altUp } = block;
  const { streams, dim } = spec;
  const predicted = altUp === null || streams === null ? null : predictStreams(graph, carried, altUp, streams, dim);
  const resid = predicted?.active ?? carried;
  const optional = (name: string, x: string, norm: Norm | null): string =>
    norm === null ? x : graph.name(name, normalize(graph, x, norm));
  const added = (name: string, stream: string, output: string): string =>
    graph.name(name, graph.op('Add', [stream, scaleBy(graph, output, spec.residualScale)]));

  const read = optional('ln1Out', resid, attentionNorms.pre);
  const { output: mixed, ...mixers } = mix(graph, read, given, block, ofLayer(spec, layer), inputs);
  const besides = (stream: string): string =>
    block.laurel === null
      ? stream
      : graph.name(
          'laurelScaled',
          graph.op('Mul', [
            graph.name('laurelJoined', graph.op('Add', [stream, laurelOf(graph, read, block.laurel)])),
            graph.float(Math.SQRT1_2),
          ]),
        );
  const afterMixing = (value: string): string =>
    optional(
      'attentionStreamNorm',
      besides(added('attentionAdded', block.addTo === 'stream' ? resid : read, optional('attentionPostNorm', value, attentionNorms.post))),
      attentionNorms.stream,
    );
  const afterAttention = mixed === null ? resid : afterMixing(mixed);

  if (mlp.kind === 'none')
    return { ...mixers, experts: null, output: graph.name('residualChanged', changed(graph, afterAttention, given.residual)) };
  const source = block.wiring === 'parallel' ? resid : afterAttention;
  const mlpInput = source === resid && mlpNorms.pre === attentionNorms.pre ? read : optional('ln2Out', source, mlpNorms.pre);
  const experts = mlp.kind === 'experts' ? runExperts(graph, mlpInput, mlp, source) : null;
  const computed = mlp.kind === 'experts' ? (experts?.output ?? '') : runMlp(graph, mlpInput, mlp, given.neuronFactors);
  const mlpOutput = graph.name('mlpScaled', changed(graph, computed, given.mlp));
  const mlpAdded = added(
    'mlpAdded',
    block.addTo === 'stream' ? afterAttention : mlpInput,
    optional('mlpPostNorm', mlpOutput, mlpNorms.post),
  );
  const afterMlp = optional('mlpStreamNorm', mlpAdded, mlpNorms.stream);
  if (predicted !== null && altUp !== null && streams !== null) {
    const perLayer = block.perLayer === null ? null : { step: block.perLayer, vectors: perLayerInput(graph, spec, layer) };
    const correction = { predicted, made: afterMlp, perLayer, residual: given.residual };
    return { ...mixers, experts, output: correctStreams(graph, correction, altUp, streams, dim) };
  }
  const whole = block.perLayer === null ? afterMlp : addPerLayer(graph, afterMlp, perLayerInput(graph, spec, layer), block.perLayer);
  const after =
    block.outputScale === null ? whole : graph.name('layerScaled', graph.op('Mul', [whole, graph.narrow(graph.weight(block.outputScale))]));
  return { ...mixers, experts, output: graph.name('residualChanged', changed(graph, after, given.residual)) };
}

/** Values of what mixes tokens in a block. */
interface MixerValues {
  readonly attended: AttentionValues | null;
  readonly recurred: RecurrenceValues | null;
}

/** `output` [T, D]: what is added to the residual; null: nothing is. */
function mix(
  graph: OnnxGraph,
  x: string,
  given: BlockGiven,
  block: Block,
  spec: DecoderSpec,
  inputs: LayerInputs,
): MixerValues & { readonly output: string | null } {
  const { attention } = block;
  const mixer = recurrenceIn(block);
  if (mixer !== null && given.state === null && given.recurred === undefined)
    throw new Error(`What is given is not what ${mixer.kind} reads.`);
  const recurred = mixer === null || given.state === null ? null : recur(graph, x, given.state, mixer);
  const known = given.recurred === undefined ? null : graph.op('Identity', [given.recurred]);
  const added = recurred?.output ?? known;
  if (attention.kind !== 'attention') {
    const output = added === null ? null : graph.name('attentionOutput', added);
    return { attended: null, recurred, output };
  }
  if (given.of === 'state') throw new Error('Attention is given keys and values.');
  const attended = attend(graph, x, given, attention, spec, inputs);
  if (added === null) return { attended, recurred, output: attended.output };
  const beside = graph.name('besideOutput', added);
  return { attended, recurred, output: graph.name('mixedOutput', graph.op('Add', [attended.output, beside])) };
}

/** The vectors of its own that layer `layer` reads, `perLayer.layer` [T, width]. */
function perLayerInput(graph: OnnxGraph, spec: DecoderSpec, layer: number): string {
  return graph.input(`perLayer.${layer}`, DATA_TYPE.float32, ['T', spec.perLayerInputs?.width ?? 0]);
}

/**
 * Block `layer` for one token, with every named value inside it as an output: one row of each.
 * In: `resid` [1, D], the token's residual before the block, or all its streams [1, n * D]; `k` [kvHeads, S, headDim] and `v` [kvHeads,
 * S, valueDim] of the whole text where it has attention; `recurred` [1, D], what it puts out behind its state where it keeps one; the
 * inputs of `interventionInputs`; the tables of `tableShapes` with one row in place of T, except those of keys, which are whole.
 */
export function rowGraph(spec: DecoderSpec, layer: number): { readonly graph: OnnxGraph; readonly outputs: ReadonlyMap<string, string> } {
  const graph = new OnnxGraph();
  const { output } = addRow(graph, spec, layer);
  graph.output('output', output, DATA_TYPE.float32, [1, carriedWidth(spec)]);
  return { graph, outputs: graph.outputNamed() };
}

/** Block `layer` for one token in a graph of its own, with the inputs of `rowGraph`. */
export function addRow(
  graph: OnnxGraph,
  spec: DecoderSpec,
  layer: number,
): { readonly resid: string; readonly recurred: string | null; readonly output: string } {
  const { dim } = spec;
  const { float32 } = DATA_TYPE;
  const inputs = layerInputs(spec, layer, layer + 1);
  const block = itemOf(spec.blocks, layer);
  const resid = graph.input('resid', float32, [1, carriedWidth(spec)]);
  const recurred = recurrenceIn(block) === null ? null : graph.input('recurred', float32, [1, dim]);
  const keys = block.attention.kind === 'attention' ? wholeKeys(graph, spec, layer) : ({ of: 'state' } as const);
  const interventions = itemOf(interventionInputs(graph, spec, layer, layer + 1), 0);
  const given: BlockGiven = { ...keys, ...interventions, state: null, ...(recurred === null ? {} : { recurred }) };
  for (const [name, dims] of tableShapes(spec, inputs))
    graph.input(
      name,
      float32,
      dims.map((size, axis) => (axis === 0 && size === 'T' ? 1 : size)),
    );
  return { resid, recurred, output: runBlock(graph, resid, given, layer, spec, inputs).output };
}

function wholeKeys(graph: OnnxGraph, spec: DecoderSpec, layer: number): Omit<LayerGiven, keyof Interventions> {
  const { kvHeads, headDim, valueDim } = ofLayer(spec, layer);
  const k = graph.input('k', DATA_TYPE.float32, [kvHeads, 'S', headDim]);
  const v = graph.input('v', DATA_TYPE.float32, [kvHeads, 'S', valueDim]);
  return { of: 'whole', k, v, own: keySource(spec, layer) === layer ? null : { k, v } };
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

import type { Architecture, BlockParts, MixerPart, MlpPart, NormsAround, RecurrencePart } from '../core/architecture.ts';
import { parametersOf } from './families/parameters.ts';
import {
  ofLayer,
  type Block,
  type DecoderSpec,
  type DenseMlp,
  type Experts,
  type Linear,
  type Norms,
  type Recurrence,
} from './families/spec.ts';
import { stateNumbers } from './graph/recurrenceGraph.ts';

/** The parts of a decoder with their sizes: what a picture of it is drawn from. */
export function architectureOf(spec: DecoderSpec): Architecture {
  const { embedding, embeddingProjection, embeddingNorm, positions, perLayerInputs, blocks, finalNorm, finalProjection, unembed, streams } =
    spec;
  const tied = unembed.weight.name === embedding.name;
  return {
    embedding: {
      width: embedding.shape[1] ?? 0,
      projected: embeddingProjection !== null,
      normed: embeddingNorm !== null,
      parameters: parametersOf([embedding, embeddingProjection, embeddingNorm]),
    },
    positionParameters: parametersOf(positions),
    perLayerParameters: parametersOf(perLayerInputs),
    streams: streams === null ? null : { count: streams.count, parameters: parametersOf(streams) },
    blocks: blocks.map((block, layer) => blockOf(spec, block, layer)),
    finalNorm: finalNorm === null ? null : parametersOf(finalNorm),
    unembedding: {
      tied,
      projected: finalProjection !== null,
      parameters: parametersOf([finalProjection, tied ? unembed.bias : unembed]),
    },
  };
}

function blockOf(spec: DecoderSpec, block: Block, layer: number): BlockParts {
  const { attentionNorms, mlpNorms, mlp, wiring, addTo, laurel, altUp, perLayer, outputScale } = block;
  // A norm that attention and MLP share is one.
  const shared = mlpNorms.pre !== null && mlpNorms.pre.weight?.name === attentionNorms.pre?.weight?.name;
  return {
    mixer: mixerOf(ofLayer(spec, layer), block),
    beside: block.attention.kind === 'attention' && block.attention.beside !== null ? recurrenceOf(block.attention.beside) : null,
    mlp: mlp.kind === 'none' ? null : mlpOf(mlp),
    attentionNorms: normsOf(attentionNorms),
    mlpNorms: { ...normsOf(mlpNorms), ...(shared ? { parameters: parametersOf({ ...mlpNorms, pre: null }) } : {}) },
    wiring,
    addTo,
    laurel: laurel === null ? null : parametersOf(laurel),
    altUp: altUp === null ? null : parametersOf(altUp),
    perLayer: perLayer === null ? null : parametersOf(perLayer),
    scaled: outputScale !== null,
  };
}

function normsOf(norms: Norms): NormsAround {
  const { pre, post, stream } = norms;
  return { pre: pre !== null, post: post !== null, stream: stream !== null, parameters: parametersOf(norms) };
}

/** `sizes`: the decoder with the sizes of the block's heads. */
function mixerOf({ heads, kvHeads, headDim, valueDim }: DecoderSpec, { attention }: Block): MixerPart | null {
  if (attention.kind === 'mlpAlone') return null;
  if (attention.kind !== 'attention') return recurrenceOf(attention);
  const { projections, window, rope, queryKeyNorm, gates, output } = attention;
  return {
    kind: 'attention',
    heads,
    kvHeads,
    headDim,
    valueDim,
    latentRank: projections.kind === 'latent' ? projections.rank : null,
    window: typeof window === 'number' ? window : null,
    chunk: typeof window === 'object' && window !== null ? window.chunk : null,
    rotary: rope !== null,
    normedQueries: queryKeyNorm !== null,
    gated: gates !== null,
    keysOf: projections.kind === 'queryAlone' ? projections.source : null,
    parameters: parametersOf({ ...attention, beside: null }),
    outputParameters: parametersOf(output),
  };
}

function recurrenceOf(part: Recurrence): RecurrencePart {
  return { kind: part.kind, reach: part.convolution.size, kept: stateNumbers(part), parameters: parametersOf(part) };
}

function mlpOf(mlp: DenseMlp | Experts): MlpPart {
  if (mlp.kind !== 'experts') {
    const parameters = parametersOf(mlp);
    return { ...insideOf(mlp), experts: null, parameters, active: parameters };
  }
  const { experts, chosen, shared } = mlp;
  const parameters = parametersOf(mlp);
  const each = experts[0] === undefined ? 0 : parametersOf(experts[0]);
  return {
    ...(experts[0] === undefined ? { hidden: 0, gated: false, activation: 'linear' as const } : insideOf(experts[0])),
    experts: { count: experts.length, chosen, shared: shared !== null },
    parameters,
    active: parameters - (experts.length - chosen) * each,
  };
}

function insideOf(mlp: DenseMlp): Pick<MlpPart, 'hidden' | 'gated' | 'activation'> {
  return {
    hidden: inputsOf(mlp.down),
    gated: mlp.kind === 'gated' || mlp.kind === 'gatedFused' || mlp.kind === 'clamped',
    activation: 'activation' in mlp ? mlp.activation : mlp.kind === 'xielu' ? 'xielu' : 'geluQuick',
  };
}

/** Numbers that a matrix reads. */
function inputsOf({ weight, layout }: Linear): number {
  return weight.shape[layout === 'out-in' ? 1 : 0] ?? 0;
}

import type { ModelFacts } from '../core/memory.ts';
import type { LayerTraits, ModelInfo, RecurrenceTraits } from '../core/trace.ts';
import { attentionsOf } from './families/mixers.ts';
import { stateNumbers } from './graph/recurrenceGraph.ts';
import type { DecoderSpec, Mixer, Norm, Unattending } from './families/spec.ts';
import type { StoredTensor } from './formats/storedTensor.ts';

/**
 * Properties of a model; `tensors` are those it reads, once each. `weightType`: the files' own name for the type of the weights,
 * where they have one.
 */
export function describe(
  spec: DecoderSpec,
  tensors: readonly StoredTensor[],
  family: string,
  name: string,
  weightType?: string,
): ModelFacts {
  const elementsByType = new Map<string, number>();
  for (const tensor of tensors) elementsByType.set(tensor.dtype, Math.max(elements(tensor), elementsByType.get(tensor.dtype) ?? 0));
  return {
    name,
    family,
    layers: spec.blocks.length,
    heads: spec.heads,
    kvHeads: spec.kvHeads,
    headDim: spec.headDim,
    dim: spec.dim,
    vocab: spec.vocab,
    contextLength: spec.contextLength,
    parameters: tensors.reduce((sum, tensor) => sum + elements(tensor), 0),
    weightType:
      weightType ??
      [...elementsByType]
        .toSorted((a, b) => b[1] - a[1])
        .map(([type]) => type)
        .join(', '),
    positions: spec.positions.kind,
    norm: normOf(spec).kind === 'rms' ? 'RMSNorm' : 'LayerNorm',
    ...traitsOf(spec),
  };
}

/** The model's kind of norm. A model without a final norm has norms in its blocks. */
function normOf({ finalNorm, blocks }: DecoderSpec): Pick<Norm, 'kind'> {
  const norms =
    blocks[0] === undefined
      ? null
      : [blocks[0].attentionNorms, blocks[0].mlpNorms].flatMap(({ pre, post, stream }) => pre ?? post ?? stream ?? [])[0];
  return finalNorm ?? norms ?? { kind: 'layer' };
}

function traitsOf({ blocks, positions, scoreCap, logitCap }: DecoderSpec): Pick<ModelInfo, 'traits'> {
  const layers = blocks.map(({ attention, mlp }): LayerTraits => ({
    ...attentionTraits(attention),
    ...(mlp.kind === 'none' ? { withoutMlp: true } : {}),
    experts: mlp.kind === 'experts' ? { count: mlp.experts.length, chosen: mlp.chosen, shared: mlp.shared !== null } : null,
  }));
  const attentions = attentionsOf(blocks);
  const [first] = attentions;
  const sinks = attentions.some((attention) => attention.sinks !== null);
  const latentRank = first?.projections.kind === 'latent' ? first.projections.rank : null;
  const thetas = new Set(layers.map(({ ropeTheta }) => ropeTheta));
  const plain = thetas.size <= 1 && positions.kind !== 'none' && layers.every(isPlain);
  if (plain && !sinks && latentRank === null && scoreCap === null && logitCap === null) return {};
  return { traits: { layers, sinks, latentRank, scoreCap, logitCap } };
}

function attentionTraits(mixer: Mixer): Omit<LayerTraits, 'experts'> {
  if (mixer.kind !== 'attention') return { recurrence: recurrenceTraits(mixer), window: null, ropeTheta: null };
  const { window, rope, sizes, projections, beside } = mixer;
  return {
    ...(beside === null ? {} : { beside: recurrenceTraits(beside) }),
    ...(sizes === null ? {} : { sizes: { kvHeads: sizes.kvHeads, headDim: sizes.headDim } }),
    ...(projections.kind === 'queryAlone' ? { keysOf: projections.source } : {}),
    ...(typeof window === 'number' || window === null ? { window } : { window: null, chunk: window.chunk }),
    ropeTheta: rope?.theta ?? null,
  };
}

function recurrenceTraits(mixer: Unattending): RecurrenceTraits {
  switch (mixer.kind) {
    case 'mlpAlone':
      return { kind: mixer.kind, maps: 0, reach: 1, kept: 0, normed: false };
    case 'shortConvolution':
      return { kind: mixer.kind, maps: 1, reach: mixer.convolution.size, kept: stateNumbers(mixer), normed: false };
    case 'mamba':
      return { kind: mixer.kind, maps: mixer.heads, reach: null, kept: stateNumbers(mixer), normed: mixer.norm !== null };
    default:
      return { kind: mixer.kind, maps: mixer.valueHeads, reach: null, kept: stateNumbers(mixer), normed: true };
  }
}

function isPlain({ window, chunk, experts, sizes, keysOf, recurrence, beside, withoutMlp }: LayerTraits): boolean {
  const own = [chunk, sizes, keysOf, recurrence, beside, withoutMlp].some((trait) => trait !== undefined);
  return window === null && experts === null && !own;
}

function elements({ shape }: StoredTensor): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

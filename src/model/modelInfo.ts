import type { ModelInfo } from '../core/trace.ts';
import type { Block, DecoderSpec, Linear, Mlp, Norm, Projections, Weight } from './families/spec.ts';
import type { Runtime } from './runtime.ts';

/** A model in the field's own terms. */
export function describe(spec: DecoderSpec, family: string, name: string, runtime: Pick<Runtime, 'kind' | 'threads'>): ModelInfo {
  const weights = new Map(weightsOf(spec).map((weight) => [weight.name, weight]));
  let parameters = 0;
  for (const weight of weights.values()) parameters += elements(weight);
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
    parameters,
    weightType: [...new Set([...weights.values()].toSorted((a, b) => elements(b) - elements(a)).map((weight) => weight.dtype))].join(', '),
    positions: spec.positions.kind,
    norm: spec.finalNorm.kind === 'rms' ? 'RMSNorm' : 'LayerNorm',
    runtime: runtime.kind,
    threads: runtime.threads,
  };
}

function elements(weight: Weight): number {
  return weight.shape.reduce((product, dim) => product * dim, 1);
}

/** Every weight of the model; a tied one twice. */
function weightsOf(spec: DecoderSpec): readonly Weight[] {
  const positions = spec.positions.kind === 'learned' ? [spec.positions.table] : [];
  return [spec.embedding, ...positions, ...spec.blocks.flatMap(ofBlock), ...ofNorm(spec.finalNorm), ...ofLinear(spec.unembed)];
}

function ofBlock({ attentionNorm, attention, mlpNorm, mlp }: Block): readonly Weight[] {
  return [...ofNorm(attentionNorm), ...ofProjections(attention.projections), ...ofLinear(attention.output), ...ofNorm(mlpNorm), ...ofMlp(mlp)];
}

function ofProjections(projections: Projections): readonly Weight[] {
  return projections.kind === 'fused' ? ofLinear(projections.qkv) : [projections.q, projections.k, projections.v].flatMap(ofLinear);
}

function ofMlp(mlp: Mlp): readonly Weight[] {
  return [...(mlp.kind === 'gated' ? ofLinear(mlp.gate) : []), ...ofLinear(mlp.up), ...ofLinear(mlp.down)];
}

function ofNorm(norm: Norm): readonly Weight[] {
  return norm.kind === 'layer' ? [norm.weight, norm.bias] : [norm.weight];
}

function ofLinear({ weight, bias }: Linear): readonly Weight[] {
  return bias === null ? [weight] : [weight, bias];
}

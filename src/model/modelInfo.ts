import type { ModelInfo } from '../core/trace.ts';
import type { DecoderSpec } from './families/spec.ts';
import type { StoredTensor } from './formats/safetensors.ts';
import type { Runtime } from './runtime.ts';

/** A model in the field's own terms; `tensors` are those it reads, once each. */
export function describe(spec: DecoderSpec, tensors: readonly StoredTensor[], family: string, name: string, runtime: Pick<Runtime, 'kind' | 'threads'>): ModelInfo {
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
    weightType: [...elementsByType].toSorted((a, b) => b[1] - a[1]).map(([type]) => type).join(', '),
    positions: spec.positions.kind,
    norm: spec.finalNorm?.kind === 'rms' ? 'RMSNorm' : 'LayerNorm',
    runtime: runtime.kind,
    threads: runtime.threads,
  };
}

function elements({ shape }: StoredTensor): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

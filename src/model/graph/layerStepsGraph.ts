import { recurrenceIn } from '../families/mixers.ts';
import type { Block, DecoderSpec } from '../families/spec.ts';
import { itemOf } from '../run/outputs.ts';
import { addAnyLayer } from './decoder.ts';
import { scaleBy } from './norm.ts';
import { DATA_TYPE, OnnxGraph } from './onnx.ts';

/** What the two steps of a block give: the residual between them, and what each adds to it. */
const STEP_OUTPUTS = ['afterAttention', 'attentionStep', 'mlpStep'] as const;
export type StepOutput = (typeof STEP_OUTPUTS)[number];

/** Those of them that a block has. */
export function stepOutputsOf({ attention, mlp }: Block): readonly StepOutput[] {
  return STEP_OUTPUTS.filter((name) => (name === 'mlpStep' ? mlp.kind !== 'none' : attention.kind !== 'mlpAlone'));
}

/**
 * The steps of block `layer`. In: as the trunk graph of this one layer. Out, each [T, D]: `afterAttention`, the residual after attention
 * has added to it; `attentionStep` and `mlpStep`, what attention and MLP add, behind a norm of their own and the residual's factor, and
 * times the factors by which this layer and those after it multiply the whole residual.
 */
export function layerStepsGraph(spec: DecoderSpec, layer: number): OnnxGraph {
  const graph = new OnnxGraph();
  const block = itemOf(spec.blocks, layer);
  const { attention, attentionNorms, mlpNorms } = block;
  addAnyLayer(graph, spec, layer);
  const named = (name: string): string => {
    const value = graph.namedValues.get(name);
    if (value === undefined) throw new Error(`A block has no ${name}.`);
    return value;
  };
  const scales = spec.blocks.slice(layer).flatMap(({ outputScale }) => outputScale ?? []);
  const kept = (step: string): string =>
    scales.reduce((value, scale) => graph.op('Mul', [value, graph.weight(scale)]), scaleBy(graph, step, spec.residualScale));
  const mixed = attention.kind === 'attention' && recurrenceIn(block) !== null ? 'mixedOutput' : 'attentionOutput';
  const values: Readonly<Record<StepOutput, () => string>> = {
    afterAttention: () => named(attentionNorms.stream === null ? 'attentionAdded' : 'attentionStreamNorm'),
    attentionStep: () => kept(named(attentionNorms.post === null ? mixed : 'attentionPostNorm')),
    mlpStep: () => kept(named(mlpNorms.post === null ? 'mlpScaled' : 'mlpPostNorm')),
  };
  for (const name of stepOutputsOf(block)) graph.output(name, graph.op('Identity', [values[name]()]), DATA_TYPE.float32, ['T', spec.dim]);
  return graph;
}

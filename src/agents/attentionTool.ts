import { HEAD_METRICS, HEAD_METRIC_SCALES, type HeadMetric } from '../core/headMetrics.ts';
import { UserError } from '../core/errors.ts';
import { at } from '../core/tensor.ts';
import type { Explanation } from '../core/trace.ts';
import {
  CHAT,
  indexArgument,
  modelTool,
  MOST_TEXT_UNITS,
  positionIn,
  readPart,
  stopIfAborted,
  type AgentModel,
  type ToolCall,
} from './agentTool.ts';
import { answerOf } from './toolAnswer.ts';
import { textArgument } from './toolArguments.ts';

/** Heads listed for each metric. */
const HEADS_LISTED = 5;

/** Which heads attend how; or what one token attends to in one head. */
export const attentionTool = modelTool(
  {
    name: 'attention_summary',
    title: 'Attention of a text',
    description:
      'Attention of a local language model over a text. Without layer and head: for each metric the heads with the strongest values ' +
      '(previous: mean weight on the token before; induction: on what followed earlier occurrences of the token; first: on the first ' +
      'token; entropy: of the rows, in bits, the smallest first). With layer and head: which tokens one token attends to, by weight. ' +
      'Attention says where information may be taken from, not that it counts: ask why for that.',
  },
  {
    text: textArgument('The text.', MOST_TEXT_UNITS),
    layer: indexArgument('Layer, from 0; with head.'),
    head: indexArgument('Head, from 0; with layer.'),
    query: indexArgument('The token whose attention is listed, from 0. Left out: the last.'),
    chat: CHAT,
  },
  async (model, { text, layer, head, query, chat }, call) => {
    if ((layer === null) !== (head === null)) throw new UserError('layer and head go together.');
    if (layer === null && query !== null) throw new UserError('query goes with layer and head.');
    const explanation = await model.explain({ text, topK: 1, chat });
    stopIfAborted(call);
    if (layer === null || head === null) return strongestHeads(model, explanation, call);
    const { layers, heads, name } = explanation.model;
    if (layer >= layers) throw new UserError(`layer: ${name} has layers 0 to ${layers - 1}, there is no ${layer}.`);
    if (head >= heads) throw new UserError(`head: ${name} has heads 0 to ${heads - 1} in a layer, there is no ${head}.`);
    return oneRow(model, explanation, layer, head, positionIn(explanation, 'query', query));
  },
);

async function strongestHeads(model: AgentModel, explanation: Explanation, call: ToolCall): Promise<string> {
  const { layers, heads, name } = explanation.model;
  const found: { readonly layer: number; readonly head: number; readonly metrics: Float32Array }[] = [];
  for (let layer = 0; layer < layers;) {
    stopIfAborted(call);
    call.tell(`Measuring heads: layer ${layer} of ${layers}`);
    const { metrics } = await model.ask(explanation.run, 'heads', { layer });
    const measured = metrics.length / (heads * HEAD_METRICS.length);
    for (let index = 0; index < measured * heads; index++) {
      const place = { layer: layer + Math.floor(index / heads), head: index % heads };
      found.push({ ...place, metrics: metrics.subarray(index * HEAD_METRICS.length, (index + 1) * HEAD_METRICS.length) });
    }
    layer += Math.max(1, measured);
  }
  const listed = HEAD_METRICS.map((metric, place) => [metric, strongest(metric, place, found)] as const);
  return answerOf({ model: name, ...readPart(explanation), layers, heads }, Object.fromEntries(listed));
}

function strongest(
  metric: HeadMetric,
  place: number,
  found: readonly { readonly layer: number; readonly head: number; readonly metrics: Float32Array }[],
): readonly object[] {
  const sign = HEAD_METRIC_SCALES[metric].best === 'smallest' ? 1 : -1;
  return found
    .map(({ layer, head, metrics }) => ({ layer, head, value: at(metrics, place) }))
    .filter(({ value }) => !Number.isNaN(value))
    .toSorted((a, b) => sign * (a.value - b.value) || a.layer - b.layer || a.head - b.head)
    .slice(0, HEADS_LISTED);
}

async function oneRow(
  model: AgentModel,
  { run, tokens, model: info, ...rest }: Explanation,
  layer: number,
  head: number,
  query: number,
): Promise<string> {
  const { weights, sink } = await model.ask(run, 'attentionRow', { layer, head, query });
  const named = { index: query, text: tokens[query]?.text ?? '' };
  const keys = Array.from(weights, (weight, index) => ({ index, text: tokens[index]?.text ?? '', weight })).toSorted(
    (a, b) => b.weight - a.weight || a.index - b.index,
  );
  const part = readPart({ run, tokens, model: info, ...rest });
  return answerOf({ model: info.name, ...part, layer, head, query: named, ...(sink === undefined ? {} : { sink }) }, { keys });
}

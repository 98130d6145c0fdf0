import type { ForwardPath, StageName, WeightedSum } from '../core/forwardPath.ts';
import { stageOf } from '../core/forwardPath.ts';
import { at } from '../core/tensor.ts';
import type { DecoderSpec } from './families/spec.ts';
import type { ModelFiles } from './files.ts';
import type { Trace } from './languageModel.ts';
import { itemOf } from './outputs.ts';
import { addAttention } from './path/attentionPath.ts';
import { addInput, addOutput } from './path/endsPath.ts';
import { runLayerRow } from './path/layerRow.ts';
import { readLinearRow } from './path/linearRow.ts';
import { addMlp, type ExpertChoices } from './path/mlpPath.ts';
import { pathBuilder, type PathBuilder } from './path/pathBuilder.ts';
import type { Sessions } from './sessions.ts';

/** Whose way is followed: token `token`, inside layer `layer` as `head` sees it; of its experts number `expert`, the shared one behind the others. */
export interface PathRequest {
  readonly token: number;
  readonly layer: number;
  readonly head: number;
  readonly expert: number;
}

/** The calls of a model about one token's way. They throw RangeError for a layer, head or number that there is not. */
export interface PathCalls {
  /** Everything from the token's id to the next token's distribution. The residual, keys and values are the trace's; the rest of the layer is run for this token. */
  forwardPath(trace: Trace, request: PathRequest): Promise<Omit<ForwardPath, 'pieces'> & { readonly candidates: Int32Array }>;
  /** What number `index` of a stage that a matrix makes is the sum of. */
  weightedSum(trace: Trace, request: PathRequest, stage: StageName, index: number): Promise<WeightedSum>;
}

interface Ends {
  readonly trace: Trace;
  readonly token: number;
  readonly before: PathBuilder;
  readonly behind: PathBuilder;
  readonly candidates: Int32Array;
}

interface WholePath {
  readonly path: Omit<ForwardPath, 'pieces'> & { readonly candidates: Int32Array };
  readonly parts: readonly PathBuilder[];
}

export function openPath(spec: DecoderSpec, files: ModelFiles, sessions: Sessions): PathCalls {
  /** What lies before and behind the layers is the same whichever layer is looked into. */
  let ends: Ends | null = null;
  let last: { readonly trace: Trace; readonly key: string; readonly whole: WholePath } | null = null;

  const endsOf = async (trace: Trace, token: number): Promise<Ends> => {
    if (ends?.trace === trace && ends.token === token) return ends;
    const before = pathBuilder(files);
    const behind = pathBuilder(files);
    await addInput(before, spec, files, sessions, trace, token);
    const candidates = await addOutput(behind, spec, files, sessions, trace, token);
    ends = { trace, token, before, behind, candidates };
    return ends;
  };
  const wholeOf = async (trace: Trace, request: PathRequest): Promise<WholePath> => {
    const key = JSON.stringify(request);
    if (last?.trace === trace && last.key === key) return last.whole;
    const { token, layer, head } = request;
    if (head < 0 || head >= spec.heads) throw new RangeError(`Head ${head} is outside a model of ${spec.heads}.`);
    if (token < 0 || token >= trace.ids.length) throw new RangeError(`Token ${token} is outside a text of ${trace.ids.length}.`);
    const block = itemOf(spec.blocks, layer);
    const experts = expertChoices(trace, layer, token, request.expert, block.mlp.kind === 'experts' && block.mlp.shared !== null);
    const row = await runLayerRow(spec, sessions, trace, layer, token, isWanted(experts));
    const kvHead = Math.floor(head / (spec.heads / spec.kvHeads));
    const inside = pathBuilder(files);
    const place = { spec, files, trace, row, block, layer, token, choice: { head, kvHead } };
    const { stream, read } = await addAttention(inside, place);
    await addMlp(inside, place, stream, read, experts);
    const { before, behind, candidates } = await endsOf(trace, token);
    const parts = [before, inside, behind];
    const shown = experts === null ? {} : { experts: { ids: experts.ids, shown: experts.shown, shared: block.mlp.kind === 'experts' && block.mlp.shared !== null } };
    const path = { token, layer, head, kvHead, stages: parts.flatMap(({ stages }) => stages), ...shown, parallel: block.wiring === 'parallel', candidates };
    const whole = { path, parts };
    last = { trace, key, whole };
    return whole;
  };

  return {
    forwardPath: async (trace, request) => (await wholeOf(trace, request)).path,
    weightedSum: async (trace, request, stage, index) => {
      const { path, parts } = await wholeOf(trace, request);
      const { made, values } = stageOf(path.stages, stage);
      const rowOf = parts.map(({ rows }) => rows.get(stage)).find((found) => found !== undefined);
      if (made.kind !== 'linear' || rowOf === undefined) throw new RangeError(`No matrix makes ${stage}.`);
      if (index < 0 || index >= values.length) throw new RangeError(`Number ${index} is outside ${values.length}.`);
      const found = rowOf(index);
      const { linear: { weight, layout }, row } = found;
      const inputs = stageOf(path.stages, made.of).values.slice();
      return { stage, index, inputs, ...(await readLinearRow(files, found)), tensor: weight.name, row, column: layout === 'in-out' };
    },
  };
}

function expertChoices(trace: Trace, layer: number, token: number, asked: number, shared: boolean): ExpertChoices | null {
  const choice = trace.experts?.[layer] ?? null;
  if (choice === null) return null;
  const chosen = choice.weights.dims[1] ?? 0;
  const ids = choice.ids.slice(token * chosen, (token + 1) * chosen);
  const weights = choice.weights.data.slice(token * chosen, (token + 1) * chosen);
  // By falling weight: which come first in the trace goes by the score for choosing, which may be another.
  const order = Array.from(ids, (_, i) => i).sort((a, b) => at(weights, b) - at(weights, a) || a - b);
  return {
    ids: Int32Array.from(order, (i) => at(ids, i)),
    weights: Float32Array.from(order, (i) => at(weights, i)),
    shown: Math.max(0, Math.min(asked, shared ? ids.length : ids.length - 1)),
  };
}

/** Which of the layer's named values are shown: of the experts, the outputs of those chosen and the inside of one. */
function isWanted(experts: ExpertChoices | null): (name: string) => boolean {
  return (name) => {
    const [, id] = /^expert\.(\d+)\./.exec(name) ?? [];
    if (id === undefined || experts === null) return true;
    return Number(id) === experts.ids[experts.shown] || (name.endsWith('.mlpOutput') && experts.ids.includes(Number(id)));
  };
}

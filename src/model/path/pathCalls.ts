import type { ForwardPath, StageName, WeightedSum } from '../../core/forwardPath.ts';
import { stageOf } from '../../core/forwardPath.ts';
import { at } from '../../core/tensor.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import type { Trace } from '../run/forwardTrace.ts';
import { itemOf } from '../run/outputs.ts';
import { addAttention } from './attentionPath.ts';
import { addInput, addOutput } from './endsPath.ts';
import { runLayerRow, runRecurrenceRow } from './layerRow.ts';
import { readLinearRow } from './linearRow.ts';
import { sharedKeyValue } from './headsPath.ts';
import { addMlp, type ExpertChoices } from './mlpPath.ts';
import { recurrenceIn } from '../families/mixers.ts';
import { pathBuilder, type PathBuilder } from './pathBuilder.ts';
import { headsOf } from './recurrencePath.ts';
import type { Sessions } from '../run/sessions.ts';

/**
 * The path requested: of token `token`, in detail through layer `layer` and its head `head`; with experts, through number `expert` of
 * those chosen, the shared expert counting last.
 */
export interface PathRequest {
  readonly token: number;
  readonly layer: number;
  readonly head: number;
  readonly expert: number;
}

/** Calls about one token's path through a model. They throw RangeError for a layer, head or number that does not exist. */
export interface PathCalls {
  /**
   * All stages from the token's id to the next-token distribution. Residual, keys and values come from the trace; the rest of the
   * layer is run for this token.
   */
  forwardPath(trace: Trace, request: PathRequest): Promise<Omit<ForwardPath, 'pieces'> & { readonly candidates: Int32Array }>;
  /** The weighted sum behind number `index` of a stage that a matrix computes. */
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

/** The path calls of one model. */
export function openPath(spec: DecoderSpec, files: ModelFiles, sessions: Sessions): PathCalls {
  /** Cache: the stages before and after the layers are the same for every layer requested. */
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
    if (token < 0 || token >= trace.run.ids.length) throw new RangeError(`Token ${token} is outside a text of ${trace.run.ids.length}.`);
    const block = itemOf(spec.blocks, layer);
    const experts = expertChoices(trace, layer, token, request.expert, block.mlp.kind === 'experts' && block.mlp.shared !== null);
    const mixer = recurrenceIn(block);
    const mixerHeads = mixer === null ? null : headsOf(mixer);
    const recurrence =
      mixer === null
        ? null
        : {
            row: await runRecurrenceRow(spec, sessions, trace, layer, token),
            // It may have fewer heads than attention has elsewhere.
            head: Math.min(head, (mixerHeads ?? 1) - 1),
          };
    const row = await runLayerRow(spec, sessions, trace, layer, token, isWanted(experts), recurrence?.row.value('recurred'));
    const own = ofLayer(spec, layer);
    const kvHead = Math.floor(head / (own.heads / own.kvHeads));
    const inside = pathBuilder(files);
    const choice = { head, kvHead, ...sharedKeyValue(spec, trace, layer, token, kvHead) };
    const place = { spec: own, files, trace, row, block, layer, token, choice, recurrence };
    const { stream, read } = await addAttention(inside, place);
    await addMlp(inside, place, stream, read, experts);
    const { before, behind, candidates } = await endsOf(trace, token);
    const parts = [before, inside, behind];
    const shown =
      experts === null
        ? {}
        : { experts: { ids: experts.ids, shown: experts.shown, shared: block.mlp.kind === 'experts' && block.mlp.shared !== null } };
    const path = {
      token,
      layer,
      head,
      kvHead,
      kvHeads: own.kvHeads,
      ...(mixer === null || recurrence === null
        ? {}
        : { recurrence: { kind: mixer.kind, head: mixerHeads === null ? null : { shown: recurrence.head, of: mixerHeads } } }),
      stages: parts.flatMap(({ stages }) => stages),
      ...shown,
      parallel: block.wiring === 'parallel',
      candidates,
    };
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
      const {
        linear: { weight, layout },
        row,
      } = found;
      const inputs = stageOf(path.stages, made.of).values;
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
  // By descending weight: the trace orders them by the score for choosing, which may differ.
  const order = Array.from(ids, (_, i) => i).sort((a, b) => at(weights, b) - at(weights, a) || a - b);
  return {
    ids: Int32Array.from(order, (i) => at(ids, i)),
    weights: Float32Array.from(order, (i) => at(weights, i)),
    shown: Math.max(0, Math.min(asked, shared ? ids.length : ids.length - 1)),
  };
}

/** Whether a named value of the layer is shown: of experts, the outputs of those chosen and the inside of one. */
function isWanted(experts: ExpertChoices | null): (name: string) => boolean {
  return (name) => {
    const [, id] = /^expert\.(\d+)\./.exec(name) ?? [];
    if (id === undefined || experts === null) return true;
    return Number(id) === experts.ids[experts.shown] || (name.endsWith('.mlpOutput') && experts.ids.includes(Number(id)));
  };
}

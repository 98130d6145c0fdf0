import type { StageName } from '../../core/forwardPath.ts';
import { at } from '../../core/tensor.ts';
import { alibiBias } from '../graph/positions.ts';
import type { Attention, Block, DecoderSpec } from '../families/spec.ts';
import type { ModelFiles } from '../files.ts';
import type { Trace } from '../languageModel.ts';
import { itemOf } from '../outputs.ts';
import { addHeads, type HeadChoice } from './headsPath.ts';
import { headOf, softmaxTerms, type LayerRow } from './layerRow.ts';
import { readNumbers } from './linearRow.ts';
import type { PathBuilder } from './pathBuilder.ts';

/** Where the path is, and what it is written from. */
export interface LayerPlace {
  readonly spec: DecoderSpec;
  readonly files: ModelFiles;
  readonly trace: Trace;
  readonly row: LayerRow;
  readonly block: Block;
  readonly layer: number;
  readonly token: number;
  readonly choice: HeadChoice;
}

/** From the residual before a layer to what attention has made of it. Returns where the stream is then, and what attention read. */
export async function addAttention(path: PathBuilder, place: LayerPlace): Promise<{ readonly stream: StageName; readonly read: StageName }> {
  const { spec, trace, row, block: { attention, attentionNorms: norms, addTo }, layer, token } = place;
  const input = itemOf(trace.resid, layer).data.slice(token * spec.dim, (token + 1) * spec.dim);
  path.step('attentionNorm');
  path.add('input', input, { kind: 'given' });
  if (norms.before !== null) await path.norm('attentionRead', row.value('attentionRead'), 'input', norms.before, input);
  const read: StageName = norms.before === null ? 'input' : 'attentionRead';
  const names = await addHeads(path, row, read, attention, spec, place.choice);
  await addScores(path, place, names.query);
  addMix(path, place);
  path.step('attentionOutput');
  path.linear('attentionOutput', row.value('attentionOutput').slice(), 'joined', attention.output);
  let output: StageName = 'attentionOutput';
  if (norms.behind !== null) {
    path.step('attentionBehind');
    await path.norm('attentionBehind', row.value('attentionBehind').slice(), output, norms.behind, row.value(output));
    output = 'attentionBehind';
  }
  path.step('attentionAdd');
  path.add('attentionAdded', row.value('attentionAdded').slice(), { kind: 'sum', of: addTo === 'stream' ? 'input' : read, with: output, factor: spec.residualScale });
  if (norms.after === null) return { stream: 'attentionAdded', read };
  path.step('attentionAfter');
  await path.norm('attentionAfter', row.value('attentionAfter').slice(), 'attentionAdded', norms.after, row.value('attentionAdded'));
  return { stream: 'attentionAfter', read };
}

/** q . k of every key, and what becomes of it up to the shares. */
async function addScores(path: PathBuilder, place: LayerPlace, query: StageName): Promise<void> {
  const { spec, trace, row, block: { attention }, layer, token, choice: { head, kvHead } } = place;
  const length = trace.ids.length;
  const scores = (name: string): Float32Array => headOf(row.value(name), head, length);
  path.step('scores', 'key');
  path.add('dots', scores('dots'), { kind: 'dots', of: query, rows: headOf(itemOf(trace.k, layer).data, kvHead, length * spec.headDim) });
  path.step('scale', 'key');
  path.add('scaledScores', scores('scaledScores'), { kind: 'scaled', of: 'dots', factor: attention.scale });
  let last: StageName = 'scaledScores';
  if (spec.scoreCap !== null) {
    path.add('cappedScores', scores('cappedScores'), { kind: 'capped', of: last, limit: spec.scoreCap });
    last = 'cappedScores';
  }
  if (spec.positions.kind === 'alibi') {
    path.add('biasedScores', scores('biasedScores'), { kind: 'biased', of: last, bias: alibiBias(spec.positions.alibi, length).slice(head * length, (head + 1) * length) });
    last = 'biasedScores';
  }
  const { window } = attention;
  const first = window === null ? 0 : Math.max(0, token - window + 1);
  const masked = scores(last).map((score, key) => (key < first || key > token ? -Infinity : score));
  path.step('mask', 'key');
  path.add('maskedScores', masked, { kind: 'masked', of: last, first, last: token, window });
  path.step('softmax', 'key');
  const sink = await sinkOf(attention, place);
  path.add('weights', scores('weights'), { kind: 'softmax', of: 'maskedScores', ...softmaxTerms(masked, sink), sink });
}

async function sinkOf({ sinks }: Attention, { files, choice }: LayerPlace): Promise<number | null> {
  return sinks === null ? null : at(await readNumbers(files, sinks, choice.head, 1), 0);
}

function addMix(path: PathBuilder, { spec, trace, row, layer, choice: { head, kvHead } }: LayerPlace): void {
  const { valueDim, heads } = spec;
  path.step('mix');
  path.add('mixed', headOf(row.value('joined'), head, valueDim), { kind: 'weighted', of: 'weights', rows: headOf(itemOf(trace.v, layer).data, kvHead, trace.ids.length * valueDim) });
  path.step('join');
  path.add('joined', row.value('joined').slice(), { kind: 'heads', of: 'mixed', head, heads });
}

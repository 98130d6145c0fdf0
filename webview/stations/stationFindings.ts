import { surprisalBits } from '../../src/core/probability.ts';
import { isUnrotated } from '../../src/core/positions.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { visibleText } from '../../src/core/visibleText.ts';
import { tokenLabels } from '../context.ts';
import { candidates } from '../figures/candidates.ts';
import { headsOfText } from '../figures/heads.ts';
import { lensCells, positionsAround } from '../figures/modelFlow.ts';
import { branchesOf } from '../generation/generationTree.ts';
import { bits, compact, cosineText, decimal, integer, percent, significant } from '../parts/format.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import type { Host } from '../vscodeApi.ts';
import {
  bestPredicted,
  decidingLayer,
  fastestTurn,
  isBranched,
  isNarrow,
  mostAlike,
  mostSurprising,
  previousTokenHead,
  sizeEnds,
  steepestHead,
} from './stationChecks.ts';
import type { StationName } from './stationNames.ts';

/** Whether what a station asks for is chosen now, and a sentence about it with its numbers. */
export interface Finding {
  readonly station: StationName;
  readonly isFound: boolean;
  readonly sentence: string;
}

type Found = Omit<Finding, 'station'>;
type Finder = (explanation: Explanation, state: ViewState, query: Host['query']) => Promise<Found | string>;

/** Asks what a station's check needs to know; a sentence says why it cannot be decided, an empty one that there is nothing to find. */
export async function findAt(name: StationName, state: ViewState, query: Host['query']): Promise<Finding | string> {
  if (state.shown === null) return '';
  const found = await FINDERS[name](state.shown.explanation, state, query);
  return typeof found === 'string' ? found : { station: name, ...found };
}

function tooShort(): string {
  return t('This text is too short for that: read a longer one, or an example.');
}

const FINDERS: Readonly<Record<StationName, Finder>> = {
  tokens: async (explanation, { settings: { selected } }) => {
    const found = mostSurprising(explanation);
    if (found.length === 0) return tooShort();
    const logprob = at(explanation.logprob, selected);
    const label = tokenLabels(explanation)[selected] ?? '';
    return {
      isFound: found.includes(selected),
      sentence: t('“{0}” came with {1}: the model gave it {2}.', label, bits(surprisalBits(logprob)), percent(Math.exp(logprob))),
    };
  },
  vectors: async ({ tokens }, { settings }, query) => {
    const { cosines } = await query('stationVectors', 'similarity', { layer: settings.embeddingLayer, frame: settings.frame });
    const found = mostAlike(tokens, cosines, settings.selected);
    if (found === null) return tooShort();
    const { own, best, isBest } = found;
    const { token, other, cosine } = own ?? best;
    const label = (index: number): string => visibleText(tokens[index]?.text ?? '');
    return { isFound: isBest, sentence: t('“{0}” and “{1}”: a cosine of {2}.', label(token), label(other), cosineText(cosine)) };
  },
  positions: async ({ tokens, model }, { settings }, query) => {
    if (model.positions !== 'rotary' && model.positions !== 'alibi') return '';
    const { layer, head, selected, positionKey } = settings;
    if (isUnrotated(model, layer)) return t('This layer rotates nothing: move the slider to a layer that does.');
    const key = Math.min(positionKey ?? Math.max(0, selected - 1), selected);
    const view = await query('stationPositions', 'positions', { layer, head, query: selected, key });
    if (view.kind === 'alibi')
      return {
        isFound: head === steepestHead(view),
        sentence: t('Head {0} takes {1} from a score for each token between.', integer(head), significant(at(view.slopes, head), 3)),
      };
    if (view.kind !== 'rotary') return '';
    const { pair, turns, isHalf, hasRoom } = fastestTurn(view, tokens.length);
    if (!hasRoom) return tooShort();
    return {
      isFound: isHalf,
      sentence: t(
        '{0} tokens apart, pair {1} has turned {2} times: the score depends on the distance, not on where the two stand.',
        integer(selected - key),
        integer(pair),
        decimal(turns, 2),
      ),
    };
  },
  attention: async (explanation, { settings: { layer, head }, heads }) => {
    if (heads?.failed === true) return t('The heads could not be measured on this text: read a shorter one, or an example.');
    const best = previousTokenHead(headsOfText(explanation, heads));
    if (best === undefined) {
      if (heads?.layers !== explanation.model.layers) return { isFound: false, sentence: '' };
      return explanation.tokens.length < 2 ? tooShort() : t('No layer of this model has attention weights.');
    }
    return {
      isFound: layer === best.layer && head === best.head,
      sentence: t('Layer {0}, head {1} puts {2} of its attention on the token before.', best.layer, best.head, percent(best.value)),
    };
  },
  layers: async ({ model, tokens }, { settings: { layer, selected } }, query) => {
    const around = positionsAround(selected, tokens.length, model);
    const window = await query('stationLayers', 'lens', { layer: 0, layers: model.layers + 1, ...around });
    const cells = lensCells(window, selected);
    const last = cells?.at(-1);
    if (cells === null || last === undefined) return '';
    const found = decidingLayer(cells);
    return {
      isFound: layer === found,
      sentence: t(
        'From layer {0} on it is “{1}”: {2} there, {3} in the end.',
        integer(found),
        visibleText(last.piece),
        percent(cells[found + 1]?.probability ?? Number.NaN),
        percent(last.probability),
      ),
    };
  },
  logits: async (explanation, { settings: { selected } }) => {
    const found = bestPredicted(explanation);
    if (found === null) return tooShort();
    const [labels, next] = [tokenLabels(explanation), selected + 1];
    return {
      isFound: found.positions.includes(selected),
      sentence: t(
        'After “{0}” the model gave “{1}” {2}.',
        labels[selected] ?? '',
        labels[next] ?? '',
        percent(Math.exp(explanation.logprob[next] ?? Number.NaN)),
      ),
    };
  },
  sampling: async ({ model }, { settings }, query) => {
    const distribution = await query('stationSampling', 'distribution', { position: settings.selected });
    const { keptCount, entropyAfter } = candidates(distribution, settings, undefined, 1).sampled;
    return {
      isFound: isNarrow(keptCount),
      sentence: t('{0} of {1} tokens are left, and {2} of choice.', integer(keptCount), integer(model.vocab), bits(entropyAfter)),
    };
  },
  loop: async (_, { generation: { tree } }) => ({
    isFound: isBranched(tree.tokens),
    sentence: t(
      '{0} ways from one text: the model goes on from whatever stands before, whoever wrote it.',
      integer(branchesOf(tree).length),
    ),
  }),
  scale: async (_, { sizes }) => {
    const found = sizes && sizeEnds(sizes.text, sizes.models);
    const [small, large] = [sizes?.models[found?.smallest ?? -1], sizes?.models[found?.largest ?? -1]];
    if (!found || !small || !large) return { isFound: false, sentence: '' };
    return {
      isFound: true,
      sentence: t(
        '{0} bits per byte with {1} ({2}), {3} with {4} ({5}); of {6} parts, {7} are the first choice of larger models alone.',
        decimal(at(found.bitsPerByte, found.smallest), 2),
        small.name,
        compact(small.parameters),
        decimal(at(found.bitsPerByte, found.largest), 2),
        large.name,
        compact(large.parameters),
        integer(found.parts),
        integer(found.byLarger),
      ),
    };
  },
};

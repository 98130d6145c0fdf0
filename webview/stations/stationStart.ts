import { nearestRotated } from '../../src/core/positions.ts';
import { hasAttention } from '../../src/core/recurrence.ts';
import type { Explanation, ModelInfo } from '../../src/core/trace.ts';
import type { GenerationTree } from '../generation/generationTree.ts';
import type { Settings } from '../viewSettings.ts';
import { bestPredicted, mostSurprising } from './stationChecks.ts';
import type { StationName } from './stationNames.ts';

/** Tokens before the selected one that the station of positions begins with, where the text has them. */
const ROOM = 8;

/** The view that a station walks through. */
const PLACES: Readonly<Record<StationName, Partial<Settings>>> = {
  tokens: { tab: 'tokens' },
  vectors: { tab: 'embeddings', embeddingView: 'similarity', embeddingLayer: -1 },
  positions: { tab: 'positions' },
  attention: { tab: 'attention', metric: 'previous', headsOn: 'text', headMeasure: 'weights' },
  layers: { tab: 'model' },
  logits: { tab: 'predictions' },
  sampling: { tab: 'predictions' },
  loop: { tab: 'generate' },
  scale: { tab: 'compare' },
};

/** What is chosen when a station begins, of this text: not yet what is to be found there, as far as that is known. */
export function startOf(name: StationName, explanation: Explanation, settings: Settings): Partial<Settings> {
  const { tokens, model } = explanation;
  const beside = (found: readonly number[]): Partial<Settings> => {
    if (!found.includes(settings.selected)) return {};
    const other = tokens.findIndex(({ special }, index) => !special && !found.includes(index));
    return other < 0 ? {} : { selected: other };
  };
  switch (name) {
    case 'tokens':
      return beside(mostSurprising(explanation));
    case 'logits':
      return beside(bestPredicted(explanation)?.positions ?? []);
    case 'positions': {
      const selected = settings.selected >= ROOM ? settings.selected : tokens.length - 1;
      // Slopes fall from the first head on.
      const head = model.positions === 'alibi' ? { head: model.heads - 1, headChosen: true } : {};
      // Where positions are rotations, a layer without any has none.
      const rotated = nearestRotated(model, settings.layer);
      const layer = model.positions !== 'rotary' || rotated === settings.layer ? {} : { layer: rotated, headChosen: true };
      return { selected, positionKey: Math.max(0, selected - 1), ...head, ...layer };
    }
    case 'attention':
      // The tab would open on the very head that is to be found: such heads are seldom among the last.
      return { layer: lastAttention(model), head: model.heads - 1, headChosen: true };
    case 'layers':
      return { layer: 0 };
    default:
      return {};
  }
}

/** The last layer with attention weights; the last layer where none has them. */
function lastAttention(model: ModelInfo): number {
  for (let layer = model.layers - 1; layer >= 0; layer--) if (hasAttention(model, layer)) return layer;
  return model.layers - 1;
}

/** The settings with which a station is entered. */
export function arriving(name: StationName, explanation: Explanation, settings: Settings): Partial<Settings> {
  return { pathShown: true, station: name, ...PLACES[name], ...startOf(name, explanation, settings) };
}

/** What a user changes to find what a station asks for: it is not found before this has changed. Empty: nothing of the page's own. */
export function choiceAt(name: StationName, settings: Settings, { tokens, selected }: Pick<GenerationTree, 'tokens' | 'selected'>): string {
  const { layer, head, positionKey, temperature, topK, topP, minP } = settings;
  switch (name) {
    case 'tokens':
    case 'vectors':
    case 'logits':
      return String(settings.selected);
    case 'positions':
      return [settings.selected, positionKey, head].join(' ');
    case 'attention':
      return [layer, head].join(' ');
    case 'layers':
      return String(layer);
    case 'sampling':
      return [temperature, topK, topP, minP].join(' ');
    case 'loop':
      return [tokens.length, selected].join(' ');
    default:
      name satisfies 'scale';
      return '';
  }
}

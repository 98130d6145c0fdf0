import { positionTable, sampledIndices, sinusoidalTable, type PositionTable } from '../../../src/core/positions.ts';
import type { PanelContext, View } from '../../context.ts';
import { slider } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { foldout } from '../../parts/foldout.ts';
import { integer } from '../../parts/format.ts';
import { drawInto, formulasTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';
import { createPositionTables } from './positionTables.ts';

/** Most rows of the formula's table that are shown. */
const MAX_POSITIONS = 256;

/** Card of the sinusoids of the original transformer, beside what this model does. */
export function createSinusoidCard(context: PanelContext): View {
  const change = (settings: Partial<Settings>): void => context.store.dispatch({ type: 'settings', change: settings });
  const length = slider(t('Number of positions'), 2, 512, 1, (value) => change({ sinusoidLength: value }));
  const dim = slider(t('Dimensions'), 2, 512, 2, (value) => change({ sinusoidDim: value }));
  const tables = createPositionTables(context);
  const formula = el('p', { class: 'step-line-formula' });
  drawInto(formula, formulasTemplate('P[p, 2i] = sin(p / 10000^(2i/d)),  P[p, 2i+1] = cos(p / 10000^(2i/d))'));
  const fold = foldout(
    context.store,
    'sinusoid',
    'sinusoid-fold',
    [el('h2', {}, t('For comparison: sinusoidal positions')), el('span', { class: 'badge' }, t('formula, not this model'))],
    el(
      'p',
      {},
      t('“Attention Is All You Need” added sines and cosines of falling frequency to the embedding. These numbers are of its formula.'),
    ),
    formula,
    el('div', { class: 'walk-controls' }, length.root, dim.root),
    tables.root,
  );
  const root = el('section', { class: 'card positions-card', 'aria-label': t('Sinusoidal positions') }, fold.root);
  const changed = changeDetector();
  let table: PositionTable | undefined;

  return {
    root,
    update: ({ settings, theme }) => {
      if (!fold.set(settings)) return;
      const { sinusoidLength, sinusoidDim } = settings;
      length.set(sinusoidLength, integer(sinusoidLength));
      dim.set(sinusoidDim, integer(sinusoidDim));
      if (table === undefined || changed(sinusoidDim, sinusoidLength)) {
        const positions = sampledIndices(sinusoidLength, MAX_POSITIONS);
        table = positionTable(sinusoidalTable(positions, sinusoidDim), positions, sinusoidLength, 512);
      }
      tables.show(table, theme);
    },
  };
}

import { html, type TemplateResult } from 'lit-html';
import { isUnrotated, nearestRotated, type PositionView } from '../../../src/core/positions.ts';
import { at } from '../../../src/core/tensor.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import type { FigureData } from '../../figures/figureData.ts';
import { biasNumbers } from '../../figures/savedNumbers.ts';
import { button, slider } from '../../parts/controls.ts';
import { tokenLabels, type PanelContext, type View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { alibiFigure } from '../../figures/positionFigures.ts';
import { integer, significant } from '../../parts/format.ts';
import { createPlot } from '../../plot.ts';
import type { Settings } from '../../viewSettings.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { layerNotes } from '../../parts/layerNotes.ts';
import { besideTemplate, chipTemplate, drawInto } from '../../parts/templates.ts';
import { createPositionTables } from './positionTables.ts';
import { createSinusoidCard } from './sinusoidCard.ts';
import { createRotaryPositions } from './rotaryPositions.ts';
import { kindName, kindSentence, stillSentence } from './positionTexts.ts';

/**
 * The Positions tab: how this model encodes positions, with this text's numbers, and beside it the sinusoids of the original transformer.
 */
export function createPositions(context: PanelContext): View {
  const { store } = context;
  const change = (settings: Partial<Settings>): void => store.dispatch({ type: 'settings', change: settings });
  const title = el('h2');
  const pair = el('p', { class: 'position-pair' });
  const sentence = el('p');
  const toRotated = createRotatedLink((rotated) => change({ layer: rotated }));
  const layer = slider(t('Layer'), 0, 0, 1, (value) => change({ layer: value }));
  const head = slider(t('Head'), 0, 0, 1, (value) => change({ head: value }));
  const key = slider(t('Key'), 0, 0, 1, (value) => change({ positionKey: value }));
  const controls = el('div', { class: 'walk-controls' }, layer.root, head.root, key.root);
  const rotary = createRotaryPositions(context);
  const tables = createPositionTables(context);
  const alibi = createPlot(t('What ALiBi takes from the score of each head by distance'), 'alibi', {
    data: () => savedBias(asked.answer()),
    hover: (point, event) => {
      if (point === null || event === null || point.custom === undefined) return context.tooltip.hide();
      context.tooltip.show(
        {
          title: significant(point.y, 6),
          rows: [
            [t('Head'), integer(point.custom)],
            [t('Tokens between'), integer(point.x)],
          ],
        },
        event.clientX,
        event.clientY,
      );
    },
    click: (point) => {
      if (point.custom !== undefined) change({ head: point.custom });
    },
    resized: () => asked.redraw(),
  });
  const slopes = el('p', { class: 'caption' });
  const alibiBox = el('section', { class: 'position-figure', 'aria-label': 'ALiBi' }, alibi.root, slopes);
  const alibiChanged = changeDetector();
  const asked = question(context, {
    busy: () => own,
    parts: [rotary.root, tables.root, alibiBox],
    ask: async ({ settings, shown }, query) => {
      if (shown === null || isUnrotated(shown.explanation.model, settings.layer)) return '';
      const kind = shown.explanation.model.positions;
      // A table is the same whichever head is shown.
      const fixed = kind !== 'rotary' && kind !== 'alibi';
      const args = fixed
        ? { layer: 0, head: 0, query: 0, key: 0 }
        : { layer: settings.layer, head: settings.head, query: settings.selected, key: keyOf(settings) };
      return query('positions', 'positions', args);
    },
    draw,
  });
  const own: HTMLElement = el(
    'section',
    { class: 'card positions-card', 'aria-label': t('Positions of this model') },
    el('div', { class: 'card-head' }, title),
    pair,
    sentence,
    toRotated.root,
    controls,
    asked.notice,
    rotary.root,
    tables.root,
    alibiBox,
  );

  const formula = createSinusoidCard(context);
  const root = el('div', { class: 'positions-view' }, own, formula.root);

  function draw(view: PositionView, { shown, settings, theme }: ViewState): void {
    if (shown === null) return;
    rotary.root.hidden = view.kind !== 'rotary';
    tables.root.hidden = view.kind !== 'learned' && view.kind !== 'sinusoidal';
    alibiBox.hidden = view.kind !== 'alibi';
    if (view.kind === 'rotary') rotary.show(view, shown.explanation, { settings, theme });
    if (view.kind === 'learned' || view.kind === 'sinusoidal') tables.show(view.table, theme);
    if (view.kind === 'alibi' && alibi.width() > 0 && alibiChanged(view, settings.head, alibi.width(), theme)) {
      alibi.draw(alibiFigure(view.bias, view.slopes.length, view.query, settings.head, alibi.width(), theme));
      slopes.textContent = t(
        'Slope of head {0}: {1} for each token between. Strong: this head; the others beside it.',
        settings.head,
        significant(at(view.slopes, settings.head), 5),
      );
    }
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      const { model } = shown.explanation;
      const labels = tokenLabels(shown.explanation);
      const pairwise = model.positions === 'rotary' || model.positions === 'alibi';
      drawInto(title, [
        t('Positions of this model: {0}', kindName(model.positions)),
        ...(pairwise ? layerNotes(model, settings.layer) : []).map(besideTemplate),
      ]);
      drawInto(pair, pairTemplate(labels, settings));
      const still = isUnrotated(model, settings.layer);
      sentence.textContent = still ? stillSentence(model, settings.layer) : kindSentence(model);
      toRotated.update(still, model, settings.layer);
      controls.hidden = !pairwise;
      pair.hidden = key.root.hidden = model.positions !== 'rotary' || still;
      head.root.hidden = still;
      layer.set(settings.layer, integer(settings.layer), model.layers - 1);
      head.set(settings.head, integer(settings.head), model.heads - 1);
      key.set(keyOf(settings), `${labels[keyOf(settings)] ?? ''} (${integer(keyOf(settings))})`, settings.selected);
      formula.update(state);
      asked.update(state, shown, settings.layer, settings.head, settings.selected, keyOf(settings));
    },
  };
}

/** What is saved of the figure of ALiBi; null: the positions are others. */
function savedBias(view: PositionView | undefined): FigureData | null {
  return view?.kind === 'alibi' ? biasNumbers(view.bias, view.slopes.length, view.query) : null;
}

/** The way from a layer that rotates nothing to the nearest that does, where there is one. */
function createRotatedLink(goTo: (layer: number) => void): {
  readonly root: HTMLElement;
  readonly update: (isStill: boolean, model: ModelInfo, layer: number) => void;
} {
  const root = el('p');
  const changed = changeDetector();
  return {
    root,
    update: (still, model, layer) => {
      const rotated = nearestRotated(model, layer);
      root.hidden = !still || rotated === layer;
      if (changed(rotated)) root.replaceChildren(button(t('Show layer {0}', rotated), 'link', () => goTo(rotated)));
    },
  };
}

/** Key whose rotation is compared with that of the selected query. */
function keyOf({ selected, positionKey }: Settings): number {
  return Math.min(positionKey ?? Math.max(0, selected - 1), selected);
}

/** The query and the key whose rotations are compared, and how far apart they are. */
function pairTemplate(labels: readonly string[], settings: Settings): TemplateResult {
  const [query, key] = [settings.selected, keyOf(settings)];
  const distance = html`<span class="muted">${t('distance {0}', integer(query - key))}</span>`;
  return html`${t('Query')} ${chipTemplate(labels[query] ?? '')} ${integer(query)} · ${t('Key')} ${chipTemplate(labels[key] ?? '')}
  ${integer(key)} · ${distance}`;
}

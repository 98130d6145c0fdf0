import { CancelledError } from '../../src/core/errors.ts';
import { positionTable, sampledIndices, sinusoidalTable, type PositionTable, type PositionView } from '../../src/core/positions.ts';
import { at } from '../../src/core/tensor.ts';
import { slider } from '../controls.ts';
import { failureNotice, tokenLabels, whileBusy, type PanelContext, type View } from '../context.ts';
import { changeDetector, el } from '../dom.ts';
import { alibiFigure } from '../figures/positionFigures.ts';
import { integer, significant } from '../format.ts';
import { createPlot } from '../plot.ts';
import type { Settings } from '../settings.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { layerNotes } from './layerNotes.ts';
import { createPositionTables } from './positionTables.ts';
import { createRotaryPositions } from './rotaryPositions.ts';

/** Rows of the formula's table that are shown at most. */
const MAX_POSITIONS = 256;

/** How this model tells positions apart, with this text's numbers; beside it the sinusoids of the first transformer. */
export function createPositions(context: PanelContext): View {
  const { store, host } = context;
  const change = (settings: Partial<Settings>): void => store.dispatch({ type: 'settings', change: settings });
  const title = el('h2');
  const pair = el('p', { class: 'position-pair' });
  const sentence = el('p');
  const layer = slider(t('Layer'), 0, 0, 1, (value) => change({ layer: value }));
  const head = slider(t('Head'), 0, 0, 1, (value) => change({ head: value }));
  const key = slider(t('Key'), 0, 0, 1, (value) => change({ positionKey: value }));
  const controls = el('div', { class: 'walk-controls' }, layer.root, head.root, key.root);
  const notice = el('div');
  const rotary = createRotaryPositions(context);
  const tables = createPositionTables(context);
  const alibi = createPlot(t('What ALiBi takes from the score of each head by distance'), {
    hover: (point, event) => {
      if (point === null || event === null || point.custom === undefined) return context.tooltip.hide();
      context.tooltip.show({ title: significant(point.y, 6), rows: [[t('Head'), integer(point.custom)], [t('Tokens between'), integer(point.x)]] }, event.clientX, event.clientY);
    },
    click: (point) => {
      if (point.custom !== undefined) change({ head: point.custom });
    },
    resized: () => render(store.state()),
  });
  const slopes = el('p', { class: 'caption' });
  const alibiBox = el('section', { class: 'position-figure', 'aria-label': 'ALiBi' }, alibi.root, slopes);
  const own = el('section', { class: 'card positions-card', 'aria-label': t('Positions of this model') }, el('div', { class: 'card-head' }, title), pair, sentence, controls, notice, rotary.root, tables.root, alibiBox);

  const length = slider(t('Number of positions'), 2, 512, 1, (value) => change({ sinusoidLength: value }));
  const dim = slider(t('Dimensions'), 2, 512, 2, (value) => change({ sinusoidDim: value }));
  const formulaTables = createPositionTables(context);
  const formula = el('section', { class: 'card positions-card', 'aria-label': t('Sinusoidal positions') },
    el('div', { class: 'card-head' }, el('h2', {}, t('For comparison: sinusoidal positions')), el('span', { class: 'badge' }, t('formula, not this model'))),
    el('p', {}, t('“Attention Is All You Need” added sines and cosines of falling frequency to the embedding. These numbers are of its formula.')),
    el('p', { class: 'step-line-formula' }, 'P[p, 2i] = sin(p / 10000^(2i/d)),  P[p, 2i+1] = cos(p / 10000^(2i/d))'),
    el('div', { class: 'walk-controls' }, length.root, dim.root), formulaTables.root);
  const root = el('div', { class: 'positions-view' }, own, formula);

  let view: PositionView | undefined;
  let sinusoids: PositionTable | undefined;
  const asked = changeDetector();
  const formulaChanged = changeDetector();
  const alibiChanged = changeDetector();

  const keyOf = ({ selected, positionKey }: Settings): number => Math.min(positionKey ?? Math.max(0, selected - 1), selected);

  async function load(settings: Settings, kind: string): Promise<void> {
    try {
      // A table is the model's own, whichever head is looked at.
      const fixed = kind === 'learned' || kind === 'sinusoidal' || kind === 'none';
      const args = fixed ? { layer: 0, head: 0, query: 0, key: 0 } : { layer: settings.layer, head: settings.head, query: settings.selected, key: keyOf(settings) };
      view = await whileBusy(own, host.query('positions', 'positions', args));
      notice.replaceChildren();
      render(store.state());
    } catch (error) {
      if (error instanceof CancelledError) return;
      // The figures are of another layer than the slider says.
      view = undefined;
      for (const part of [rotary.root, tables.root, alibiBox]) part.hidden = true;
      failureNotice(notice, error);
    }
  }

  function render({ shown, settings, theme }: ViewState): void {
    if (shown === null) return;
    if (sinusoids === undefined || formulaChanged(settings.sinusoidDim, settings.sinusoidLength)) {
      const positions = sampledIndices(settings.sinusoidLength, MAX_POSITIONS);
      sinusoids = positionTable(sinusoidalTable(positions, settings.sinusoidDim), positions, settings.sinusoidLength, 512);
    }
    formulaTables.show(sinusoids, theme);
    if (view === undefined) return;
    rotary.root.hidden = view.kind !== 'rotary';
    tables.root.hidden = view.kind !== 'learned' && view.kind !== 'sinusoidal';
    alibiBox.hidden = view.kind !== 'alibi';
    if (view.kind === 'notTurned') sentence.textContent = t('This layer has no positions: its queries and keys are not turned. Other layers of this model turn theirs.');
    if (view.kind === 'rotary') rotary.show(view, shown.explanation, theme);
    if (view.kind === 'learned' || view.kind === 'sinusoidal') tables.show(view.table, theme);
    if (view.kind === 'alibi' && alibi.width() > 0 && alibiChanged(view, settings.head, alibi.width(), theme)) {
      alibi.draw(alibiFigure(view.bias, view.slopes.length, view.query, settings.head, alibi.width(), theme));
      slopes.textContent = t('Slope of head {0}: {1} for each token between. Strong: this head; the others beside it.', settings.head, significant(at(view.slopes, settings.head), 5));
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
      title.replaceChildren(t('Positions of this model: {0}', kindName(model.positions)), ...(pairwise ? layerNotes(model, settings.layer) : []).map((note) => el('span', { class: 'beside' }, note)));
      pair.hidden = model.positions !== 'rotary';
      pair.replaceChildren(`${t('Query')} `, el('span', { class: 'token-text chip' }, labels[settings.selected] ?? ''), ` ${integer(settings.selected)}  ·  ${t('Key')} `, el('span', { class: 'token-text chip' }, labels[keyOf(settings)] ?? ''), ` ${integer(keyOf(settings))}  ·  `, el('span', { class: 'muted' }, t('distance {0}', integer(settings.selected - keyOf(settings)))));
      sentence.textContent = kindSentence(model.positions);
      controls.hidden = !pairwise;
      key.root.hidden = model.positions !== 'rotary';
      layer.set(settings.layer, integer(settings.layer), model.layers - 1);
      head.set(settings.head, integer(settings.head), model.heads - 1);
      key.set(keyOf(settings), `${labels[keyOf(settings)] ?? ''} (${integer(keyOf(settings))})`, settings.selected);
      length.set(settings.sinusoidLength, integer(settings.sinusoidLength));
      dim.set(settings.sinusoidDim, integer(settings.sinusoidDim));
      if (asked(shown, settings.layer, settings.head, settings.selected, keyOf(settings))) void load(settings, model.positions);
      render(state);
    },
  };
}

type Kind = Extract<PositionView['kind'], 'learned' | 'sinusoidal' | 'alibi' | 'none' | 'rotary'>;

function kindName(kind: Kind): string {
  return { learned: t('learned'), sinusoidal: t('sinusoidal'), alibi: 'ALiBi', none: t('none'), rotary: t('rotary') }[kind];
}

function kindSentence(kind: Kind): string {
  const sentences: Readonly<Record<Kind, string>> = {
    learned: t('Each position has a vector of its own, learned in training and added to the embedding.'),
    sinusoidal: t('Each position has a vector of sines and cosines, made by a formula of this model and added to the embedding.'),
    alibi: t('Nothing is added to the vectors: every score is lowered by the distance between query and key, by a slope of each head.'),
    none: t('This model adds and turns nothing: it knows the order of tokens by the causal mask alone.'),
    rotary: t('Pairs of numbers of each query and key are turned by an angle that grows with the position, so that their product depends on how far apart the two tokens are.'),
  };
  return sentences[kind];
}

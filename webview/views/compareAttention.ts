import { headShades } from '../../src/core/attention.ts';
import { CancelledError } from '../../src/core/errors.ts';
import { at } from '../../src/core/tensor.ts';
import type { AttentionMap, AttentionPicture } from '../../src/core/trace.ts';
import { failureNotice, selectToken, tokenLabels, whileBusy, type PanelContext } from '../context.ts';
import { gradientLegend, slider } from '../controls.ts';
import { changeDetector, el } from '../dom.ts';
import { attentionMapFigure, attentionShades, strongestWeight, type Shades } from '../figures/attentionMap.ts';
import { attentionDifference, differenceFigure, largestDifference, pairedTokens } from '../figures/comparison.ts';
import { percent, significant } from '../format.ts';
import { createPlot, type Plot, type PlotPoint } from '../plot.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { divergingColours, gradient } from '../theme.ts';
import type { Compared, ComparePart } from './compare.ts';

/** A head's exact weights, and their picture. */
type DrawnMap = AttentionMap & AttentionPicture;

interface Maps {
  readonly first: DrawnMap;
  readonly second: DrawnMap;
  readonly shades: readonly [Shades, Shades];
  readonly pairs: readonly (readonly [number, number])[];
  readonly difference: readonly (readonly (number | null)[])[];
}

/** The same head on both sides, and on the tokens that both have the difference. */
export function createCompareAttention(context: PanelContext): ComparePart {
  const { store, host } = context;
  const layer = slider(t('Layer'), 0, 0, 1, (value) => store.dispatch({ type: 'settings', change: { layer: value } }));
  const head = slider(t('Head'), 0, 0, 1, (value) => store.dispatch({ type: 'settings', change: { head: value } }));
  const notice = el('p', { class: 'caption' });
  const titles = [el('h3'), el('h3'), el('h3')] as const;
  const legend = gradientLegend();
  const side = (label: string, index: 0 | 1 | 2): Plot => createPlot(label, { hover: (point, event) => hover(index, point, event), click: (point) => pick(index, point), resized: () => draw(store.state()) });
  const plots = [side(t('Attention, first side'), 0), side(t('Attention, second side'), 1), side(t('Difference of attention'), 2)] as const;
  const difference = el('div', { class: 'map-side' }, titles[2], plots[2].root, legend.root);
  const maps = el('div', { class: 'maps' }, el('div', { class: 'map-side' }, titles[0], plots[0].root), el('div', { class: 'map-side' }, titles[1], plots[1].root), difference);
  const root = el('section', { class: 'card', 'aria-label': t('Attention of both sides') }, el('h2', {}, t('Attention of the same head')), el('div', { class: 'two-columns' }, layer.root, head.root), maps, notice);
  let compared: Compared | null = null;
  let loaded: Maps | null = null;
  const asked = changeDetector();
  const drawn = changeDetector();

  function labelsOf(index: 0 | 1): readonly string[] {
    const explanation = index === 0 ? compared?.first : compared?.comparison.explanation;
    return explanation === undefined ? [] : tokenLabels(explanation);
  }
  function hover(index: 0 | 1 | 2, point: PlotPoint | null, event: MouseEvent | null): void {
    if (point === null || event === null || loaded === null || point.x > point.y) return context.tooltip.hide();
    const [query, key] = index === 2 ? [loaded.pairs[point.y], loaded.pairs[point.x]] : [undefined, undefined];
    const own = labelsOf(index === 1 ? 1 : 0);
    const [q, k] = index === 2 ? [query?.[0] ?? 0, key?.[0] ?? 0] : [point.y, point.x];
    const first = index === 1 ? Number.NaN : at(loaded.first.weights, q * own.length + k);
    const others = labelsOf(1).length;
    const second = index === 0 ? Number.NaN : index === 1 ? at(loaded.second.weights, q * others + k) : at(loaded.second.weights, (query?.[1] ?? 0) * others + (key?.[1] ?? 0));
    const weights: readonly (readonly [string, string])[] = [...(Number.isNaN(first) ? [] : [[t('First'), percent(first)] as const]), ...(Number.isNaN(second) ? [] : [[t('Second'), percent(second)] as const])];
    context.tooltip.show({ title: significant(index === 2 ? second - first : index === 1 ? second : first, 5), rows: [[t('Query'), `${own[q] ?? ''}  (${q})`], [t('Key'), `${own[k] ?? ''}  (${k})`], ...weights] }, event.clientX, event.clientY);
  }
  function pick(index: 0 | 1 | 2, point: PlotPoint): void {
    const token = index === 0 ? point.y : index === 2 ? loaded?.pairs[point.y]?.[0] : loaded?.pairs.find(([, b]) => b === point.y)?.[0];
    if (token !== undefined) selectToken(context, token);
  }

  async function load(now: Compared, wanted: { readonly layer: number; readonly head: number }): Promise<void> {
    try {
      const [exactFirst, exactSecond] = await whileBusy(root, Promise.all([host.query('compareFirst', 'attention', wanted), host.query('compareSecond', 'attention', wanted, 'second')]));
      const counts = [now.first.tokens.length, now.comparison.explanation.tokens.length] as const;
      const [first, second] = [withPicture(exactFirst, counts[0]), withPicture(exactSecond, counts[1])];
      const pairs = pairedTokens(now.rows);
      loaded = { first, second, pairs, shades: [attentionShades(first, counts[0], false, false), attentionShades(second, counts[1], false, false)], difference: attentionDifference(first.weights, counts[0], second.weights, counts[1], pairs) };
      maps.hidden = false;
      notice.textContent = note(now, pairs.length);
      draw(store.state());
    } catch (error) {
      if (error instanceof CancelledError) return;
      loaded = null;
      maps.hidden = true;
      failureNotice(notice, error);
    }
  }

  function draw({ settings, theme }: ViewState): void {
    const width = plots[0].width();
    if (compared === null || loaded === null || width === 0 || !drawn(loaded, settings.selected, width, theme)) return;
    const { first, second, shades, pairs } = loaded;
    const place = pairs.findIndex(([a]) => a === settings.selected);
    const selected = [settings.selected, pairs[place]?.[1] ?? 0] as const;
    [first, second].forEach((map, index) => {
      const labels = labelsOf(index === 0 ? 0 : 1);
      plots[index === 0 ? 0 : 1].draw(attentionMapFigure(shades[index === 0 ? 0 : 1], { labels, hideFirst: false, logScale: false, locked: null, selected: selected[index === 0 ? 0 : 1], width, sink: map.sink !== undefined }, theme));
      titles[index === 0 ? 0 : 1].textContent = t('{0}: up to {1}', index === 0 ? t('First') : t('Second'), percent(strongestWeight(map, labels.length, false, false)));
    });
    difference.hidden = pairs.length < 2;
    if (pairs.length < 2) return;
    const most = largestDifference(loaded.difference);
    titles[2].textContent = t('Second less first');
    const own = labelsOf(0);
    plots[2].draw(differenceFigure(loaded.difference, pairs.map(([a]) => own[a] ?? ''), place, plots[2].width() || width, theme));
    legend.set(gradient(divergingColours(theme)), t('first: {0} more', percent(most)), t('second: {0} more', percent(most)));
  }

  return {
    root,
    update: (state, now) => {
      compared = now;
      const [a, b] = [now.first.model, now.comparison.explanation.model];
      const last = { layer: Math.min(a.layers, b.layers) - 1, head: Math.min(a.heads, b.heads) - 1 };
      const wanted = { layer: Math.min(state.settings.layer, last.layer), head: Math.min(state.settings.head, last.head) };
      layer.set(wanted.layer, String(wanted.layer), last.layer);
      head.set(wanted.head, String(wanted.head), last.head);
      if (asked(now, wanted.layer, wanted.head)) void load(now, wanted);
      else draw(state);
    },
  };
}

function withPicture(map: AttentionMap, tokens: number): DrawnMap {
  return { ...map, ...headShades(map.weights, tokens) };
}

function note({ first, comparison: { kind, explanation } }: Compared, pairs: number): string {
  const tokens = Math.min(first.tokens.length, explanation.tokens.length);
  const shared = pairs < 2 ? t('The sides share too few tokens for a difference.') : pairs < Math.max(first.tokens.length, explanation.tokens.length) ? t('The difference is drawn on the {0} tokens that both sides have; what a row gives to others is left out of it.', pairs) : '';
  const heads = kind === 'model' && (first.model.layers !== explanation.model.layers || first.model.heads !== explanation.model.heads) ? t('The models have different layers and heads: the same number is not the same head.') : '';
  return tokens === 0 ? '' : [shared, heads].filter((sentence) => sentence !== '').join(' ');
}

import type { GenerationStep } from '../../src/core/generation.ts';
import { at } from '../../src/core/tensor.ts';
import { css } from '../colour.ts';
import type { PanelContext, View } from '../context.ts';
import { changeDetector, el } from '../dom.ts';
import { stepTimesFigure } from '../figures/stepTimes.ts';
import { byteSize, decimal, integer } from '../format.ts';
import { pathTo } from '../generation.ts';
import { createPlot } from '../plot.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';

/** The chart is drawn anew at most so often while tokens are written. */
const REDRAW_MS = 400;

/** Prefill and decode, and the cache of keys and values, of the branch shown. */
export function createStepFacts(context: PanelContext): View {
  const speed = el('dl', { class: 'effect first' });
  const cache = el('dl', { class: 'effect' });
  const layers = el('div', { class: 'cache-layers' });
  const swatch = (): HTMLElement => el('span', { class: 'swatch', 'aria-hidden': 'true' });
  const [decode, prefill, rest] = [swatch(), swatch(), swatch()];
  const legend = el('p', { class: 'caption chart-legend' }, decode, t('one token run'), prefill, t('several at once'), rest, t('logits and draw'));
  let branch: readonly (GenerationStep | null)[] = [];
  const plot = createPlot(t('Milliseconds of each step'), {
    resized: () => chart(context.store.state()),
    hover: (point, event) => {
      const step = point?.custom === undefined ? null : (branch[point.custom] ?? null);
      if (point === null || event === null || step === null) return context.tooltip.hide();
      context.tooltip.show({ title: t('Step {0}', integer(point.x)), rows: timeRows(step) }, event.clientX, event.clientY);
    },
    click: ({ custom }) => {
      const { tree } = context.store.state().generation;
      const index = custom === undefined ? undefined : pathTo(tree, tree.end)[custom];
      if (index !== undefined) context.store.dispatch({ type: 'selectGenerated', index });
    },
  });
  const root = el('section', { class: 'card step-facts', 'aria-label': t('Time and memory') }, el('h2', {}, t('Time and memory')), speed, plot.root, legend, cache, layers);
  const changed = changeDetector();
  const drawn = changeDetector();
  let last = 0;
  let later: ReturnType<typeof setTimeout> | undefined;

  const chart = ({ generation: { tree }, theme }: ViewState): void => {
    const width = plot.width();
    if (width === 0 || !drawn(branch, tree.selected, theme, width)) return;
    last = performance.now();
    decode.style.background = css(theme.accent);
    prefill.style.background = css(theme.warm);
    rest.style.background = css(theme.muted);
    const times = branch.map((step) => (step === null ? null : { run: step.reading.run, runMs: step.reading.runMs, stepMs: step.reading.stepMs }));
    plot.draw(stepTimesFigure(times, { selected: pathTo(tree, tree.end).indexOf(tree.selected), width }, theme));
  };

  return {
    root,
    update: (state) => {
      const { shown, generation: { tree, running } } = state;
      root.hidden = tree.tokens.length === 0;
      if (shown === null || root.hidden) return;
      if (changed(shown, tree)) {
        branch = pathTo(tree, tree.end).map((index) => tree.tokens[index]?.step ?? null);
        const selected = tree.tokens[tree.selected]?.step ?? branch.findLast((step) => step !== null) ?? null;
        speed.replaceChildren(...lines(speedLines(state, branch)));
        cache.replaceChildren(...lines(selected === null ? [] : cacheLines(selected)));
        layers.replaceChildren(...(selected === null ? [] : layerBars(selected)));
      }
      clearTimeout(later);
      const wait = running ? REDRAW_MS - (performance.now() - last) : 0;
      if (wait <= 0) chart(state);
      else later = setTimeout(() => chart(context.store.state()), wait);
    },
  };
}

type Line = readonly [label: string, value: string];

/** The prompt was read at once: by the explanation, whose keys and values are used, or by the first step. */
function speedLines({ shown }: ViewState, branch: readonly (GenerationStep | null)[]): readonly Line[] {
  const known = branch.filter((step) => step !== null);
  const first = branch[0] ?? null;
  const prompt = shown?.explanation.tokens.length ?? 0;
  const prefill: Line = first !== null && first.reading.run > 1
    ? [t('Prefill'), t('{0} tokens at once, {1} ms', integer(first.reading.run), decimal(first.reading.runMs, 1))]
    : [t('Prefill'), t('{0} tokens at once, {1} ms, by the explanation', integer(prompt), decimal(shown?.explanation.forwardMs ?? Number.NaN, 1))];
  const decoded = known.filter((step) => step.reading.run === 1);
  const total = decoded.reduce((sum, step) => sum + step.reading.stepMs, 0);
  if (decoded.length === 0) return [prefill];
  const again = known.filter((step) => step.reading.run > 1 && step !== first);
  return [
    prefill,
    [t('Decode'), t('{0} tokens one by one, {1} ms each', integer(decoded.length), decimal(total / decoded.length, 1))],
    [t('Speed of decoding'), t('{0} tokens/s', decimal((1000 * decoded.length) / total, 1))],
    ...(again.length === 0 ? [] : [[t('Read again'), t('{0} tokens, after going back', integer(again.reduce((sum, step) => sum + step.reading.run, 0)))] as const]),
  ];
}

function timeRows({ reading }: GenerationStep): readonly Line[] {
  return [
    [t('Tokens run'), integer(reading.run)],
    [t('Tokens known'), integer(reading.known)],
    [t('Running them'), t('{0} ms', decimal(reading.runMs, 1))],
    [t('The whole step'), t('{0} ms', decimal(reading.stepMs, 1))],
    ...(reading.reread ? [[t('Read anew'), t('the rotary frequencies depend on the length')] as const] : []),
  ];
}

function cacheLines(step: GenerationStep): readonly Line[] {
  const { positions, bytes, bytesPerLayer } = step.cache;
  return [
    [t('Keys and values held'), t('{0} positions × {1} layers', integer(positions), integer(bytesPerLayer.length))],
    [t('In all'), byteSize(bytes)],
    [t('A token more'), byteSize(bytes / Math.max(1, positions))],
    [t('This step'), t('{0} run, {1} known', integer(step.reading.run), integer(step.reading.known))],
  ];
}

function layerBars({ cache: { bytesPerLayer } }: GenerationStep): readonly HTMLElement[] {
  const largest = Math.max(...bytesPerLayer, 1);
  return bytesPerLayer.map((_, layer) => {
    const bytes = at(bytesPerLayer, layer);
    const bar = el('span', { class: 'cache-bar', 'aria-hidden': 'true' });
    bar.style.setProperty('--share', (bytes / largest).toFixed(3));
    return el('div', { class: 'cache-layer' }, el('span', { class: 'cache-name' }, t('Layer {0}', layer)), bar, el('span', { class: 'number' }, byteSize(bytes)));
  });
}

function lines(all: readonly Line[]): readonly HTMLElement[] {
  return all.map(([label, value]) => el('div', {}, el('dt', {}, label), el('dd', {}, value)));
}

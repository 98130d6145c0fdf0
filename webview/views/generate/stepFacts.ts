import { html, nothing, type TemplateResult } from 'lit-html';
import type { GenerationStep, Reading } from '../../../src/core/generation.ts';
import { at } from '../../../src/core/tensor.ts';
import type { Explanation, ModelInfo } from '../../../src/core/trace.ts';
import { css } from '../../colour.ts';
import type { PanelContext, View } from '../../context.ts';
import { stepTimes } from '../../figures/savedNumbers.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { foldout } from '../../parts/foldout.ts';
import { cacheParts } from '../../figures/cacheParts.ts';
import { stepTimesFigure } from '../../figures/stepTimes.ts';
import { byteSize, decimal, integer } from '../../parts/format.ts';
import { legendItem, legendRow, swatch } from '../../parts/legend.ts';
import { drawInto, factsTemplate } from '../../parts/templates.ts';
import { pathTo, type GeneratedToken } from '../../generation/generationTree.ts';
import { createPlot } from '../../plot.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';

/** Least milliseconds between redraws of the chart during generation. */
const REDRAW_MS = 400;

/** Times of prefill and decoding, and the size of the key-value cache, for the branch shown. */
export function createStepFacts(context: PanelContext): View {
  const speed = el('dl', { class: 'effect first' });
  const cache = el('dl', { class: 'effect' });
  const layers = el('div', { class: 'cache-layers' });
  const [decode, prefill, rest] = [swatch(), swatch(), swatch()];
  const legend = legendRow(
    legendItem(decode, t('one token run')),
    legendItem(prefill, t('several at once')),
    legendItem(rest, t('logits and draw')),
  );
  let branch: readonly (GenerationStep | null)[] = [];
  const plot = createPlot(t('Milliseconds of each step'), 'step-times', {
    data: () => (branch.length === 0 ? null : stepTimes(branch)),
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
  const title = t('Time and memory');
  const fold = foldout(context.store, 'timeMemory', 'facts-fold', [el('h2', {}, title)], speed, plot.root, legend, cache, layers);
  const root = el('section', { class: 'card step-facts', 'aria-label': title }, fold.root);
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
    const times = branch.map((step) =>
      step === null ? null : { run: step.reading.run, runMs: step.reading.runMs, stepMs: step.reading.stepMs },
    );
    plot.draw(stepTimesFigure(times, { selected: pathTo(tree, tree.end).indexOf(tree.selected), width }, theme));
  };

  return {
    root,
    update: (state) => {
      const {
        shown,
        generation: { tree, running },
      } = state;
      root.hidden = tree.tokens.length === 0;
      if (shown === null || root.hidden || !fold.set(state.settings)) return;
      if (changed(shown, tree)) {
        const path = pathTo(tree, tree.end).flatMap((index) => tree.tokens[index] ?? []);
        branch = path.map(({ step }) => step);
        const selected = tree.tokens[tree.selected]?.step ?? branch.findLast((step) => step !== null) ?? null;
        drawInto(speed, factsTemplate(speedLines(state, path)));
        drawInto(cache, factsTemplate(selected === null ? [] : cacheLines(selected, shown.explanation.model)));
        drawInto(layers, selected === null ? nothing : layerBars(selected));
      }
      clearTimeout(later);
      const wait = running ? REDRAW_MS - (performance.now() - last) : 0;
      if (wait <= 0) chart(state);
      else later = setTimeout(() => chart(context.store.state()), wait);
    },
  };
}

type Line = readonly [label: string, value: string];

/**
 * How the text before was prefilled, what was run for the tokens shown, and how fast they reached the screen. Steps answered from the cache
 * ran nothing.
 */
function speedLines({ shown }: ViewState, path: readonly GeneratedToken[]): readonly Line[] {
  const [first, ...later] = path.map(({ step }) => step?.reading ?? null);
  const rest = later.filter((reading) => reading !== null);
  const decoded = rest.filter(({ run }) => run === 1);
  const decodeMs = decoded.reduce((sum, { stepMs }) => sum + stepMs, 0);
  const kept = rest.filter(({ run }) => run === 0).length;
  const again = rest.filter(({ run }) => run > 1).reduce((sum, { run }) => sum + run, 0);
  const all: readonly (Line | null)[] = [
    first === null || first === undefined ? null : [t('Prefill'), prefill(first, shown?.explanation)],
    decoded.length === 0 ? null : [t('Decode'), decodeText(decoded.length, decodeMs)],
    kept === 0 ? null : [t('Kept'), readBefore(kept)],
    again === 0 ? null : [t('Read again'), t('{0} tokens, after going back', integer(again))],
    written(path),
  ];
  return all.filter((line) => line !== null);
}

function prefill({ run, runMs, known }: Reading, explained: Explanation | undefined): string {
  if (run === 1) return oneToken(runMs);
  if (run > 0) return t('{0} tokens at once, {1} ms', integer(run), decimal(runMs, 1));
  // Explaining ran a part of them alone.
  if (explained === undefined || explained.forwardShared !== undefined) return readBefore(known);
  if (known === 1) return t('1 token was kept and not run; explaining ran it in {0} ms', decimal(explained.forwardMs, 1));
  return t('{0} tokens were kept and not run; explaining ran them in {1} ms', integer(known), decimal(explained.forwardMs, 1));
}

function decodeText(count: number, ms: number): string {
  return count === 1 ? oneToken(ms) : t('{0} tokens one by one, {1} ms each', integer(count), decimal(ms / count, 1));
}

function oneToken(ms: number): string {
  return t('1 token, {0} ms', decimal(ms, 1));
}

function readBefore(count: number): string {
  return count === 1 ? t('1 token was read before and not run again') : t('{0} tokens were read before and not run again', integer(count));
}

/** Time per token as the user sees it: from the request to the token on screen, including messages and drawing. */
function written(path: readonly GeneratedToken[]): Line | null {
  const times = path.flatMap(({ wroteMs }) => wroteMs ?? []);
  const ms = times.reduce((sum, time) => sum + time, 0);
  if (ms === 0) return null;
  const [rate, seconds] = [decimal((1000 * times.length) / ms, 1), decimal(ms / 1000, 2)];
  const speed =
    times.length === 1
      ? t('{0} tokens/s: 1 token in {1} s', rate, seconds)
      : t('{0} tokens/s: {1} tokens in {2} s', rate, integer(times.length), seconds);
  return [t('Speed on screen'), times.length === path.length ? speed : `${speed} ${t('(of {0} shown)', integer(path.length))}`];
}

function timeRows({ reading }: GenerationStep): readonly Line[] {
  return [
    [t('Tokens run'), integer(reading.run)],
    [t('Tokens known'), integer(reading.known)],
    [t('Running them'), reading.run === 0 ? t('nothing was run: all were kept') : t('{0} ms', decimal(reading.runMs, 1))],
    [t('The whole step'), t('{0} ms', decimal(reading.stepMs, 1))],
    ...(reading.reread ? [[t('Read anew'), t('the rotary frequencies depend on the length')] as const] : []),
  ];
}

function cacheLines(step: GenerationStep, model: ModelInfo): readonly Line[] {
  const { positions, bytes } = step.cache;
  const { growing, tokenBytes, states, stateBytes } = cacheParts(step.cache, model);
  return [
    [t('Keys and values held'), t('{0} positions × {1} layers', integer(positions), integer(growing))],
    ...(states === 0 ? [] : [[t('States of a fixed size'), t('{0} in {1} layers', byteSize(stateBytes), integer(states))] as const]),
    [t('In all'), byteSize(bytes)],
    [t('A token more'), byteSize(tokenBytes)],
    [t('This step'), t('{0} run, {1} known', integer(step.reading.run), integer(step.reading.known))],
  ];
}

function layerBars({ cache: { bytesPerLayer } }: GenerationStep): readonly TemplateResult[] {
  const largest = Math.max(...bytesPerLayer, 1);
  return bytesPerLayer.map((_, layer) => {
    const bytes = at(bytesPerLayer, layer);
    return html`<div class="cache-layer">
      <span class="cache-name">${t('Layer {0}', layer)}</span>
      <span class="cache-bar" aria-hidden="true" style="--share: ${(bytes / largest).toFixed(3)}"></span>
      <span class="number">${byteSize(bytes)}</span>
    </div>`;
  });
}

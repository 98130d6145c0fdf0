import { REPEATED_SCORES, REPEATED_SEQUENCES, type RepeatedHeads } from '../../../src/core/repeatedTokens.ts';
import { HEAD_METRICS } from '../../../src/core/headMetrics.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { segmented } from '../../parts/controls.ts';
import type { PanelContext, View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { bestHead, headsOfRepeated, headsOfText, isFew, type HeadNumbers, type HeadScore } from '../../figures/heads.ts';
import { bits, integer, percent } from '../../parts/format.ts';
import { createHeadChoice } from '../../parts/headChoice.ts';
import { createHeadSwitch } from '../../parts/headSwitch.ts';
import { recurrenceName } from '../../parts/layerNotes.ts';
import { gradientLegend, legendItem, legendRow, lineSign } from '../../parts/legend.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { gradient } from '../../theme.ts';
import { barText, samplesSentence, samplesText, scoreTexts, scoreValue } from './headTexts.ts';
import { measureHeads } from './measureHeads.ts';
import { createOverviewCanvas } from './overviewCanvas.ts';
import { createRepeatedScoring } from './repeatedHeads.ts';

/**
 * All heads of all layers on one canvas, each with the chosen score, of this text or of repeated random tokens. A click or the arrow keys
 * choose a head; `pointed` is called with a head that the pointer reaches, `measuring` with the measuring of all heads.
 */
export function createHeadOverview(
  context: PanelContext,
  pointed: (layer: number, head: number) => void,
  measuring: (all: Promise<unknown>) => void,
): View {
  const texts = scoreTexts();
  const choose = (layer: number, head: number): void => context.store.dispatch({ type: 'settings', change: { layer, head, locked: null } });
  const change = (settings: Partial<ViewState['settings']>): void => context.store.dispatch({ type: 'settings', change: settings });
  const choices = {
    text: segmented(
      t('Number under each head'),
      HEAD_METRICS.map((name) => [name, texts[name].name] as const),
      (metric) => change({ metric }),
    ),
    repeated: segmented(
      t('Number under each head'),
      REPEATED_SCORES.map((name) => [name, texts[name].name] as const),
      (repeatedScore) => change({ repeatedScore }),
    ),
  };
  const scoring = createRepeatedScoring(context, () => change({ headsOn: 'repeated' }));
  const measuredOn = segmented<'text' | 'repeated'>(
    t('Measured on'),
    [
      ['text', t('This text')],
      ['repeated', t('Repeated random tokens')],
    ],
    (headsOn) => change({ headsOn }),
    true,
  );
  const legend = gradientLegend();
  const without = legendItem(null, t('–: a layer without attention weights.'));
  without.hidden = true;
  const bar = el('span');
  const legends = legendRow(
    legend.root,
    legendItem(null, t('Each square: its strongest weight.')),
    without,
    legendItem(lineSign('score'), bar),
  );
  const meaning = el('p', { class: 'caption' });
  const best = el('div', { class: 'best-heads', role: 'group', 'aria-label': t('Heads that stand out') });
  const canvas = createOverviewCanvas(context, { choose, pointed });
  const headName = el('span', {});
  const headSwitch = createHeadSwitch(context);
  const headChoice = createHeadChoice(context);
  const menu = el(
    'div',
    { class: 'toolbar', role: 'group', 'aria-label': t('The chosen head') },
    headName,
    headSwitch.root,
    headChoice.root,
  );
  /** How far the measuring has come; nothing before and after. */
  const progress = el('p', { class: 'axis-note', role: 'status', hidden: true });
  const asked = measureHeads(context, () => canvas.root, measuring);
  const root = el(
    'section',
    { class: 'card overview', 'aria-label': t('All heads') },
    el('h2', {}, t('All heads')),
    scoring.root,
    measuredOn.root,
    choices.text.root,
    choices.repeated.root,
    meaning,
    asked.notice,
    progress,
    canvas.root,
    menu,
    legends,
    best,
  );
  const bestChanged = changeDetector();
  const numbersChanged = changeDetector();
  let numbers: HeadNumbers | undefined;

  const repeatedOf = ({ shown }: ViewState): RepeatedHeads | undefined => (shown === null ? undefined : scoring.result(shown.explanation));
  /** Whether the scores shown are those on repeated tokens: only once these have been computed. */
  const onRepeated = (state: ViewState): boolean => state.settings.headsOn === 'repeated' && repeatedOf(state) !== undefined;
  const scoreOf = (state: ViewState): HeadScore => (onRepeated(state) ? state.settings.repeatedScore : state.settings.metric);

  return {
    root,
    update: (state) => {
      const { shown, settings, theme } = state;
      if (shown === null) return;
      asked.update(state, shown);
      scoring.update(shown.explanation);
      const repeated = repeatedOf(state);
      const random = onRepeated(state);
      const score = scoreOf(state);
      if (numbersChanged(shown, state.heads, repeated, random))
        numbers =
          random && repeated !== undefined ? headsOfRepeated(shown.explanation, repeated) : headsOfText(shown.explanation, state.heads);
      const of = numbers;
      if (of === undefined) return;
      progress.hidden = of.known === of.layers || state.heads?.failed === true;
      progress.textContent = t('Heads of {0} of {1} layers are measured.', of.known, of.layers);
      measuredOn.root.hidden = repeated === undefined;
      measuredOn.set(random ? 'repeated' : 'text');
      choices.text.root.hidden = random;
      choices.repeated.root.hidden = !random;
      choices.text.set(settings.metric);
      choices.repeated.set(settings.repeatedScore);
      meaning.textContent = meaningOf(of, score, random ? repeated : undefined);
      legend.set(gradient(theme.sequential), percent(0), percent(1));
      bar.textContent = barText(score);
      headName.textContent = chosenName(shown.explanation.model, settings);
      headSwitch.root.hidden = headChoice.root.hidden = of.without.has(settings.layer);
      without.hidden = of.without.size === 0;
      headSwitch.show(settings.layer, settings.head, state);
      headChoice.show(settings.layer, settings.head, state);
      canvas.show(of, score, state);
      // The best of some of the heads may not be the best of all.
      best.hidden = of.known < of.layers;
      if (bestChanged(of, settings.layer, settings.head)) best.replaceChildren(...bestLinks(of, settings, choose));
    },
  };
}

/** What a score means, and what it is measured on. */
function meaningOf(of: HeadNumbers, score: HeadScore, repeated: RepeatedHeads | undefined): string {
  const samples = repeated === undefined ? samplesSentence(of, score) : repeatedSentence(repeated);
  return `${scoreTexts()[score].meaning} ${samples}`;
}

/** The chosen head, or the layer where that has none with attention weights. */
function chosenName({ traits }: ModelInfo, { layer, head }: ViewState['settings']): string {
  const recurrence = traits?.layers[layer]?.recurrence;
  return recurrence === undefined ? t('Layer {0}, head {1}', layer, head) : t('Layer {0}: {1}', layer, recurrenceName(recurrence.kind));
}

/** Links to the best head by each score. */
function bestLinks(
  of: HeadNumbers,
  { layer, head }: ViewState['settings'],
  choose: (layer: number, head: number) => void,
): readonly HTMLElement[] {
  const texts = scoreTexts();
  return of.scores.flatMap((name) => {
    const found = bestHead(of, name);
    if (found === undefined) return [];
    const chosen = found.layer === layer && found.head === head;
    const link = el(
      'button',
      {
        type: 'button',
        class: isFew(of, name) ? 'best-head few' : 'best-head',
        title: samplesSentence(of, name),
        'aria-pressed': chosen ? 'true' : 'false',
      },
      el('span', { class: 'best-name' }, texts[name].best ?? texts[name].name),
      el('span', { class: 'best-place' }, `L${found.layer} H${found.head}`),
      el('span', { class: 'best-value' }, scoreValue(found.value, name)),
      el('span', { class: 'samples' }, samplesText(of, name)),
    );
    link.addEventListener('click', () => choose(found.layer, found.head));
    return [link];
  });
}

/** Sentence on how well the model predicts the repeated tokens. */
function repeatedSentence({ tokens, firstBits, secondBits }: RepeatedHeads): string {
  return t(
    '{0} sequences of {1} random tokens given twice; the model takes {2} for a token of the first copy and {3} of the ' +
      'second. The pictures are of the first sequence; the map is of this text.',
    REPEATED_SEQUENCES,
    integer(tokens),
    bits(firstBits),
    bits(secondBits),
  );
}

import type { ForwardPath, Stage } from '../../../src/core/forwardPath.ts';
import { at } from '../../../src/core/tensor.ts';
import type { PanelContext } from '../../context.ts';
import { largestIndices } from '../../figures/pathSteps.ts';
import { el } from '../../parts/dom.ts';
import { foldout } from '../../parts/foldout.ts';
import { columnDecimals, decimal, integer, percent, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { Theme } from '../../theme.ts';
import type { ViewState } from '../../state.ts';
import { numberLabel, stageShape, stageTitle } from './stageTexts.ts';
import { createVectorStrip } from './vectorStrip.ts';

/** Most numbers shown as a list with one row each; more are drawn as bars, the `NAMED` largest of them with names. */
const MAX_LISTED = 24;
const NAMED = 6;

/** One stage of a step on the page: its name and shape, and its numbers, which fold. */
export interface StageView {
  readonly root: HTMLElement;
  readonly stage: Stage;
  /** Marks the chosen number; -1: it belongs to another stage. `open`: whether the numbers are open where the user has said nothing. */
  show(selected: number, state: Pick<ViewState, 'settings' | 'theme'>, open: boolean): void;
}

/** Names that the numbers of a stage may need: the text's tokens, and the size of the vocabulary. */
export interface StageContext {
  readonly labels: readonly string[];
  readonly vocab: number;
}

/** One vector of a step: its shape and its numbers, each of which can be chosen. */
export function createStageView(
  path: ForwardPath,
  stage: Stage,
  { labels, vocab }: StageContext,
  { store, tooltip }: Pick<PanelContext, 'store' | 'tooltip'>,
  choose: (index: number) => void,
): StageView {
  const title = stageTitle(stage.name);
  // Lengths are compared with one another: their decimal points stand below each other.
  const digits = stage.axis === 'layer' ? columnDecimals(Math.max(...stage.values), 4) : null;
  const text = (index: number): string => {
    const value = at(stage.values, index);
    return digits === null ? numberText(stage, value) : decimal(value, digits);
  };
  const name = (index: number): string => numberLabel(path, stage, index, labels);
  const head = [el('h3', {}, title), el('span', { class: 'stage-shape' }, stageShape(path, stage, vocab))];
  const view = (show: (selected: number, theme: Theme) => void, ...numbers: readonly (HTMLElement | null)[]): StageView => {
    const fold = foldout(store, `stage-${stage.name}`, 'stage', head, ...numbers.filter((part) => part !== null));
    return {
      root: fold.root,
      stage,
      show: (selected, { settings, theme }, open) => {
        fold.set(settings, open);
        show(selected, theme);
      },
    };
  };
  const buttons = new Map<number, HTMLButtonElement>();
  const numberButton = (index: number, ...children: readonly (Node | string)[]): HTMLButtonElement => {
    const made = el('button', { type: 'button', class: 'stage-number', 'aria-pressed': 'false' }, ...children);
    made.addEventListener('click', () => choose(index));
    buttons.set(index, made);
    return made;
  };
  const press = (selected: number): void => {
    for (const [index, made] of buttons) made.setAttribute('aria-pressed', String(index === selected));
  };
  if (stage.values.length <= MAX_LISTED) {
    const largest = stage.values.reduce((max, value) => (Number.isFinite(value) ? Math.max(max, Math.abs(value)) : max), 1e-12);
    const rows = Array.from(stage.values, (value, index) => {
      const bar = el('span', { class: value < 0 ? 'stage-bar negative' : 'stage-bar', 'aria-hidden': 'true' });
      bar.style.setProperty('--size', Number.isFinite(value) ? (Math.abs(value) / largest).toFixed(4) : '0');
      return el(
        'li',
        {},
        numberButton(
          index,
          el('span', { class: 'stage-label token-text' }, name(index)),
          bar,
          el('span', { class: 'stage-value' }, text(index)),
        ),
      );
    });
    const some =
      stage.axis === 'vocabulary' ? el('p', { class: 'caption' }, t('The likeliest {0} of {1}.', rows.length, integer(vocab))) : null;
    return view(press, some, el('ol', { class: 'stage-list' }, ...rows));
  }
  if (stage.values.every((value) => value === 0)) return view(() => undefined, el('p', { class: 'caption' }, zerosText(path, stage)));
  const strip = createVectorStrip({
    label: title,
    tooltip,
    choose,
    describe: (index) => ({ title: significantText(stage, at(stage.values, index)), rows: [[axisName(stage), name(index)]] }),
    say: (index) => t('{0}: {1}', name(index), text(index)),
  });
  const largest = largestIndices(stage.values, NAMED).map((index) =>
    numberButton(index, el('span', { class: 'stage-label token-text' }, name(index)), el('span', { class: 'stage-value' }, text(index))),
  );
  const named = el('div', { class: 'stage-largest' }, el('span', { class: 'muted' }, t('Largest')), ...largest);
  const show = (selected: number, theme: Theme): void => {
    press(selected);
    strip.draw(stage.values, selected, theme);
  };
  return view(show, strip.root, named);
}

/** A number in its stage's notation: probabilities as percentages. */
export function numberText({ made, axis }: Stage, value: number): string {
  if (value === -Infinity) return '−∞';
  return made.kind === 'softmax' && axis !== 'expert' ? percent(value) : significant(value, 4);
}

/** What is said of a stage in place of a picture without anything in it. */
function zerosText({ token }: ForwardPath, { name, values }: Stage): string {
  const count = integer(values.length);
  return name === 'stateBefore' && token === 0
    ? t('All {0} numbers are 0: no token comes before this one.', count)
    : t('All {0} numbers are 0.', count);
}

function significantText(stage: Stage, value: number): string {
  return value === -Infinity
    ? '−∞'
    : stage.made.kind === 'softmax' && stage.axis !== 'expert'
      ? `${significant(value, 7)} (${percent(value)})`
      : significant(value, 7);
}

/** Name of the axis that a stage's numbers lie along. */
export function axisName({ axis }: Stage): string {
  const names: Readonly<Record<Stage['axis'], string>> = {
    dimension: t('Dimension'),
    state: t('Cell'),
    stream: t('Stream'),
    neuron: t('Neuron'),
    key: t('Key'),
    expert: t('Expert'),
    layer: t('Layer'),
    vocabulary: t('Token'),
  };
  return names[axis];
}

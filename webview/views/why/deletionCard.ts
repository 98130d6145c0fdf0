import type { PanelContext, View } from '../../context.ts';
import { deletionFigure, hiddenWords, type DeletionCurves } from '../../figures/deletionCurves.ts';
import { deletionNumbers } from '../../figures/savedNumbers.ts';
import { deletionMeans } from '../../figures/tableNumbers.ts';
import { button, progressBar } from '../../parts/controls.ts';
import { changeDetector, el, stepKey } from '../../parts/dom.ts';
import { createNotice } from '../../parts/notice.ts';
import { foldout } from '../../parts/foldout.ts';
import { integer } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { showFraction } from '../../parts/status.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { drawInto } from '../../parts/templates.ts';
import { createPlot } from '../../plot.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { askedWhy } from './asked.ts';
import { createDeletionRuns, type DeletionAsked } from './deletionRuns.ts';
import { deletionTemplate, saidAt } from './deletionTable.ts';
import { knownUnits } from './knownUnits.ts';
import { chosenSpan } from './spanChoice.ts';
import { acrossText, meaningOf, targetText } from './deletionTexts.ts';

/**
 * Which method to believe here: how the prediction fails as words are hidden, those first that a method finds most important.
 */
export function createDeletion(context: PanelContext): View {
  const { store, tooltip, announce } = context;
  const meaning = el('p', { class: 'caption' });
  const start = button(t('Measure the curves'), 'secondary', () => void run());
  const cancel = button(t('Cancel'), 'secondary', () => runs.stop());
  const message = el('span', { class: 'caption', role: 'status' });
  const bar = progressBar(t('Measuring'));
  const working = el('div', { class: 'repeated-working', hidden: true }, message, cancel, bar);
  const notice = createNotice();
  const table = el('table', { class: 'candidates deletion-table' });
  /** The point of the curves that is read; null: the one in the middle. */
  let point: number | null = null;
  const plot = createPlot(
    t('Log-probability by the number of words hidden, a curve a method. Arrow keys choose how many.'),
    'deletion-curve',
    {
      data: () => {
        const curves = curvesNow();
        return curves === null ? null : deletionNumbers(curves);
      },
      resized: () => draw(store.state()),
      hover: (found, event) => {
        const curves = curvesNow();
        if (curves === null || found?.custom === undefined || event === null) return tooltip.hide();
        const { hidden, values } = saidAt(curves, found.custom);
        tooltip.show({ title: hidden, rows: values }, event.clientX, event.clientY);
      },
      click: ({ custom }) => custom !== undefined && choose(custom),
      keys: (event) => {
        const curves = curvesNow();
        const to = curves === null ? undefined : stepKey(plainKey(event), pointIn(curves), countsOf(curves).length);
        if (curves === null || to === undefined) return;
        event.preventDefault();
        choose(to);
        const { hidden, values } = saidAt(curves, to);
        announce([hidden, ...values.map((pair) => pair.join(' '))].join(', '));
      },
    },
  );
  const means = withTableMenu(t('Which method to believe here'), table, {
    file: () => 'deletion-means',
    numbers: () => {
      const curves = curvesNow();
      return curves === null ? null : deletionMeans(curves, pointIn(curves));
    },
  });
  const found = el('div', { class: 'deletion-found' }, plot.root, means);
  const runs = createDeletionRuns(context, () => draw(store.state()), notice.fail);
  const title = t('Which method to believe here');
  const controls = el('div', { class: 'buttons wrap' }, start);
  const fold = foldout(store, 'methods', 'methods-fold', [el('h3', {}, title)], meaning, controls, working, notice.root, found);
  const root = el('section', { class: 'deletion needs-model', 'aria-label': title }, fold.root);
  const unitsNow = knownUnits();
  const [textChanged, asksOther, drawn, filled] = [changeDetector(), changeDetector(), changeDetector(), changeDetector()];

  const askedNow = (state: ViewState): DeletionAsked | null => askedIn(state, unitsNow);
  function curvesNow(): DeletionCurves | null {
    const asked = askedNow(store.state());
    return asked === null ? null : runs.known(asked);
  }
  const pointIn = (curves: DeletionCurves): number => point ?? Math.floor((countsOf(curves).length - 1) / 2);
  function choose(next: number): void {
    point = next;
    draw(store.state());
  }
  async function run(): Promise<void> {
    const asked = askedNow(store.state());
    if (asked === null) return;
    notice.clear();
    const focused = document.activeElement === start;
    const ended = runs.run(asked);
    if (focused) cancel.focus();
    await ended;
    if (runs.left(asked) === 0) announce(t('All curves are measured'));
  }
  function draw(state: ViewState): void {
    const asked = askedNow(state);
    root.hidden = asked === null;
    if (asked === null) return;
    const curves = runs.known(asked);
    const [running, left, done] = [runs.isRunning(), runs.left(asked), curves.methods.length + curves.random.length];
    const focused = !running && working.contains(document.activeElement);
    working.hidden = !running;
    start.hidden = running || left === 0;
    (start.querySelector('span') ?? start).textContent = done === 0 ? t('Measure the curves') : t('Go on measuring');
    message.textContent = t('{0} of {1} orders measured', integer(done), integer(done + left));
    showFraction(bar, done / (done + left));
    if (focused && !start.hidden) start.focus();
    found.hidden = done === 0;
    if (done === 0) return;
    const [now, width] = [pointIn(curves), plot.width()];
    const { whyMethod: method, whyUnit: unit } = state.settings;
    const target = targetText(state);
    if (filled(curves, now, method, unit, target)) drawInto(table, deletionTemplate(curves, { method, point: now, unit }));
    if (width === 0 || !drawn(curves, now, method, unit, target, width, state.theme)) return;
    plot.draw(deletionFigure(curves, { method, point: now, across: acrossText(unit), up: target, width }, state.theme));
  }
  return {
    root,
    update: (state) => {
      const isOther = textChanged(state.shown);
      if (isOther) runs.clear();
      const asked = askedNow(state);
      if (asksOther(state.shown, asked?.position, asked?.token, asked?.end, asked?.unit) && !isOther) {
        if (runs.isRunning()) runs.stop();
        notice.clear();
        point = null;
      }
      fold.set(state.settings);
      meaning.textContent = meaningOf(state);
      draw(state);
    },
  };
}

/** What the curves of a state are of; null: no word before it can be hidden. */
function askedIn(state: ViewState, unitsNow: ReturnType<typeof knownUnits>): DeletionAsked | null {
  const why = askedWhy(state);
  if (why === null) return null;
  const { position, token } = why;
  const { whyMethod: method, whyUnit: unit } = state.settings;
  const end = chosenSpan(state)?.end ?? null;
  const units = unitsNow(state, unit, end ?? position);
  return hiddenWords(units, end ?? position).length === 0 ? null : { position, token, end, unit, units, method };
}

function countsOf({ methods, random }: DeletionCurves): Int32Array {
  return (methods[0]?.curve ?? random[0])?.counts ?? new Int32Array(1);
}

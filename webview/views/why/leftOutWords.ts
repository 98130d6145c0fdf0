import { leavesOneOut } from '../../../src/core/attribution.ts';
import { at } from '../../../src/core/tensor.ts';
import type { TextUnit } from '../../../src/core/textUnits.ts';
import type { PanelContext, View } from '../../context.ts';
import { total } from '../../figures/directWaterfall.ts';
import { button, progressBar } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createNotice } from '../../parts/notice.ts';
import { integer, signedDecimal } from '../../parts/format.ts';
import { createSignedStrip, LOGIT_DIGITS, type SignedNumbers, type StripActions } from '../../parts/signedStrip.ts';
import { showFraction } from '../../parts/status.ts';
import { drawInto, factsTemplate } from '../../parts/templates.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { askedWhy, logitOf, sidesOf } from './asked.ts';
import { knownUnits } from './knownUnits.ts';
import { createLeftOutRuns, type LeftOutAsked, type LeftOutResult } from './leftOutRuns.ts';
import { chosenSpan } from './spanChoice.ts';

/**
 * What the prediction loses without each token, word, line or sentence: the model runs once for each, and each is shown when it is known.
 * The editor is told.
 */
export function createLeftOutWords(context: PanelContext, actions: StripActions): View {
  const { store, host, announce } = context;
  const note = el('p', { class: 'caption' }, t('Each is left out as a whole: its number is not a sum over its tokens.'));
  const goOn = button(t('Go on measuring'), 'primary', () => void run());
  const cancel = button(t('Cancel'), 'secondary', () => runs.stop());
  const bar = progressBar(t('Measuring'));
  const message = el('span', { class: 'caption', role: 'status' });
  const working = el('div', { class: 'repeated-working', hidden: true }, message, cancel, bar);
  const notice = createNotice();
  const facts = el('dl', { class: 'facts' });
  const strip = createSignedStrip(context, t('How much each token counts'), actions);
  const runs = createLeftOutRuns(context, () => draw(store.state()), notice.fail);
  const root = el(
    'div',
    { class: 'why-left-out' },
    note,
    working,
    el('div', { class: 'buttons wrap' }, goOn),
    notice.root,
    facts,
    strip.root,
  );
  const unitsNow = knownUnits();
  const textChanged = changeDetector();
  const asksOther = changeDetector();
  const told = changeDetector();
  /** Questions shown so far: one that is shown again is told again. */
  let asks = 0;
  const numbersNow = numbersOf();

  async function run(): Promise<void> {
    const asked = askedNow(store.state());
    if (asked === null) return;
    notice.clear();
    const focused = document.activeElement === goOn;
    const ended = runs.run(asked);
    if (focused) cancel.focus();
    await ended;
    if (isDone(runs.known(asked))) announce(t('Everything is measured'));
  }
  function askedNow(state: ViewState): LeftOutAsked | null {
    const why = askedWhy(state);
    const { whyMethod, whyUnit } = state.settings;
    if (why === null || state.shown === null || !leavesOneOut(whyMethod) || chosenSpan(state) !== null) return null;
    return { ...logitOf(why), method: whyMethod, units: unitsNow(state, whyUnit, why.position) };
  }
  function draw(state: ViewState): void {
    const asked = askedNow(state);
    const why = askedWhy(state);
    if (asked === null || why === null || state.shown === null) return;
    const found = runs.known(asked);
    const running = runs.isRunning();
    // What goes away takes no focus with it.
    const focused = !running && working.contains(document.activeElement);
    note.hidden = state.settings.whyUnit === 'token';
    working.hidden = !running;
    goOn.hidden = running || isDone(found);
    message.textContent = progressText(state.settings.whyUnit, found?.measured ?? 0, asked.units.length);
    showFraction(bar, (found?.measured ?? 0) / Math.max(1, asked.units.length));
    for (const part of [facts, strip.root]) part.hidden = found === undefined;
    if (focused && !goOn.hidden) goOn.focus();
    if (found === undefined) return;
    const numbers = numbersNow(found, state.settings.whyUnit, sidesOf(why));
    strip.show(numbers, state);
    if (!told(found, asks)) return;
    drawInto(facts, factsTemplate(factsOf(found, state.settings.whyUnit)));
    const { position, token, rival, units } = found;
    const values = Array.from(found.values, (value) => (Number.isNaN(value) ? null : value));
    host.post({
      type: 'whyWords',
      serial: state.shown.serial,
      words: { position, token, rival, end: null, values, units: numbers.units ? units : null },
    });
  }

  return {
    root,
    update: (state) => {
      if (textChanged(state.shown)) runs.clear();
      const asked = askedNow(state);
      const isOther = asksOther(state.shown, asked?.position, asked?.token, asked?.rival, asked?.method, asked?.units);
      if (asked === null) {
        if (runs.isRunning()) runs.stop();
        return;
      }
      if (isOther) {
        asks++;
        notice.clear();
        if (isDone(runs.known(asked))) runs.stop();
        else void run();
      }
      draw(state);
    },
  };
}

function isDone(found: LeftOutResult | undefined): boolean {
  return found !== undefined && found.measured === found.units.length;
}

/** A result as numbers of a strip; for the same result the same object. */
function numbersOf(): (found: LeftOutResult, unit: TextUnit, sides: Pick<SignedNumbers, 'towards' | 'against'>) => SignedNumbers {
  const changed = changeDetector();
  let known: SignedNumbers | undefined;
  return (found, unit, sides) => {
    const isOther = changed(found, unit, sides.towards, sides.against);
    if (known !== undefined && !isOther) return known;
    known = { values: found.values, ...(unit === 'token' ? {} : { units: found.units }), ...sides };
    return known;
  };
}

function progressText(unit: TextUnit, measured: number, all: number): string {
  const counts = [integer(measured), integer(all)] as const;
  const texts = {
    token: () => t('{0} of {1} tokens measured', ...counts),
    word: () => t('{0} of {1} words measured', ...counts),
    line: () => t('{0} of {1} lines measured', ...counts),
    sentence: () => t('{0} of {1} sentences measured', ...counts),
  } satisfies Readonly<Record<TextUnit, () => string>>;
  return texts[unit]();
}

/** The prediction beside the sum of what is measured; and the first unit's, where attention often rests. */
function factsOf(found: LeftOutResult, unit: TextUnit): readonly (readonly [string, string])[] {
  const { target, rival, values, measured, units } = found;
  const written = (value: number): string => signedDecimal(value, LOGIT_DIGITS);
  const first = at(values, 0);
  return [
    [rival === null ? t('Logit') : t('Logit difference'), written(target)],
    isDone(found)
      ? [t('Sum of the words'), written(total(values))]
      : [
          t('Sum so far'),
          `${written(total(values.filter((value) => !Number.isNaN(value))))} (${progressText(unit, measured, units.length)})`,
        ],
    ...(Number.isNaN(first) ? [] : [[t('Of it the first token'), written(first)] as const]),
  ];
}

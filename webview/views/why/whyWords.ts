import { ATTRIBUTION_METHODS, isSigned, leavesOneOut, type Attribution } from '../../../src/core/attribution.ts';
import type { Intervention } from '../../../src/core/run.ts';
import { at } from '../../../src/core/tensor.ts';
import { sumsOf, TEXT_UNITS, unitsOf, type TextUnit, type TokenRun } from '../../../src/core/textUnits.ts';
import type { PanelContext, View } from '../../context.ts';
import { total } from '../../figures/directWaterfall.ts';
import { isOn, switchedOff, switchedOn } from '../../figures/recipeList.ts';
import { button, factList, segmented, select } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { integer, percent, signedDecimal } from '../../parts/format.ts';
import { createSignedStrip, LOGIT_DIGITS, type SignedNumbers, type StripActions } from '../../parts/signedStrip.ts';
import { question } from '../../question.ts';
import { changeRecipe } from '../../changeRecipe.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { askedWhy, logitOf, sidesOf } from './asked.ts';
import { createLeftOutWords } from './leftOutWords.ts';
import { methodTexts } from './methodTexts.ts';

/** What the words of the text count for the prediction, by one of several methods. The editor is told what is shown. */
export function createWhyWords(context: PanelContext): View {
  const { store, host } = context;
  const method = select(t('By'), (index) =>
    store.dispatch({ type: 'settings', change: { whyMethod: ATTRIBUTION_METHODS[index] ?? ATTRIBUTION_METHODS[0] } }),
  );
  const unit = segmented(
    t('In units of'),
    TEXT_UNITS.map((name) => [name, unitName(name)] as const),
    (whyUnit) => store.dispatch({ type: 'settings', change: { whyUnit } }),
    true,
  );
  const meaning = el('p', { class: 'caption' });
  const facts = el('dl', { class: 'facts' });
  // Some methods run the model again for every token: what is on show until then is of another question.
  const waiting = el('p', { class: 'caption why-waiting', role: 'status' }, t('Being computed… Another choice stops it.'));
  const actions: StripActions = { offer: (tokens, state) => hideButton(context, tokens, state) };
  const strip = createSignedStrip(context, t('How much each token counts'), actions);
  const leftOut = createLeftOutWords(context, actions);
  const inUnits = unitNumbers();
  const other = changeDetector();
  /** How often one way of answering has followed the other: the editor is told again. */
  let turns = 0;
  const asked = question<{ readonly found: Attribution; readonly numbers: SignedNumbers }>(context, {
    busy: () => root,
    parts: [facts, strip.root],
    ask: async (state, query) => {
      const why = askedWhy(state);
      if (why === null) return '';
      const found = await query('attribution', 'attribution', { ...logitOf(why), method: state.settings.whyMethod });
      const values = found.values.slice(0, why.position + 1);
      return { found, numbers: { values, ...sidesOf(why), shares: !isSigned(found.method) } };
    },
    answered: ({ found: { position, token, rival, method: by }, numbers }, { shown, settings }) => {
      if (shown === null || by !== settings.whyMethod) return;
      host.post({ type: 'whyWords', serial: shown.serial, words: { position, token, rival, values: [...numbers.values], units: null } });
    },
    draw: ({ found, numbers }, state) => {
      const isAsked = isAbout(found, state);
      waiting.hidden = isAsked;
      for (const part of [facts, strip.root]) part.hidden = !isAsked;
      if (!isAsked) return;
      strip.show(inUnits(numbers, state), state);
      if (changed(found)) facts.replaceChildren(...factList(factsOf(found, numbers)));
    },
  });
  const changed = changeDetector();
  const computed = el('div', { class: 'why-computed' }, waiting, facts, asked.notice, strip.root);
  const answers = el('div', { class: 'why-answers' });
  const root: HTMLElement = el(
    'section',
    { class: 'card why-words', 'aria-label': t('Words of the text') },
    el('div', { class: 'card-head' }, el('h2', {}, t('Words of the text')), el('div', { class: 'why-method' }, method.root)),
    unit.root,
    meaning,
    answers,
  );
  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      const why = askedWhy(state);
      if (shown === null || why === null) return;
      method.set(
        ATTRIBUTION_METHODS.map((name, index) => [index, methodTexts(name).name]),
        ATTRIBUTION_METHODS.indexOf(settings.whyMethod),
      );
      unit.set(settings.whyUnit);
      meaning.textContent = methodTexts(settings.whyMethod).meaning;
      const isMeasured = leavesOneOut(settings.whyMethod);
      if (other(isMeasured)) {
        answers.replaceChildren(isMeasured ? leftOut.root : computed);
        turns++;
      }
      leftOut.update(state);
      if (isMeasured) return;
      asked.update(state, shown, why.position, why.token, why.rival, settings.whyMethod, turns);
      asked.redraw();
    },
  };
}

function unitName(unit: TextUnit): string {
  const names = { token: t('Token'), word: t('Word'), line: t('Line'), sentence: t('Sentence') } satisfies Readonly<
    Record<TextUnit, string>
  >;
  return names[unit];
}

/** Adds the numbers of tokens up by the chosen unit; for the same numbers and unit the result is the same object, as views compare them. */
function unitNumbers(): (numbers: SignedNumbers, state: ViewState) => SignedNumbers {
  const changed = changeDetector();
  let known: SignedNumbers | undefined;
  return (numbers, { shown, settings }) => {
    if (shown === null || settings.whyUnit === 'token') return numbers;
    const isOther = changed(numbers, shown, settings.whyUnit);
    if (known !== undefined && !isOther) return known;
    const { tokens, text } = shown.explanation;
    const units = unitsOf(tokens.slice(0, numbers.values.length), text, settings.whyUnit);
    known = { ...numbers, values: sumsOf(numbers.values, units), units };
    return known;
  };
}

/** A button that hides tokens from all later ones, or shows them again; null where no later one is asked about. */
function hideButton(context: PanelContext, { first, end }: TokenRun, state: ViewState): HTMLElement | null {
  const why = askedWhy(state);
  if (why === null || first >= why.position) return null;
  const steps = Array.from({ length: Math.min(end, why.position) - first }, (_, offset): Intervention => ({
    kind: 'key',
    key: first + offset,
    action: 'cut',
  }));
  const areHidden = steps.every((step) => isOn(state.settings.recipe, step));
  const text =
    steps.length === 1
      ? areHidden
        ? t('Show this token again')
        : t('Hide this token')
      : areHidden
        ? t('Show these {0} tokens again', steps.length)
        : t('Hide these {0} tokens', steps.length);
  const made = button(text, 'secondary', () =>
    changeRecipe(context, (items) => steps.reduce((list, step) => (areHidden ? switchedOff(list, step) : switchedOn(list, step)), items)),
  );
  made.title = t('No later token can attend to it, in any layer and head');
  return made;
}

/** Whether an answer is to the question that is asked in this state. */
function isAbout({ position, token, rival, method }: Attribution, state: ViewState): boolean {
  const why = askedWhy(state);
  return why?.position === position && why.token === token && why.rival === rival && state.settings.whyMethod === method;
}

/** The sum of the numbers beside what it is to be, where the method says so; and the first token's, where attention often rests. */
function factsOf({ target, rival, completeness }: Attribution, { values, shares }: SignedNumbers): readonly (readonly [string, string])[] {
  const written = (value: number): string => (shares ? percent(value) : signedDecimal(value, LOGIT_DIGITS));
  return [
    ...(shares ? [] : [[rival === null ? t('Logit') : t('Logit difference'), signedDecimal(target, LOGIT_DIGITS)] as const]),
    [t('Sum of the words'), written(total(values))],
    ...(completeness === null
      ? []
      : [
          [t('Of average tokens'), signedDecimal(completeness.baseline, LOGIT_DIGITS)] as const,
          [t('Sum off by'), t('{0}, at {1} points', percent(completeness.gap), integer(completeness.steps))] as const,
        ]),
    [t('Of it the first token'), written(at(values, 0))],
  ];
}

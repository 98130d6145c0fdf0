import { ATTRIBUTION_METHODS, isSigned, isSpanMethod, leavesOneOut } from '../../../src/core/attribution.ts';
import type { Intervention } from '../../../src/core/run.ts';
import { sumsOf, TEXT_UNITS, unitsOf, type TokenRun } from '../../../src/core/textUnits.ts';
import type { PanelContext, View } from '../../context.ts';
import { isOn, switchedOff, switchedOn } from '../../figures/recipeList.ts';
import { button, segmented, select } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createSignedStrip, type SignedNumbers, type StripActions } from '../../parts/signedStrip.ts';
import { drawInto, factsTemplate } from '../../parts/templates.ts';
import { question } from '../../question.ts';
import { changeRecipe } from '../../changeRecipe.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { askedWhy, logitOf, sidesOf } from './asked.ts';
import { createDeletion } from './deletionCard.ts';
import { createLeftOutWords } from './leftOutWords.ts';
import { methodTexts } from './methodTexts.ts';
import { chosenSpan, createSpanChoice } from './spanChoice.ts';
import { factsOf, notForSpans, sidesOfSpan, spanMeaning, unitName, type Found } from './whyTexts.ts';

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
  const target = createSpanChoice(context);
  const meaning = el('p', { class: 'caption' });
  const facts = el('dl', { class: 'facts' });
  // Some methods run the model again for every token: what is on show until then is of another question.
  const waiting = el('p', { class: 'caption why-waiting', role: 'status' }, t('Being computed… Another choice stops it.'));
  const actions: StripActions = { offer: (tokens, state) => hideButton(context, tokens, state) };
  const strip = createSignedStrip(context, t('How much each token counts'), actions);
  const leftOut = createLeftOutWords(context, actions);
  const deletion = createDeletion(context);
  const inUnits = unitNumbers();
  const other = changeDetector();
  /** How often one way of answering has followed the other: the editor is told again. */
  let turns = 0;
  const asked = question<{ readonly found: Found; readonly numbers: SignedNumbers }>(context, {
    busy: () => root,
    parts: [facts, strip.root],
    ask: async (state, query) => {
      const why = askedWhy(state);
      if (why === null) return '';
      const span = chosenSpan(state);
      const { whyMethod } = state.settings;
      if (span !== null) {
        if (!isSpanMethod(whyMethod)) return notForSpans(whyMethod);
        const found = await query('spanAttribution', 'spanAttribution', { ...span, method: whyMethod });
        return { found, numbers: { values: found.values.slice(0, span.end + 1), ...sidesOfSpan(), nats: true } };
      }
      const found = await query('attribution', 'attribution', { ...logitOf(why), method: whyMethod });
      const values = found.values.slice(0, why.position + 1);
      return { found, numbers: { values, ...sidesOf(why), shares: !isSigned(found.method) } };
    },
    answered: ({ found, numbers }, state) => {
      const why = askedWhy(state);
      if (state.shown === null || why === null || found.method !== state.settings.whyMethod) return;
      const { token, rival, end } = 'end' in found ? { token: why.token, rival: null, end: found.end } : { ...found, end: null };
      const words = { position: found.position, token, rival, end, values: [...numbers.values], units: null };
      host.post({ type: 'whyWords', serial: state.shown.serial, words });
    },
    draw: ({ found, numbers }, state) => {
      const isAsked = isAbout(found, state);
      waiting.hidden = isAsked;
      for (const part of [facts, strip.root]) part.hidden = !isAsked;
      if (!isAsked) return;
      strip.show(inUnits(numbers, state), state);
      if (changed(found)) drawInto(facts, factsTemplate(factsOf(found, numbers)));
    },
  });
  const changed = changeDetector();
  const computed = el('div', { class: 'why-computed' }, waiting, facts, asked.notice, strip.root);
  const answers = el('div', { class: 'why-answers' });
  const root: HTMLElement = el(
    'section',
    { class: 'card why-words', 'aria-label': t('Words of the text') },
    el('div', { class: 'card-head' }, el('h2', {}, t('Words of the text')), el('div', { class: 'why-method' }, method.root)),
    el('div', { class: 'toolbar why-target' }, unit.root, target.root),
    meaning,
    answers,
    deletion.root,
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
      target.update(state);
      const span = chosenSpan(state);
      meaning.textContent = [
        ...(span === null || !isSpanMethod(settings.whyMethod) ? [] : [spanMeaning(span.end - span.position + 1)]),
        methodTexts(settings.whyMethod).meaning,
      ].join(' ');
      // What several tokens together lose is computed as a whole.
      const isMeasured = span === null && leavesOneOut(settings.whyMethod);
      if (other(isMeasured)) {
        answers.replaceChildren(isMeasured ? leftOut.root : computed);
        turns++;
      }
      leftOut.update(state);
      deletion.update(state);
      if (isMeasured) return;
      asked.update(state, shown, why.position, why.token, why.rival, span?.end, settings.whyMethod, turns);
      asked.redraw();
    },
  };
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
function isAbout(found: Found, state: ViewState): boolean {
  const why = askedWhy(state);
  const span = chosenSpan(state);
  if (why?.position !== found.position || state.settings.whyMethod !== found.method) return false;
  return 'end' in found ? span?.end === found.end : span === null && why.token === found.token && why.rival === found.rival;
}

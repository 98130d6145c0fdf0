import { button, checkbox } from '../../parts/controls.ts';
import type { PanelContext, View } from '../../context.ts';
import { el, ICONS } from '../../parts/dom.ts';
import { integer } from '../../parts/format.ts';
import { idsTo, pathTo, type GeneratedToken } from '../../generation/generationTree.ts';
import { endOf, type Generator } from '../../generation/generator.ts';
import { MAX_NEW_TOKENS, type Settings } from '../../viewSettings.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { shortened, visibleText } from '../../../src/core/visibleText.ts';
import { createNotice } from '../../parts/notice.ts';
import { numberField } from '../../parts/numberField.ts';
import { samplingFields } from './samplingFields.ts';

/** Tokens by which the limit is raised when a generation has reached it. */
const MORE_TOKENS = 64;

/** Sampling settings, and the buttons that generate tokens. */
export function createGenerateControls({ host, store }: PanelContext, generator: Generator): View {
  const change = (settings: Partial<Settings>): void => store.dispatch({ type: 'settings', change: settings });
  const { mode, temperature, topP, seed, limit } = samplingFields(change, MAX_NEW_TOKENS);
  const topK = numberField('Top-k', { min: 0, max: 1e9, step: 1, whole: true }, (value) => change({ topK: value }));
  const minP = numberField('Min-p', { min: 0, max: 1, step: 0.01 }, (value) => change({ minP: value }));
  const pastEnd = checkbox(t('Go on past the end token'), (value) => change({ pastEnd: value }));
  const drawing = [temperature, topK, topP, minP, seed];

  const step = button(t('One Step'), 'secondary', () => void generator.run(1));
  const play = button(t('Play'), 'primary', () => void generator.run(Infinity), ICONS.play);
  const pause = button(t('Pause'), 'primary', () => generator.pause(), ICONS.pause);
  const reset = button(t('Reset'), 'secondary', () => generator.reset());
  // At the end of a generation these buttons, for going on, replace those that generate.
  const onward = button('', 'primary', () => {
    const { settings } = store.state();
    change(endOf(store.state()) === 'eos' ? { pastEnd: true } : { newTokens: Math.min(MAX_NEW_TOKENS, settings.newTokens + MORE_TOKENS) });
    void generator.run(Infinity);
  });
  const branch = button('', 'secondary', () => {
    const { tree } = store.state().generation;
    const other = insteadOfEnd(store.state());
    if (other !== null) generator.take(tree.end, other.id);
  });
  branch.title = t('The likeliest token that is not an end token, in place of the one drawn: a branch.');
  const over = button(t('Start Over'), 'secondary', () => {
    const { greedy, seed: last } = store.state().settings;
    if (!greedy) change({ seed: last < Number.MAX_SAFE_INTEGER ? last + 1 : 0 });
    generator.reset();
  });
  const whole = (type: 'insertGenerated' | 'explainGenerated'): void => {
    const { shown, generation } = store.state();
    const continuation = idsTo(generation.tree, generation.tree.end);
    if (shown !== null && continuation.length > 0) host.post({ type, serial: shown.serial, continuation });
  };
  const insert = button(t('Insert into Editor'), 'secondary', () => whole('insertGenerated'));
  const explain = button(t('Explain the Whole'), 'secondary', () => whole('explainGenerated'));
  explain.title = t('Explains the text and what was generated together, so that every view shows the generated tokens too.');
  const state = el('p', { class: 'generate-state', role: 'status' });
  const notice = createNotice();
  const root = el(
    'section',
    { class: 'card generate-controls', 'aria-label': t('Generation') },
    el('div', { class: 'card-head' }, mode.root, pastEnd.root, limit.root),
    el('div', { class: 'number-fields' }, ...drawing.map((field) => field.root)),
    el(
      'div',
      { class: 'toolbar spread' },
      el('div', { class: 'buttons' }, play, pause, step, onward, branch, over, reset),
      el('div', { class: 'buttons' }, insert, explain),
    ),
    state,
    notice.root,
  );

  return {
    root,
    update: (view) => {
      const { shown, settings, generation, stale } = view;
      if (shown === null) return;
      mode.set(settings.greedy ? 'greedy' : 'sampling');
      const says = meanings(settings, shown.explanation.model.vocab);
      temperature.set(settings.temperature, says.temperature);
      topK.set(settings.topK, says.topK);
      topP.set(settings.topP, says.topP);
      minP.set(settings.minP, says.minP);
      seed.set(settings.seed, t('the same seed draws the same text'));
      limit.set(settings.newTokens);
      pastEnd.set(settings.pastEnd);
      pastEnd.root.hidden = shown.explanation.model.eos?.length === 0;
      for (const field of drawing) field.enable(!settings.greedy);
      const { tree, running } = generation;
      const end = endOf(view);
      const any = tree.tokens.length > 0;
      const ended = end !== null && !running;
      const other = end === 'eos' && !running ? insteadOfEnd(view) : null;
      if (other !== null) branch.textContent = t('Take {0} Instead', shortened(visibleText(other.text), 16));
      onward.textContent = end === 'eos' ? t('Go On Past It') : t('{0} Tokens More', integer(MORE_TOKENS));
      over.title = settings.greedy
        ? t('Takes away what was generated.')
        : t('Takes away what was generated; the next draw has another seed, and so gives another text.');
      // A pressed button has the focus: the button that replaces it takes the focus over.
      const all = [pause, play, onward, branch, over, step, reset];
      const focused = all.find((one) => one === document.activeElement);
      pause.hidden = !running;
      play.hidden = running || ended;
      step.hidden = ended;
      onward.hidden = !ended || end === 'context';
      branch.hidden = other === null;
      over.hidden = !ended;
      reset.hidden = ended;
      if (focused?.hidden === true) all.find((one) => !one.hidden)?.focus();
      step.disabled = running;
      reset.disabled = !any;
      insert.disabled = !any || running || !generation.insertable || stale.size > 0;
      insert.title =
        generation.insertable && stale.size === 0
          ? t('Puts the generated text after the explained one; undo takes it out again.')
          : t('The text’s document was closed, or the text was edited since: there is no place to insert at.');
      explain.disabled = !any || running;
      // Announced when generation has paused, not token by token.
      state.setAttribute('aria-live', running ? 'off' : 'polite');
      state.textContent = stateText(view);
      if (generation.failure === null) notice.clear();
      else notice.fail(generation.failure);
    },
  };
}

/** The likeliest candidate that is not an end-of-sequence token, if the branch shown ends with such a token. */
function insteadOfEnd({ shown, generation: { tree } }: ViewState): { readonly id: number; readonly text: string } | null {
  const { step } = tree.tokens[tree.end] ?? { step: null };
  const eos = shown?.explanation.model.eos ?? [];
  const id = step === null ? undefined : [...step.topIds].find((candidate) => !eos.includes(candidate));
  return step === null || id === undefined ? null : { id, text: step.pieces[id] ?? '' };
}

/** Meaning of each setting's value, where the number alone does not tell. */
function meanings(
  { temperature, topK, topP, minP }: Settings,
  vocab: number,
): Readonly<Record<'temperature' | 'topK' | 'topP' | 'minP', string>> {
  return {
    temperature:
      temperature === 0
        ? t('0: the likeliest always')
        : temperature === 1
          ? t('as the model has it')
          : temperature < 1
            ? t('sharper')
            : temperature >= 10
              ? t('almost even')
              : t('flatter'),
    topK:
      topK === 0
        ? t('off')
        : topK >= vocab
          ? t('the whole vocabulary')
          : topK === 1
            ? t('the likeliest alone')
            : t('the {0} likeliest', integer(topK)),
    topP: topP >= 1 ? t('off') : topP === 0 ? t('the likeliest alone') : t('until they sum to p'),
    minP: minP === 0 ? t('off') : minP >= 1 ? t('the likeliest alone') : t('at least p times the best'),
  };
}

/** Length of the branch shown, and why it does not go on. */
function stateText(view: ViewState): string {
  const {
    shown,
    generation: { tree, running, ended },
    settings,
  } = view;
  if (shown === null) return '';
  const { model } = shown.explanation;
  const count = pathTo(tree, tree.end).length;
  const written = t('{0} of {1} new tokens.', integer(count), integer(settings.newTokens));
  const last = tree.tokens[tree.end];
  switch (endOf(view)) {
    case 'eos':
      return `${written} ${t('Ended: the model drew {0}, its token for the end.', shortened(textOf(last), 24))}`;
    case 'context':
      return `${written} ${t('Ended: the text fills the {0} tokens that the model reads at once.', integer(model.contextLength))}`;
    case 'limit':
      return `${written} ${t('Ended at the limit: raise it to go on.')}`;
    case null:
      if (running) return written;
      if (count === 0 && ended === 'model') return t('The model was changed: what the other one had generated is gone.');
      if (count === 0 && ended === 'recipe') return t('The interventions are other ones: what was generated under those before is gone.');
      if (count === 0 && ended === 'text') return t('Another text is explained: what was generated after the one before is gone.');
      if (count === 0)
        return model.eos?.length === 0
          ? t('This model names no token for the end: a generation ends at its limit.')
          : t('Step draws one token after the text; Play draws until the end, the limit or Pause.');
      return written;
  }
}

function textOf(token: GeneratedToken | undefined): string {
  return visibleText(token?.step?.pieces[token.id] ?? token?.step?.text ?? t('id {0}', token?.id ?? 0));
}

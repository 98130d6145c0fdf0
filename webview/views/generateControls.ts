import { button, segmented } from '../controls.ts';
import type { PanelContext, View } from '../context.ts';
import { el, ICONS } from '../dom.ts';
import { integer } from '../format.ts';
import { idsTo, pathTo } from '../generation.ts';
import { endOf, type Generator } from '../generator.ts';
import { MAX_NEW_TOKENS, MAX_TEMPERATURE, type Settings } from '../settings.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { shortened, visibleText } from '../../src/core/visibleText.ts';
import { numberField } from './numberField.ts';

/** How tokens are drawn, and the buttons that draw them. */
export function createGenerateControls({ host, store }: PanelContext, generator: Generator): View {
  const change = (settings: Partial<Settings>): void => store.dispatch({ type: 'settings', change: settings });
  const mode = segmented<'greedy' | 'sampling'>(t('How tokens are chosen'), [['greedy', t('Greedy')], ['sampling', t('Sampling')]], (value) => change({ greedy: value === 'greedy' }));
  const temperature = numberField(t('Temperature'), { min: 0, max: MAX_TEMPERATURE, step: 0.1 }, (value) => change({ temperature: value }));
  const topK = numberField('Top-k', { min: 0, max: 1e9, step: 1, whole: true }, (value) => change({ topK: value }));
  const topP = numberField('Top-p', { min: 0, max: 1, step: 0.05 }, (value) => change({ topP: value }));
  const minP = numberField('Min-p', { min: 0, max: 1, step: 0.01 }, (value) => change({ minP: value }));
  const seed = numberField(t('Seed'), { min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, whole: true }, (value) => change({ seed: value }));
  const limit = numberField(t('New tokens at most'), { min: 1, max: MAX_NEW_TOKENS, step: 1, whole: true }, (value) => change({ newTokens: value }));
  const drawing = [temperature, topK, topP, minP, seed];

  const step = button(t('One Step'), 'secondary', () => void generator.run(1));
  const play = button(t('Play'), 'primary', () => void generator.run(Infinity), ICONS.play);
  const pause = button(t('Pause'), 'primary', () => generator.pause(), ICONS.pause);
  const reset = button(t('Reset'), 'secondary', () => generator.reset());
  const whole = (type: 'insertGenerated' | 'explainGenerated'): void => {
    const { shown, generation } = store.state();
    const continuation = idsTo(generation.tree, generation.tree.end);
    if (shown !== null && continuation.length > 0) host.post({ type, serial: shown.serial, continuation });
  };
  const insert = button(t('Insert into Editor'), 'secondary', () => whole('insertGenerated'));
  const explain = button(t('Explain the Whole'), 'secondary', () => whole('explainGenerated'));
  explain.title = t('Explains the text and what was generated together, so that every view shows the generated tokens too.');
  const state = el('p', { class: 'generate-state', role: 'status' });
  const failure = el('p', { class: 'view-failure', role: 'alert' });
  const root = el('section', { class: 'card generate-controls', 'aria-label': t('Generation') },
    el('div', { class: 'card-head' }, mode.root, limit.root),
    el('div', { class: 'number-fields' }, ...drawing.map((field) => field.root)),
    el('div', { class: 'toolbar spread' }, el('div', { class: 'buttons' }, play, pause, step, reset), el('div', { class: 'buttons' }, insert, explain)), state, failure);

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
      for (const field of drawing) field.enable(!settings.greedy);
      const { tree, running } = generation;
      const end = endOf(view);
      const any = tree.tokens.length > 0;
      // A pressed button keeps the focus: it is replaced by its counterpart, which takes it over.
      const focused = document.activeElement === (running ? play : pause);
      play.hidden = running;
      pause.hidden = !running;
      if (focused) (running ? pause : play).focus();
      play.disabled = step.disabled = end !== null;
      step.disabled ||= running;
      reset.disabled = !any;
      insert.disabled = !any || running || !generation.insertable || stale.size > 0;
      insert.title = generation.insertable && stale.size === 0 ? t('Puts the generated text after the explained one; undo takes it out again.') : t('The text’s document was closed, or the text was edited since: there is no place to insert at.');
      explain.disabled = !any || running;
      // Said when it rests, not token by token.
      state.setAttribute('aria-live', running ? 'off' : 'polite');
      state.textContent = stateText(view);
      failure.hidden = generation.failure === null;
      failure.textContent = generation.failure ?? '';
    },
  };
}

/** What each setting does, where its number alone does not tell. */
function meanings({ temperature, topK, topP, minP }: Settings, vocab: number): Readonly<Record<'temperature' | 'topK' | 'topP' | 'minP', string>> {
  return {
    temperature: temperature === 0 ? t('0: the likeliest always') : temperature === 1 ? t('as the model has it') : temperature < 1 ? t('sharper') : temperature >= 10 ? t('almost even') : t('flatter'),
    topK: topK === 0 ? t('off') : topK >= vocab ? t('the whole vocabulary') : topK === 1 ? t('the likeliest alone') : t('the {0} likeliest', integer(topK)),
    topP: topP >= 1 ? t('off') : topP === 0 ? t('the likeliest alone') : t('until they sum to p'),
    minP: minP === 0 ? t('off') : minP >= 1 ? t('the likeliest alone') : t('at least p times the best'),
  };
}

/** How far the branch shown is, and why it goes no further. */
function stateText(view: ViewState): string {
  const { shown, generation: { tree, running, ended }, settings } = view;
  if (shown === null) return '';
  const { model } = shown.explanation;
  const count = pathTo(tree, tree.end).length;
  const written = t('{0} of {1} new tokens.', integer(count), integer(settings.newTokens));
  const last = tree.tokens[tree.end];
  switch (endOf(view)) {
    case 'eos':
      return `${written} ${t('Ended: the model drew {0}, its token for the end.', shortened(visibleText(last?.step?.pieces[last.id] ?? last?.step?.text ?? t('id {0}', last?.id ?? 0)), 24))}`;
    case 'context':
      return `${written} ${t('Ended: the text fills the {0} tokens that the model reads at once.', integer(model.contextLength))}`;
    case 'limit':
      return `${written} ${t('Ended at the limit: raise it to go on.')}`;
    case null:
      if (running) return written;
      if (count === 0 && ended === 'model') return t('The model was changed: what the other one had generated is gone.');
      if (count === 0 && ended === 'text') return t('Another text is explained: what was generated after the one before is gone.');
      if (count === 0) return model.eos?.length === 0 ? t('This model names no token for the end: a generation ends at its limit.') : t('Step draws one token after the text; Play draws until the end, the limit or Pause.');
      return written;
  }
}

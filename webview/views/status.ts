import { button } from '../controls.ts';
import { changeDetector, el } from '../dom.ts';
import { t } from '../strings.ts';
import type { PanelContext, View } from '../context.ts';
import type { ViewState } from '../state.ts';

/** Progress with Cancel, failure with Run Again and Show Log, cancelled, and the empty panel. */
export function createStatus(context: PanelContext): View {
  const root = el('section', { class: 'status', 'aria-live': 'polite' });
  const changed = changeDetector();
  const bar = el('div', { class: 'progress', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 }, el('div', { class: 'progress-fill' }));
  const message = el('p', { class: 'status-text' });
  const cancel = button(t('Cancel'), 'secondary', () => context.host.post({ type: 'cancel' }));
  const working = el('div', { class: 'status-working' }, message, cancel, bar);
  const runAgain = (): void => {
    context.host.post({ type: 'runAgain' });
  };
  let kind: string | undefined;
  return {
    root,
    update: (state) => {
      if (!changed(state.activity, state.shown === null)) return;
      root.classList.toggle('whole', state.shown === null);
      const { activity } = state;
      if (activity.kind === 'working') {
        if (kind !== 'working') root.replaceChildren(working);
        message.textContent = activity.message === '' ? t('Running the model…') : activity.message;
        showFraction(bar, activity.fraction);
      } else {
        root.replaceChildren(...resting(state, runAgain, () => context.host.post({ type: 'showLog' })));
      }
      kind = activity.kind;
      root.hidden = activity.kind === 'idle' && state.shown !== null;
    },
  };
}

/** Sets a progress bar; null: it moves without telling how far. */
export function showFraction(bar: HTMLElement, fraction: number | null): void {
  bar.classList.toggle('unknown', fraction === null);
  if (fraction === null) bar.removeAttribute('aria-valuenow');
  else bar.setAttribute('aria-valuenow', String(Math.round(fraction * 100)));
  bar.style.setProperty('--fraction', String(fraction ?? 0));
}

function resting({ activity, shown }: ViewState, runAgain: () => void, showLog: () => void): readonly HTMLElement[] {
  if (activity.kind === 'failed') {
    return [
      el('h2', {}, t('This text could not be explained')),
      el('p', { class: 'status-text' }, activity.message),
      el('div', { class: 'buttons' }, button(t('Run Again'), 'primary', runAgain), button(t('Show Log'), 'secondary', showLog)),
    ];
  }
  if (activity.kind === 'cancelled') {
    return [el('h2', {}, t('Cancelled')), el('p', { class: 'status-text' }, shown === null ? t('Nothing was computed. Run again whenever you like.') : t('The results below are from the previous run.')), el('div', { class: 'buttons' }, button(t('Run Again'), 'primary', runAgain))];
  }
  if (shown !== null) return [];
  return [
    el('h2', {}, t('Look inside a language model')),
    el('p', { class: 'status-text' }, t('Select some text in an editor, then run Explain Tokens from the context menu or the Command Palette. The model runs on this machine: your text never leaves it.')),
  ];
}

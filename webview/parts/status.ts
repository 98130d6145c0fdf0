import { button, progressBar } from './controls.ts';
import { changeDetector, el } from './dom.ts';
import { t } from '../strings.ts';
import type { PanelCommand, ShownExplanation, WorkSubject } from '../../src/protocol/messages.ts';
import { shortened } from '../../src/core/visibleText.ts';
import type { PanelContext, View } from '../context.ts';
import { isOutdated, type ViewState } from '../state.ts';
import { startParts } from './start.ts';

/** Length in characters of the excerpt that identifies a text. */
const EXCERPT = 48;

/**
 * The panel's status: progress with Cancel, a failure and what it concerns, a cancellation, or the empty panel; and which text and model
 * the results belong to while they are from an earlier run.
 */
export function createStatus({ host, store }: PanelContext): View {
  const root = el('section', { class: 'status', 'aria-live': 'polite' });
  const changed = changeDetector();
  const bar = progressBar(t('Progress'));
  const message = el('p', { class: 'status-text' });
  const cancel = button(t('Cancel'), 'secondary', () => host.post({ type: 'cancel' }));
  const working = el('div', { class: 'status-working' }, message, cancel, bar);
  const below = el('p', { class: 'status-below' });
  const buttons: Buttons = {
    runAgain: () => button(t('Run Again'), 'primary', () => host.post({ type: 'command', name: 'runAgain' })),
    showLog: () => button(t('Show Log'), 'secondary', () => host.post({ type: 'command', name: 'showLog' })),
    back: (label) =>
      button(t('Back to {0}', label), 'secondary', () => {
        store.dispatch({ type: 'dismiss' });
        host.post({ type: 'dismiss' });
      }),
  };
  const start = startParts(host);
  let kind: string | undefined;
  return {
    root,
    update: (state) => {
      if (!changed(state.activity, state.shown, state.reading)) return;
      root.classList.toggle('whole', state.shown === null && state.reading === null);
      const { activity } = state;
      if (activity.kind === 'working') {
        if (kind !== 'working') root.replaceChildren(working, below);
        const stage = activity.message === '' ? t('Running the model…') : activity.message;
        message.textContent = activity.about === null ? stage : t('{0}: {1}', activity.about.text, stage);
        showFraction(bar, activity.fraction);
      } else {
        root.replaceChildren(...resting(state, buttons, start), below);
      }
      below.hidden = !isOutdated(state);
      if (state.shown !== null) below.textContent = belowText(state.shown);
      kind = activity.kind;
      root.hidden = activity.kind === 'idle' && state.shown !== null;
    },
  };
}

interface Buttons {
  readonly runAgain: () => HTMLButtonElement;
  readonly showLog: () => HTMLButtonElement;
  /** Button that makes the earlier results the current ones again. */
  readonly back: (label: string) => HTMLButtonElement;
}

/** Names the earlier results: file and first words of their text, and the model that read it. */
function belowText({ source, explanation }: ShownExplanation): string {
  const begin = shortened(explanation.text.trim().replaceAll(/\s+/g, ' '), EXCERPT);
  return t('The dimmed results are from before: {0}, “{1}”, explained by {2}.', source.label, begin, explanation.model.name);
}

/** Sets a progress bar to a fraction 0..1; null: it moves without showing how far. */
export function showFraction(bar: HTMLElement, fraction: number | null): void {
  bar.classList.toggle('unknown', fraction === null);
  if (fraction === null) bar.removeAttribute('aria-valuenow');
  else bar.setAttribute('aria-valuenow', String(Math.round(fraction * 100)));
  bar.style.setProperty('--fraction', String(fraction ?? 0));
}

/** The text's file and the model's folder: one of the two is at fault. */
function whatFailed({ place, model }: WorkSubject): HTMLElement {
  const line = (name: string, value: string): HTMLElement => el('div', {}, el('dt', {}, name), el('dd', {}, value));
  return el('dl', { class: 'status-about' }, line(t('Text'), place), line(t('Model'), model === '' ? t('Bundled model') : model));
}

function resting(
  { activity, shown }: ViewState,
  { runAgain, showLog, back }: Buttons,
  start: readonly HTMLElement[],
): readonly HTMLElement[] {
  const toOld = shown === null ? [] : [back(shown.source.label)];
  // Above results there is the panel's own first heading.
  const heading = (text: string): HTMLElement => el(shown === null ? 'h1' : 'h2', {}, text);
  if (activity.kind === 'failed') {
    const { about } = activity;
    return [
      heading(about === null ? t('This text could not be explained') : t('{0} could not be explained', about.text)),
      el('p', { class: 'status-text' }, activity.message),
      ...(about === null ? [] : [whatFailed(about)]),
      el('div', { class: 'buttons wrap' }, runAgain(), showLog(), ...toOld),
    ];
  }
  if (activity.kind === 'cancelled') {
    const nothing = shown === null ? [el('p', { class: 'status-text' }, t('Nothing was computed. Run again whenever you like.'))] : [];
    return [heading(t('Cancelled')), ...nothing, el('div', { class: 'buttons wrap' }, runAgain(), ...toOld)];
  }
  return shown === null ? start : [];
}

/** Notice of a model named in the settings that could not be opened, and of the model used in its place. */
export function createRefusal({ host }: PanelContext): View {
  const ask = (text: string, name: PanelCommand): HTMLElement => button(text, 'secondary', () => host.post({ type: 'command', name }));
  const title = el('strong');
  const reason = el('p');
  const root = el(
    'div',
    { class: 'banner', role: 'alert', hidden: true },
    el('div', {}, title, reason),
    el('div', { class: 'buttons' }, ask(t('Choose Model'), 'chooseModel'), ask(t('Show Log'), 'showLog')),
  );
  const changed = changeDetector();
  return {
    root,
    update: ({ refusal }) => {
      if (!changed(refusal)) return;
      root.hidden = refusal === null;
      if (refusal === null) return;
      title.textContent = t(
        '{0} could not be opened: {1} stays in use.',
        refusal.model === '' ? t('Bundled model') : refusal.model,
        refusal.kept,
      );
      reason.textContent = refusal.message;
    },
  };
}

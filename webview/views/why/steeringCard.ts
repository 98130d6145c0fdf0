import { CancelledError } from '../../../src/core/errors.ts';
import type { PanelContext, View } from '../../context.ts';
import { button } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { failure, whileBusy } from '../../question.ts';
import { t } from '../../strings.ts';
import { createSteeringControls } from './steeringControls.ts';
import { createSteeringResult } from './steeringResult.ts';

/** Candidates of each side, and tokens generated. */
const CANDIDATES = 4;
const TOKENS = 24;

/** Steering: a vector made of two sets of texts is added to the residual of every token, and what follows the text is shown beside. */
export function createSteering(context: PanelContext): View {
  const { host, store, announce } = context;
  const controls = createSteeringControls();
  const start = button(t('Try it'), 'primary', () => void run());
  const cancel = button(t('Cancel'), 'secondary', () => stop());
  const notice = el('div', { class: 'notice' });
  const said = el('span', { class: 'caption', role: 'status' }, t('The texts are read, and what follows is generated…'));
  const working = el('div', { class: 'repeated-working', hidden: true }, said, cancel);
  const result = createSteeringResult(context);
  const changed = changeDetector();
  /** Number of trials begun: answers to one that was stopped are ignored. */
  let turn = 0;

  function stop(): void {
    turn++;
    host.drop('steering');
    const focused = working.contains(document.activeElement);
    working.hidden = true;
    start.hidden = false;
    if (focused) start.focus();
  }
  async function run(): Promise<void> {
    if (store.state().shown === null) return;
    const choice = controls.choice();
    result.show(null);
    notice.replaceChildren();
    if (choice.positive.length === 0 || choice.negative.length === 0) {
      notice.append(el('p', { class: 'view-failure', role: 'alert' }, t('Each side needs at least one text.')));
      return;
    }
    const own = ++turn;
    start.hidden = true;
    working.hidden = false;
    cancel.focus();
    try {
      const found = await whileBusy(root, host.query('steering', 'steer', { ...choice, count: CANDIDATES, tokens: TOKENS }));
      if (turn !== own) return;
      stop();
      result.show({ found, on: choice.on });
      announce(t('What follows is there, by the model as it is, steered, and with a random vector'));
    } catch (error) {
      if (turn !== own) return;
      stop();
      if (!(error instanceof CancelledError)) notice.replaceChildren(failure(error));
    }
  }
  const root: HTMLElement = el(
    'section',
    { class: 'card steering', 'aria-label': t('Steering') },
    el('h2', {}, t('Steering')),
    el(
      'p',
      { class: 'caption' },
      t(
        'Where texts of two kinds differ on average, the residual of one kind lies in one direction from that of the other. Add that ' +
          'direction while the model runs, and what it writes may turn towards the first kind. A random direction as long is the ' +
          'control: what it does too is not the meaning of the vector. Interventions that are on stay on.',
      ),
    ),
    controls.root,
    el('div', { class: 'buttons wrap' }, start),
    working,
    notice,
    result.root,
  );
  return {
    root,
    update: ({ shown }) => {
      if (shown === null || !changed(shown)) return;
      controls.setLayers(shown.explanation.model.layers);
      stop();
      notice.replaceChildren();
      result.show(null);
    },
  };
}

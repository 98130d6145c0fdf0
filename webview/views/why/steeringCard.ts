import type { PanelContext, View } from '../../context.ts';
import { button } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createNotice } from '../../parts/notice.ts';
import { foldout } from '../../parts/foldout.ts';
import { whileBusy } from '../../question.ts';
import { t } from '../../strings.ts';
import { createSteeringControls } from './steeringControls.ts';
import { createSteeringResult } from './steeringResult.ts';

/** Candidates of each side, and tokens generated. */
const CANDIDATES = 4;
const TOKENS = 24;

/** Steering: a vector of texts or tokens, or a kept one, is added to the residual, and what follows the text is shown beside. */
export function createSteering(context: PanelContext): View {
  const { host, store, announce } = context;
  const controls = createSteeringControls(context);
  const start = button(t('Try it'), 'primary', () => void run());
  const cancel = button(t('Cancel'), 'secondary', () => stop());
  const notice = createNotice();
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
    notice.clear();
    const own = ++turn;
    start.hidden = true;
    working.hidden = false;
    cancel.focus();
    try {
      const made = await whileBusy(root, controls.made());
      if (turn !== own) return;
      if (typeof made === 'string') {
        stop();
        return notice.fail(made);
      }
      const asked = { ...choice, source: made.source, count: CANDIDATES, tokens: TOKENS };
      const found = await whileBusy(root, host.query('steering', 'steer', asked));
      if (turn !== own) return;
      stop();
      result.show({ found, on: choice.on, made });
      announce(t('What follows is there, by the model as it is, steered, and with a random vector'));
    } catch (error) {
      if (turn !== own) return;
      stop();
      notice.fail(error);
    }
  }
  const fold = foldout(
    store,
    'steering',
    'steering-fold',
    [el('h2', {}, t('Steering'))],
    el(
      'p',
      { class: 'caption' },
      t(
        'Where texts of two kinds differ on average, the residual of one kind lies in one direction from that of the other; a token’s ' +
          'row of the unembedding is a direction too. Add one while the model runs, and what it writes may turn that way. A random ' +
          'direction as long is the control: what it does too is not the meaning of the vector. Interventions that are on stay on.',
      ),
    ),
    controls.root,
    el('div', { class: 'buttons wrap' }, start),
    working,
    notice.root,
    result.root,
  );
  const root: HTMLElement = el('section', { class: 'card steering needs-model', 'aria-label': t('Steering') }, fold.root);
  return {
    root,
    update: (state) => {
      fold.set(state.settings);
      controls.update(state);
      if (state.shown === null || !changed(state.shown)) return;
      stop();
      notice.clear();
      result.show(null);
    },
  };
}

import { meanOfSequences, REPEATED_SEQUENCES, type RepeatedHeads } from '../../../src/core/repeatedTokens.ts';
import { withoutPositions } from '../../../src/core/run.ts';
import type { Explanation } from '../../../src/core/trace.ts';
import type { PanelContext } from '../../context.ts';
import { button, progressBar } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { createNotice } from '../../parts/notice.ts';
import { integer } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import { showFraction } from '../../parts/status.ts';
import type { Host } from '../../vscodeApi.ts';

/**
 * Scores of the model's heads on repeated random tokens: requested with a button, kept for as long as the model and its interventions are
 * the same.
 */
export interface RepeatedScoring {
  readonly root: HTMLElement;
  /** The scores of the model that made this explanation; undefined until they have been requested and have arrived. */
  result(explanation: Explanation): RepeatedHeads | undefined;
  update(explanation: Explanation): void;
}

/** Creates the button. `done` is called when scores have arrived. */
export function createRepeatedScoring({ host, announce }: PanelContext, done: () => void): RepeatedScoring {
  const start = button(t('Score on repeated random tokens'), 'secondary', () => void run());
  start.title = t(
    'The first token and {0} random tokens twice, {1} times over, always the same: what comes next cannot be guessed but ' +
      'by looking back (Olsson et al. 2022).',
    50,
    REPEATED_SEQUENCES,
  );
  start.classList.add('needs-model');
  const cancel = button(t('Cancel'), 'secondary', () => stop());
  const bar = progressBar(t('Score on repeated random tokens'));
  const message = el('span', { class: 'caption', role: 'status' });
  const working = el('div', { class: 'repeated-working', hidden: true }, message, cancel, bar);
  const notice = createNotice();
  const root = el('div', { class: 'repeated-heads' }, start, working, notice.root);
  let shownModel = '';
  let known: { readonly model: string; readonly heads: RepeatedHeads } | undefined;
  /** Number of runs begun: answers to a run that was stopped are ignored. */
  let turn = 0;

  function stop(): void {
    turn++;
    host.drop('repeatedHeads');
    const focused = working.contains(document.activeElement);
    working.hidden = true;
    start.hidden = known?.model === shownModel;
    if (focused) start.focus();
  }

  async function run(): Promise<void> {
    const own = ++turn;
    const model = shownModel;
    notice.clear();
    start.hidden = true;
    working.hidden = false;
    cancel.focus();
    try {
      const heads = await scoreRepeated(host, 'repeatedHeads', (sequence) => {
        message.textContent = t('Sequence {0} of {1}', integer(sequence + 1), integer(REPEATED_SEQUENCES));
        showFraction(bar, sequence / REPEATED_SEQUENCES);
        return turn === own;
      });
      if (heads === null || turn !== own) return;
      known = { model, heads };
      stop();
      announce(t('Scored on repeated random tokens'));
      done();
    } catch (error) {
      if (turn !== own) return;
      stop();
      notice.fail(error);
    }
  }

  return {
    root,
    result: (explanation) => (known?.model === modelKey(explanation) ? known.heads : undefined),
    update: (explanation) => {
      const now = modelKey(explanation);
      if (now === shownModel) return;
      shownModel = now;
      notice.clear();
      stop();
    },
  };
}

/**
 * Scores the heads on one sequence after another, so that other queries are answered in between, and a cancelled run ends soon. `next` is
 * called before each, and returns whether it is still wanted; null: it was not.
 */
export async function scoreRepeated(host: Host, slot: string, next: (sequence: number) => boolean): Promise<RepeatedHeads | null> {
  const parts: RepeatedHeads[] = [];
  for (let sequence = 0; sequence < REPEATED_SEQUENCES; sequence++) {
    if (!next(sequence)) return null;
    parts.push(await host.query(slot, 'repeatedHeads', { sequence }));
  }
  return meanOfSequences(parts) ?? null;
}

/** Tells models apart, and one under other interventions. */
export function modelKey(explanation: Explanation): string {
  const { model, run } = explanation;
  const key = keys.get(explanation) ?? JSON.stringify([model, withoutPositions(run.recipe)]);
  keys.set(explanation, key);
  return key;
}

/** The key is asked for at each move of the pointer. */
const keys = new WeakMap<Explanation, string>();

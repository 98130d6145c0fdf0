import { REPEATED_SEQUENCES } from '../../../src/core/repeatedTokens.ts';
import type { Explanation } from '../../../src/core/trace.ts';
import type { PanelContext, View } from '../../context.ts';
import {
  byInduction,
  RANDOM_DRAWS,
  randomHeads,
  type CopyExperiment,
  type CopyRun,
  type ScoredHead,
} from '../../figures/copyExperiment.ts';
import { button, progressBar, select, textField } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createNotice } from '../../parts/notice.ts';
import { foldout } from '../../parts/foldout.ts';
import { displayLanguage, integer } from '../../parts/format.ts';
import { showFraction } from '../../parts/status.ts';
import { t } from '../../strings.ts';
import { MAX_TYPED } from '../../viewSettings.ts';
import { modelKey, scoreRepeated } from '../attention/repeatedHeads.ts';
import { createCopyResult } from './copyResult.ts';

/** Sentences whose second copy is hard to guess but by looking back; in the display language. */
const SENTENCES = {
  english: ' On Tuesday Harriet Pemberton sold nineteen purple lanterns to a sailor from Lisbon.',
  chinese: '星期二，林若溪把十九盏紫灯笼卖给了一个从里斯本来的水手。',
} as const;
/** Most heads that are switched off together, and how many at first. */
const MOST_HEADS = 8;
const FIRST_HEADS = 5;

/** What a run is asked for, as long as it lasts. */
interface Asked {
  readonly text: string;
  readonly count: number;
}

/** A guided experiment: a sentence given twice, and what its second copy costs without the heads that look back for it. */
export function createCopyExperiment(context: PanelContext): View {
  const { host, store, announce } = context;
  let sentence: string = displayLanguage().startsWith('zh') ? SENTENCES.chinese : SENTENCES.english;
  let count = FIRST_HEADS;
  const typed = textField(t('Sentence'), MAX_TYPED, '', (value) => (sentence = value));
  const heads = select(t('Heads to switch off'), (value) => (count = value));
  const start = button(t('Run the experiment'), 'primary', () => void run());
  const cancel = button(t('Cancel'), 'secondary', () => stop());
  const bar = progressBar(t('Run the experiment'));
  const message = el('span', { class: 'caption', role: 'status' });
  const working = el('div', { class: 'repeated-working', hidden: true }, message, cancel, bar);
  const notice = createNotice();
  const result = createCopyResult(context);
  const changed = changeDetector();
  /** Number of runs begun: answers to a run that was stopped are ignored. */
  let turn = 0;
  /** The model's heads by their scores, once they are known. */
  let scored: { readonly model: string; readonly heads: readonly ScoredHead[] } | undefined;

  function stop(): void {
    turn++;
    host.drop('copyExperiment');
    const focused = working.contains(document.activeElement);
    working.hidden = true;
    start.hidden = false;
    if (focused) start.focus();
  }
  async function run(): Promise<void> {
    const { shown } = store.state();
    if (shown === null) return;
    const own = ++turn;
    notice.clear();
    result.show(null);
    start.hidden = true;
    working.hidden = false;
    cancel.focus();
    try {
      const made = await experiment(shown.explanation, { text: sentence, count }, () => turn === own);
      if (made === null) return;
      stop();
      result.show(made);
      announce(t('The experiment is done'));
    } catch (error) {
      if (turn !== own) return;
      stop();
      notice.fail(error);
    }
  }
  /** All runs of the experiment, one after another, so that a cancelled one ends soon; null: it was stopped. */
  async function experiment(explanation: Explanation, { text, count }: Asked, wanted: () => boolean): Promise<CopyExperiment | null> {
    const known = scored?.model === modelKey(explanation) ? scored.heads : null;
    const runs = (known === null ? REPEATED_SEQUENCES : 0) + 2 + RANDOM_DRAWS;
    let done = 0;
    const next = (what: string): boolean => {
      message.textContent = what;
      showFraction(bar, done++ / runs);
      return wanted();
    };
    const looking = (sequence: number): boolean =>
      next(t('Looking for induction heads: sequence {0} of {1}', integer(sequence + 1), integer(REPEATED_SEQUENCES)));
    const found = known === null ? await scoreRepeated(host, 'copyExperiment', looking) : null;
    const ranked = known ?? (found === null ? null : byInduction(found, explanation.model));
    if (ranked === null) return null;
    scored = { model: modelKey(explanation), heads: ranked };
    const chosen = ranked.slice(0, count);
    const sets = [[], chosen.map(({ layer, head }) => ({ layer, head })), ...randomHeads(ranked.slice(count), count)];
    const made: CopyRun[] = [];
    for (const heads of sets) {
      if (!next(t('Reading the sentence twice: {0} of {1}', integer(made.length + 1), integer(sets.length)))) return null;
      made.push({ heads, loss: await host.query('copyExperiment', 'copyLoss', { text, heads }) });
    }
    const [before, induction, ...random] = made;
    if (!wanted() || before === undefined || induction === undefined) return null;
    return { before, induction, random, scores: chosen.map(({ score }) => score) };
  }
  const title = t('Experiment: what induction heads do');
  const fold = foldout(
    store,
    'experiment',
    'experiment-fold',
    [el('h2', {}, title)],
    el(
      'p',
      { class: 'caption' },
      t(
        'A sentence that comes a second time is easy to predict for whoever looks back: after a word, look for where that word stood ' +
          'before, and say what followed it there. Heads that do so are called induction heads (Olsson et al. 2022). They are found on ' +
          'random tokens given twice, by their attention to the token after the earlier copy of the present one. Do they matter? ' +
          'Switch them off, and read a sentence twice; then do the same with as many other heads, drawn at random.',
      ),
    ),
    el('div', { class: 'copy-controls' }, typed.root, heads.root, start),
    working,
    notice.root,
    result.root,
  );
  return {
    root: el('section', { class: 'card copy-experiment needs-model', 'aria-label': title }, fold.root),
    update: ({ shown, settings }) => {
      fold.set(settings);
      if (shown === null || !changed(modelKey(shown.explanation))) return;
      const { layers, heads: each } = shown.explanation.model;
      // As many others are to be left for the comparison.
      const most = Math.max(1, Math.min(MOST_HEADS, Math.floor((layers * each) / 2)));
      count = Math.min(count, most);
      typed.set(sentence);
      heads.set(
        Array.from({ length: most }, (_, i) => [i + 1, integer(i + 1)]),
        count,
      );
      stop();
      notice.clear();
      result.show(null);
    },
  };
}

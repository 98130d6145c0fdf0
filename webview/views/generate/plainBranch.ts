import type { PanelContext, View } from '../../context.ts';
import { NAMED } from '../../generation/generator.ts';
import { pathTo, type DrawSettings, type GeneratedToken, type GenerationTree } from '../../generation/generationTree.ts';
import { button, progressBar } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createNotice } from '../../parts/notice.ts';
import { integer } from '../../parts/format.ts';
import { createLongRun } from '../../parts/longRun.ts';
import { showFraction } from '../../parts/status.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';

/** Steps asked for together. */
const TOGETHER = 16;
const SLOT = 'plainBranch';

/**
 * What the model writes without the interventions that are on, beside the branch on show: after the same text, with the settings that the
 * branch was drawn with, to the same length.
 */
export function createPlainBranch(context: PanelContext): View {
  const { host, store, announce } = context;
  const start = button(t('Write the same without interventions'), 'secondary', () => void run());
  const cancel = button(t('Cancel'), 'secondary', () => writing.stop());
  const message = el('span', { class: 'caption', role: 'status' });
  const bar = progressBar(t('Generating'));
  const working = el('div', { class: 'repeated-working', hidden: true }, message, cancel, bar);
  const notice = createNotice();
  const mixed = el(
    'p',
    { class: 'caption' },
    t('The branch holds tokens that were taken by hand, or drawn with different settings: written again without them it would be another.'),
  );
  const [withThem, without] = [side(t('With the interventions')), side(t('Without them'))];
  const same = el('p', { class: 'caption' });
  const found = el('div', { class: 'plain-found', hidden: true }, el('div', { class: 'plain-sides' }, withThem.root, without.root), same);
  const root = el(
    'section',
    { class: 'card plain-branch', 'aria-label': t('Beside: without interventions'), hidden: true },
    el('h2', {}, t('Beside: without interventions')),
    el(
      'p',
      { class: 'caption' },
      t(
        'The same text, settings and random numbers, place by place, but the model as it is: from the first token that differs on, the ' +
          'interventions made the difference.',
      ),
    ),
    mixed,
    el('div', { class: 'buttons wrap' }, start),
    working,
    notice.root,
    found,
  );
  /** What was written without interventions, for the branch that ends there. */
  let plain: { readonly end: number; readonly prompt: string; readonly ids: readonly number[] } | null = null;
  const writing = createLongRun(host, SLOT, () => draw(store.state()), notice.fail);
  const branchChanged = changeDetector();

  async function run(): Promise<void> {
    const { generation, settings } = store.state();
    const branch = branchOf(generation.tree);
    const drawn = settingsOf(branch);
    if (drawn === null) return;
    const { end, prompt } = generation.tree;
    notice.clear();
    found.hidden = true;
    plain = { end, prompt, ids: [] };
    const focused = document.activeElement === start;
    const ended = writing.start(async (wanted) => {
      const ids: number[] = [];
      for (let isOver = false; !isOver && ids.length < branch.length;) {
        const most = Math.min(TOGETHER, branch.length - ids.length);
        const asked = { continuation: [...ids], ...drawn, topK: NAMED, pastEnd: settings.pastEnd, most };
        const { steps } = await host.query(SLOT, 'plainSteps', asked);
        if (!wanted()) return;
        ids.push(...steps.map(({ id }) => id));
        isOver = steps.at(-1)?.stop !== null;
        plain = { end, prompt, ids: [...ids] };
        draw(store.state());
      }
      const own = branch.map(({ id }) => id);
      const texts = [await host.query(SLOT, 'textOf', { ids: own }), await host.query(SLOT, 'textOf', { ids })] as const;
      if (!wanted()) return;
      withThem.show(texts[0].text);
      without.show(texts[1].text);
      same.textContent = sameText(own, ids);
      found.hidden = false;
      announce(t('The text without interventions is there'));
    });
    if (focused) cancel.focus();
    await ended;
  }
  function draw({ shown, generation: { tree, running } }: ViewState): void {
    const branch = branchOf(tree);
    root.hidden = shown === null || shown.explanation.run.recipe.length === 0 || branch.length === 0 || running;
    const isWriting = writing.isRunning();
    const focused = !isWriting && working.contains(document.activeElement);
    working.hidden = !isWriting;
    mixed.hidden = settingsOf(branch) !== null;
    start.hidden = isWriting || !mixed.hidden;
    const done = plain?.ids.length ?? 0;
    message.textContent = t('{0} of {1} tokens written', integer(done), integer(branch.length));
    showFraction(bar, done / Math.max(1, branch.length));
    if (focused && !start.hidden) start.focus();
  }
  return {
    root,
    update: (state) => {
      const { tree } = state.generation;
      if (branchChanged(state.shown, tree.end, tree.prompt)) {
        writing.halt();
        plain = null;
        found.hidden = true;
        notice.clear();
      }
      draw(state);
    },
  };
}

function branchOf(tree: GenerationTree): readonly GeneratedToken[] {
  return pathTo(tree, tree.end).flatMap((index) => tree.tokens[index] ?? []);
}

/** The settings that all tokens of a branch were drawn with; null: they differ, or one was taken by hand. */
function settingsOf(branch: readonly GeneratedToken[]): DrawSettings | null {
  const [first] = branch;
  const key = JSON.stringify(first?.settings);
  return first !== undefined && branch.every(({ taken, settings }) => !taken && JSON.stringify(settings) === key) ? first.settings : null;
}

function side(title: string): { readonly root: HTMLElement; readonly show: (text: string) => void } {
  const written = el('p', { class: 'steering-written' });
  return {
    root: el('div', { class: 'steering-text', role: 'group', 'aria-label': title }, el('h3', {}, title), written),
    show: (text) => {
      written.textContent = text === '' ? t('(ends at once)') : text;
    },
  };
}

/** Where two sides part. */
function sameText(own: readonly number[], plain: readonly number[]): string {
  const parted = own.findIndex((id, index) => plain[index] !== id);
  if (parted < 0) return own.length === 1 ? t('Both are the same token.') : t('Both are the same, all {0} tokens.', integer(own.length));
  if (parted === 0) return t('They differ from the first token on.');
  return parted === 1 ? t('The first token is the same.') : t('The first {0} tokens are the same.', integer(parted));
}

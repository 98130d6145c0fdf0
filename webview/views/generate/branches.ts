import { html, type TemplateResult } from 'lit-html';
import { CancelledError, messageOf } from '../../../src/core/errors.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import type { PanelContext, View } from '../../context.ts';
import { changeDetector, el, stepKey } from '../../parts/dom.ts';
import { decimal, integer, tokensText } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { drawInto } from '../../parts/templates.ts';
import { branchesOf, numbersOf, type Branch, type GenerationTree } from '../../generation/generationTree.ts';
import { t } from '../../strings.ts';

/** Most branches whose text is requested; nobody reads a longer list. */
const MAX_READ = 200;
/** Most tokens of a branch whose text is in its row; there is no room for more. */
const MAX_SHOWN = 120;

/** List of the branches in the order of their forks: text, place of the fork, and the model's log-probability of the whole branch. */
export function createBranches({ host, store }: PanelContext): View {
  const list = el('div', { class: 'branch-list', role: 'tree', 'aria-label': t('Branches') });
  const root = el(
    'section',
    { class: 'card branches', 'aria-label': t('Branches') },
    el('div', { class: 'card-head' }, el('h2', {}, t('Branches'))),
    el(
      'p',
      { class: 'caption' },
      t(
        'ln p: natural logarithm of the probability that the model, at temperature 1 and without filters, gives all ' +
          'tokens of the branch from the text’s end on.',
      ),
    ),
    list,
  );
  /** Texts by the token ids that spell them. */
  const texts = new Map<string, string>();
  let reading = false;
  let branches: readonly Branch[] = [];
  const changed = changeDetector();
  const drawn = changeDetector();

  const idsOf = (tree: GenerationTree, { tokens }: Branch): readonly number[] => tokens.map((index) => tree.tokens[index]?.id ?? 0);
  const read = async (): Promise<void> => {
    if (reading) return;
    reading = true;
    try {
      for (const branch of branches.slice(0, MAX_READ)) {
        const ids = idsOf(store.state().generation.tree, branch);
        const key = ids.join();
        if (!texts.has(key)) texts.set(key, (await host.query('branchText', 'textOf', { ids })).text);
      }
    } catch (error) {
      if (!(error instanceof CancelledError)) list.title = messageOf(error);
    } finally {
      reading = false;
      draw();
    }
  };
  const draw = (): void => {
    const { tree, running } = store.state().generation;
    if (!drawn(tree, running, texts.size)) return;
    const focused = list.contains(document.activeElement);
    drawInto(
      list,
      branches.map((branch) => rowTemplate(branch, tree, texts.get(idsOf(tree, branch).join()))),
    );
    if (focused) list.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  };
  const select = (branch: Branch | undefined): void => {
    if (branch !== undefined) store.dispatch({ type: 'selectGenerated', index: branch.end });
  };
  list.addEventListener('click', (event) => {
    const item = event.target instanceof Element ? event.target.closest<HTMLElement>('[role="treeitem"]') : null;
    if (item !== null) select(branches.find(({ end }) => end === Number(item.dataset['end'])));
  });
  list.addEventListener('keydown', (event) => {
    const { end } = store.state().generation.tree;
    const next = stepKey(
      plainKey(event),
      branches.findIndex((branch) => branch.end === end),
      branches.length,
    );
    if (next === undefined || event.key === 'ArrowLeft' || event.key === 'ArrowRight') return;
    event.preventDefault();
    select(branches[next]);
  });

  return {
    root,
    update: ({ shown, generation: { tree, running } }) => {
      if (shown === null) return;
      if (changed(shown, tree, running)) branches = branchesOf(tree);
      root.hidden = branches.length === 0;
      if (root.hidden) return;
      draw();
      if (!running) void read();
    },
  };
}

function rowTemplate(
  { depth, forkedAfter, tokens, logprob, end }: Branch,
  tree: GenerationTree,
  known: string | undefined,
): TemplateResult {
  const pieces = tokens.slice(0, MAX_SHOWN).map((index) => {
    const token = tree.tokens[index];
    return token === undefined ? '' : (numbersOf(token)?.text ?? '');
  });
  const text = visibleText(known?.slice(0, 4 * MAX_SHOWN) ?? pieces.join(''));
  const place = forkedAfter === 0 ? t('from the text’s end') : t('forks after token {0}', integer(forkedAfter));
  const total = logprob === null ? 'ln p …' : `ln p ${decimal(logprob, 2)}`;
  const shown = end === tree.end;
  return html`<div
    class="branch"
    role="treeitem"
    aria-level=${depth + 1}
    aria-selected=${shown}
    tabindex=${shown ? 0 : -1}
    data-end=${end}
    style="--depth: ${Math.min(8, depth)}"
  >
    <span class="branch-text token-text" title=${text}>${text === '' ? '…' : text}</span>
    <span class="branch-facts">${place} · ${tokensText(forkedAfter + tokens.length)} · ${total}</span>
  </div>`;
}

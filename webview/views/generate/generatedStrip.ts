import { html } from 'lit-html';
import { surprisalBits } from '../../../src/core/probability.ts';
import { shortened, visibleText, visibleToken } from '../../../src/core/visibleText.ts';
import { css } from '../../colour.ts';
import type { PanelContext, View } from '../../context.ts';
import { changeDetector, el, stepKey } from '../../parts/dom.ts';
import { guessBits } from '../../figures/tokenColour.ts';
import { bits, integer, percent } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { drawInto } from '../../parts/templates.ts';
import { numbersOf, pathTo, type GeneratedToken, type GenerationTree } from '../../generation/generationTree.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { colourAt, textOn } from '../../theme.ts';

/** Number of tokens of the explained text shown before the generated ones. */
const LEAD = 12;

/** Strip of the end of the text and the branch shown. Left and right move along the branch, up and down to other branches. */
export function createGeneratedStrip({ store }: PanelContext): View {
  const lead = el('div', { class: 'generated-lead' });
  const list = el('div', { class: 'generated', role: 'listbox', 'aria-label': t('Generated tokens'), 'aria-orientation': 'horizontal' });
  const hint = el(
    'p',
    { class: 'caption' },
    t(
      'Left and right walk along the branch, up and down to other branches. A line above a token: other tokens were ' +
        'taken here too. The colour is the surprisal.',
    ),
  );
  const root = el(
    'section',
    { class: 'card generated-card', 'aria-label': t('Text so far') },
    el('div', { class: 'generated-text' }, lead, list),
    hint,
  );
  const select = (index: number): void => store.dispatch({ type: 'selectGenerated', index });
  let chips: { readonly index: number; readonly chip: HTMLElement; readonly changed: (...values: readonly unknown[]) => boolean }[] = [];
  const leadChanged = changeDetector();
  const coloured = changeDetector();

  list.addEventListener('click', (event) => {
    const chip = event.target instanceof Element ? event.target.closest<HTMLElement>('.token') : null;
    if (chip !== null) select(Number(chip.dataset['index']));
  });
  list.addEventListener('keydown', (event) => {
    const { tree } = store.state().generation;
    const path = pathTo(tree, tree.end);
    const next =
      plainKey(event) === 'ArrowUp' || plainKey(event) === 'ArrowDown'
        ? sibling(tree, tree.selected, event.key === 'ArrowDown')
        : path[stepKey(plainKey(event), path.indexOf(tree.selected), path.length) ?? -1];
    if (next === undefined) return;
    event.preventDefault();
    select(next);
    chips.find(({ index }) => index === next)?.chip.focus();
  });

  return {
    root,
    update: (state) => {
      const {
        shown,
        generation: { tree, running },
        theme,
      } = state;
      if (shown === null) return;
      if (leadChanged(shown)) {
        const { tokens } = shown.explanation;
        drawInto(lead, [
          tokens.length > LEAD ? '… ' : '',
          ...tokens.slice(-LEAD).map((token) => html`<span class="token-text lead-token">${visibleToken(token)}</span>`),
        ]);
      }
      const path = pathTo(tree, tree.end);
      const kept = path.findIndex((index, place) => chips[place]?.index !== index);
      const same = kept < 0 ? path.length : kept;
      for (const { chip } of chips.splice(same)) chip.remove();
      for (const index of path.slice(same)) {
        const chip = el('span', { class: 'token token-text', role: 'option', tabindex: -1, 'data-index': index });
        chips.push({ index, chip, changed: changeDetector() });
        list.append(chip);
      }
      list.hidden = path.length === 0;
      hint.hidden = path.length === 0;
      if (!coloured(tree, theme, shown)) return;
      const forks = forkedParents(tree);
      for (const { index, chip, changed } of chips) {
        const token = tree.tokens[index];
        const [selected, forked] = [index === tree.selected, token !== undefined && forks.has(token.parent)];
        if (token !== undefined && changed(token, selected, forked, theme, shown)) paint(chip, token, selected, forked, state);
      }
      if (running) list.scrollTop = list.scrollHeight;
    },
  };
}

function paint(chip: HTMLElement, token: GeneratedToken, selected: boolean, forked: boolean, { shown, theme }: ViewState): void {
  const numbers = numbersOf(token);
  const text = numbers === null ? t('id {0}', token.id) : visibleText(numbers.text);
  if (chip.textContent !== text) chip.textContent = text;
  const share =
    numbers === null ? Number.NaN : Math.min(1, surprisalBits(Math.log(numbers.prob)) / guessBits(shown?.explanation.model.vocab ?? 2));
  const colour = Number.isNaN(share) ? undefined : colourAt(theme.heat, share);
  chip.style.backgroundColor = colour === undefined ? '' : css(colour);
  chip.style.color = colour === undefined ? '' : css(textOn(theme, colour));
  chip.style.setProperty('--share', Number.isNaN(share) ? '0' : share.toFixed(3));
  chip.classList.toggle('forked', forked);
  chip.classList.toggle('taken', token.taken);
  chip.tabIndex = selected ? 0 : -1;
  chip.setAttribute('aria-selected', String(selected));
  const facts =
    numbers === null
      ? ''
      : `${percent(numbers.prob)}, ${t('rank {0}', integer(numbers.rank))}, ${bits(surprisalBits(Math.log(numbers.prob)))}`;
  const label = [shortened(text, 40), facts, token.taken ? t('taken by you') : '', forked ? t('other branches here') : '']
    .filter((part) => part !== '')
    .join(', ');
  chip.setAttribute('aria-label', label);
  chip.title = label;
}

/** Indices of the tokens that are followed by several tokens; -1: the explained text. */
function forkedParents({ tokens }: GenerationTree): ReadonlySet<number> {
  const seen = new Set<number>();
  const forked = new Set<number>();
  for (const { parent } of tokens) {
    if (seen.has(parent)) forked.add(parent);
    seen.add(parent);
  }
  return forked;
}

/** Index of the next token at the same position of the tree, or of the previous one. */
function sibling({ tokens }: GenerationTree, index: number, next: boolean): number | undefined {
  const parent = tokens[index]?.parent;
  const here = tokens.flatMap((token, other) => (token.parent === parent ? [other] : []));
  return here[here.indexOf(index) + (next ? 1 : -1)];
}

import { CancelledError } from '../../src/core/errors.ts';
import { at } from '../../src/core/tensor.ts';
import type { Token } from '../../src/core/trace.ts';
import type { WordByLayer } from '../../src/core/vectors.ts';
import { failureNotice, whileBusy, type PanelContext, type View } from '../context.ts';
import { button, segmented, select, textField } from '../controls.ts';
import { changeDetector, el } from '../dom.ts';
import { layerLinesFigure, placeLabel } from '../figures/layerLines.ts';
import { sharedTokens, snippet, validPick, type SharedToken } from '../figures/occurrences.ts';
import { decimal, integer } from '../format.ts';
import { createPlot } from '../plot.ts';
import { MAX_TYPED, type ContextPick } from '../settings.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { examples } from '../words.ts';

/** The texts looked at: the explained one (ids null), or two typed ones. */
interface Sides {
  readonly first: { readonly tokens: readonly Token[]; readonly ids: readonly number[] | null };
  readonly second: { readonly tokens: readonly Token[]; readonly ids: readonly number[] | null };
  readonly same: boolean;
}

/** One token at two places: the same static vector, and how its vectors part from layer to layer. */
export function createWordContext(context: PanelContext): View {
  const { store, host } = context;
  const change = (settings: Partial<ViewState['settings']>): void => store.dispatch({ type: 'settings', change: settings });
  const where = segmented<'text' | 'typed'>(t('Look in'), [['text', t('This text')], ['typed', t('Two texts')]], (contextIn) => change({ contextIn }), true);
  const example = button(t('Example: one word, two meanings'), 'link', () => change({ contextIn: 'typed', contextTexts: null, contextPick: null }));
  const typed = (): readonly [string, string] => store.state().settings.contextTexts ?? examples().texts;
  const texts = [textField(t('First text'), MAX_TYPED, '', (text) => change({ contextTexts: [text, typed()[1]] })), textField(t('Second text'), MAX_TYPED, '', (text) => change({ contextTexts: [typed()[0], text] }))] as const;
  const typedRow = el('div', { class: 'two-columns' }, texts[0].root, texts[1].root);
  const word = select(t('Token'), (id) => change({ contextPick: { id, first: -1, second: -1 } }));
  const places = [select(t('First place'), (first) => repick({ first })), select(t('Second place'), (second) => repick({ second }))] as const;
  const picks = el('div', { class: 'picks' }, word.root, places[0].root, places[1].root);
  const title = el('h3');
  const plot = createPlot(t('Cosine of the two vectors over the layers'), { hover: (point, event) => hover(point?.x, event), resized: () => draw(store.state()) });
  const keys = el('ul', { class: 'line-keys' }, el('li', {}, el('span', { class: 'line-key', 'aria-hidden': 'true' }), t('this token at the two places')), el('li', {}, el('span', { class: 'line-key dashed', 'aria-hidden': 'true' }), t('mean of any two different tokens')));
  const numbers = el('table', { class: 'visually-hidden' });
  const figures = el('div', { class: 'context-figures' }, title, keys, plot.root, numbers);
  const notice = el('p', { class: 'caption' });
  const root = el('section', { class: 'card', 'aria-label': t('One token in two contexts') }, el('div', { class: 'card-head' }, el('h2', {}, t('Static and contextual: one token at two places')), example),
    el('div', { class: 'toolbar' }, where.root), typedRow, picks, figures, notice);
  let sides: Sides | undefined;
  let pick: ContextPick | null = null;
  let answer: WordByLayer | undefined;
  const asked = changeDetector();
  const drawn = changeDetector();

  function repick(part: Partial<ContextPick>): void {
    if (pick !== null) change({ contextPick: { ...pick, ...part } });
  }
  function hover(index: number | undefined, event: MouseEvent | null): void {
    if (index === undefined || event === null || answer === undefined) return context.tooltip.hide();
    const typical = at(answer.typical, index);
    context.tooltip.show({ title: placeLabel(index), rows: [[t('Cosine'), decimal(at(answer.cosines, index), 6)], [t('Any two tokens'), Number.isNaN(typical) ? '–' : decimal(typical, 4)]] }, event.clientX, event.clientY);
  }

  async function readSides({ shown, settings }: ViewState): Promise<Sides | undefined> {
    if (settings.contextIn === 'text') {
      const side = { tokens: shown?.explanation.tokens ?? [], ids: null };
      return { first: side, second: side, same: true };
    }
    const [one, other] = typed();
    if (one === '' || other === '') return undefined;
    const first = await host.query('contextFirst', 'readText', { text: one });
    const second = await host.query('contextSecond', 'readText', { text: other });
    const side = (tokens: readonly Token[]): Sides['first'] => ({ tokens, ids: tokens.map(({ id }) => id) });
    return { first: side(first.tokens), second: side(second.tokens), same: false };
  }

  async function load(state: ViewState): Promise<void> {
    const { settings } = state;
    try {
      sides = await whileBusy(root, readSides(state));
      if (sides === undefined) return clear(t('Type two texts that share a word.'));
      const { first, second, same } = sides;
      const shared = sharedTokens(first.tokens, same ? null : second.tokens);
      pick = validPick(shared, settings.contextPick, same ? settings.selected : null, same);
      if (pick === null) return clear(same ? t('No token occurs twice in this text. Look in two texts, or try the example.') : t('The two texts share no token. A word at the start of a text, or in capitals, is often another token.'));
      const chosen = pick;
      showPicks(shared, chosen, sides);
      answer = await whileBusy(root, host.query('wordByLayer', 'wordByLayer', { first: { ids: first.ids, token: chosen.first }, second: { ids: second.ids, token: chosen.second } }));
      const token = first.tokens[chosen.first];
      title.replaceChildren(el('span', { class: 'token-text chip' }, shared.find(({ id }) => id === chosen.id)?.text ?? ''), el('span', { class: 'beside' }, t('token id {0}', integer(token?.id ?? chosen.id))));
      numbers.replaceChildren(el('caption', {}, t('Cosine of the two vectors over the layers')), ...Array.from(answer.cosines, (value, index) => el('tr', {}, el('th', { scope: 'row' }, placeLabel(index)), el('td', {}, decimal(value, 4)))));
      notice.textContent = t('In the static table both places hold the same row: cosine 1. Each layer mixes in what stands before; “input” is what the first block reads, with positions where the model adds them. Dashed: how alike any two different tokens of the first text are there on average, without its first.');
      for (const part of [picks, figures]) part.hidden = false;
      draw(store.state());
    } catch (error) {
      if (error instanceof CancelledError) return;
      clear('');
      failureNotice(notice, error);
    }
  }

  function showPicks(shared: readonly SharedToken[], chosen: ContextPick, { first, second, same }: Sides): void {
    word.set(shared.map(({ id, text, first: own, second: other }) => [id, `${text}  (${same ? own.length : `${own.length} + ${other.length}`}×)`]), chosen.id);
    const found = shared.find(({ id }) => id === chosen.id);
    places[0].set((found?.first ?? []).filter((place) => !same || place !== chosen.second).map((place) => [place, snippet(first.tokens, place)]), chosen.first);
    places[1].set((found?.second ?? []).filter((place) => !same || place !== chosen.first).map((place) => [place, snippet(second.tokens, place)]), chosen.second);
  }

  function clear(sentence: string): void {
    answer = undefined;
    for (const part of [picks, figures]) part.hidden = true;
    notice.textContent = sentence;
  }

  function draw({ theme }: ViewState): void {
    const width = plot.width();
    if (answer === undefined || width === 0 || !drawn(answer, width, theme)) return;
    plot.draw(layerLinesFigure([{ name: 'typical', values: answer.typical, kind: 'reference' }, { name: 'word', values: answer.cosines, kind: 'main' }], width, theme));
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      where.set(settings.contextIn);
      typedRow.hidden = settings.contextIn !== 'typed';
      texts.forEach((field, index) => field.set(typed()[index] ?? ''));
      if (asked(shown, settings.contextIn, settings.contextTexts, settings.contextPick)) void load(state);
      else draw(state);
    },
  };
}

import { html } from 'lit-html';
import type { Token } from '../../../src/core/trace.ts';
import type { WordByLayer } from '../../../src/core/vectors.ts';
import type { PanelContext, View } from '../../context.ts';
import { button, segmented, textField } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { placeLabel } from '../../figures/layerLines.ts';
import { sharedTokens, validPick } from '../../figures/occurrences.ts';
import { cosineText, integer } from '../../parts/format.ts';
import { createCosineLines } from '../../parts/cosineLines.ts';
import { MAX_TYPED } from '../../viewSettings.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { Host } from '../../vscodeApi.ts';
import { examples, exampleSentence } from '../../parts/words.ts';
import { createContextPicks, type Sides } from './contextPicks.ts';
import { createFrameSwitch } from '../../parts/vectorFrame.ts';
import { besideTemplate, chipTemplate, drawInto } from '../../parts/templates.ts';

interface Answer extends WordByLayer {
  readonly word: string;
  readonly id: number;
  /** Whether the texts are those of the example. */
  readonly example: boolean;
}

/** One token at two places: the same static vector, and how its contextual vectors diverge from layer to layer. */
export function createWordContext(context: PanelContext): View {
  const { store } = context;
  const change = (settings: Partial<ViewState['settings']>): void => store.dispatch({ type: 'settings', change: settings });
  const where = segmented<'text' | 'typed'>(
    t('Look in'),
    [
      ['text', t('This text')],
      ['typed', t('Two texts')],
    ],
    (contextIn) => change({ contextIn }),
    true,
  );
  const example = button(t('Example: one word, two meanings'), 'link', () =>
    change({ contextIn: 'typed', contextTexts: null, contextPick: null }),
  );
  const typed = (): readonly [string, string] => store.state().settings.contextTexts ?? examples().texts;
  const texts = [
    textField(t('First text'), MAX_TYPED, '', (text) => change({ contextTexts: [text, typed()[1]] })),
    textField(t('Second text'), MAX_TYPED, '', (text) => change({ contextTexts: [typed()[0], text] })),
  ] as const;
  const typedRow = el('div', { class: 'two-columns' }, texts[0].root, texts[1].root);
  const picks = createContextPicks((contextPick) => change({ contextPick }));
  const title = el('h3');
  const lines = createCosineLines(context, 'token-in-context', { answer: () => asked.answer(), resized: () => asked.redraw() });
  const keys = el(
    'ul',
    { class: 'line-keys' },
    el('li', {}, el('span', { class: 'line-key', 'aria-hidden': 'true' }), t('this token at the two places')),
    el('li', {}, el('span', { class: 'line-key dashed', 'aria-hidden': 'true' }), t('mean of any two different tokens')),
  );
  const numbers = el('table', { class: 'visually-hidden' });
  const figures = el('div', { class: 'context-figures' }, title, keys, lines.root, numbers);
  const frame = createFrameSwitch(context, 'text');
  const caption = el('p', { class: 'caption' });
  const asked = question<Answer>(context, {
    busy: () => root,
    parts: [picks.root, frame.root, figures, caption],
    ask: async (state, query) => {
      const { settings } = state;
      const sides = await readSides(state, typed(), query);
      if (sides === undefined) return t('Type two texts that share a word.');
      const { first, second, same } = sides;
      const shared = sharedTokens(first.tokens, same ? null : second.tokens);
      const chosen = validPick(shared, settings.contextPick, same ? settings.selected : null, same);
      if (chosen === null)
        return same
          ? t('No token occurs twice in this text. Look in two texts, or try the example.')
          : t('The two texts share no token. A word at the start of a text, or in capitals, is often another token.');
      picks.show(shared, chosen, sides);
      const { cosines, typical } = await query('wordByLayer', 'wordByLayer', {
        first: { ids: first.ids, token: chosen.first },
        second: { ids: second.ids, token: chosen.second },
        frame: settings.frame,
      });
      const word = shared.find(({ id }) => id === chosen.id)?.text ?? '';
      return { cosines, typical, word, id: first.tokens[chosen.first]?.id ?? chosen.id, example: !same && settings.contextTexts === null };
    },
    answered: showAnswer,
    draw: (answer, { theme }) => lines.draw(answer, theme),
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card', 'aria-label': t('One token in two contexts') },
    el('div', { class: 'card-head' }, el('h2', {}, t('Static and contextual: one token at two places')), example),
    el('div', { class: 'toolbar' }, where.root),
    typedRow,
    picks.root,
    frame.root,
    figures,
    caption,
    asked.notice,
  );

  function showAnswer({ cosines, word, id, example }: Answer): void {
    drawInto(title, [chipTemplate(word), besideTemplate(t('token id {0}', integer(id)))]);
    const rows = Array.from(
      cosines,
      (value, index) =>
        html`<tr>
          <th scope="row">${placeLabel(index)}</th>
          <td>${cosineText(value)}</td>
        </tr>`,
    );
    drawInto(
      numbers,
      html`<caption>
          ${t('Cosine of the two vectors over the layers')}
        </caption>
        <tbody>
          ${rows}
        </tbody>`,
    );
    caption.textContent =
      t(
        'In the static table both places hold the same row: cosine 1. Each layer mixes in what stands before; “input” is ' +
          'what the first block reads, with positions where the model adds them. Dashed: how alike any two different ' +
          'tokens of the first text are there on average, without its first.',
      ) + (example ? ` ${exampleSentence('context')}` : '');
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      where.set(settings.contextIn);
      typedRow.hidden = settings.contextIn !== 'typed';
      texts.forEach((field, index) => field.set(typed()[index] ?? ''));
      frame.set(settings.frame);
      asked.update(state, shown, settings.frame, settings.contextIn, settings.contextTexts, settings.contextPick);
    },
  };
}

/** Tokens of the texts searched; undefined while one of two texts is empty. */
async function readSides(
  { shown, settings }: ViewState,
  [one, other]: readonly [string, string],
  query: Host['query'],
): Promise<Sides | undefined> {
  if (settings.contextIn === 'text') {
    const side = { tokens: shown?.explanation.tokens ?? [], ids: null };
    return { first: side, second: side, same: true };
  }
  if (one === '' || other === '') return undefined;
  const first = await query('contextFirst', 'readText', { text: one });
  const second = await query('contextSecond', 'readText', { text: other });
  const side = (tokens: readonly Token[]): Sides['first'] => ({ tokens, ids: tokens.map(({ id }) => id) });
  return { first: side(first.tokens), second: side(second.tokens), same: false };
}

import { isPair } from '../../../src/core/alignment.ts';
import { selectToken, type PanelContext } from '../../context.ts';
import { select } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import type { ComparisonRow } from '../../figures/comparisonRows.ts';
import { snippet } from '../../figures/occurrences.ts';
import { createCosineLines } from '../../parts/cosineLines.ts';
import { question } from '../../question.ts';
import { t } from '../../strings.ts';
import type { Compared, ComparePart } from './compared.ts';
import { createFrameSwitch } from '../../parts/vectorFrame.ts';

/** A token that both texts have: the cosine of its two vectors, layer by layer. */
export function createCompareWord(context: PanelContext): ComparePart {
  const word = select(t('Token of both texts'), (token) => selectToken(context, token), 'tokens');
  const lines = createCosineLines(context, 'token-of-both', { answer: () => asked.answer(), resized: () => asked.redraw() });
  const frame = createFrameSwitch(context, 'text');
  const caption = el(
    'p',
    { class: 'caption' },
    t(
      'Both places hold the same row of the static table. Where the texts before it are the same, so is everything: ' +
        'cosine 1. Dashed: any two different tokens of the first text, on average.',
    ),
  );
  const body = el('div', { class: 'context-figures' }, word.root, lines.root);
  const comparedChanged = changeDetector();
  /** Rows with a token of both texts, and their names: made once a comparison, since state changes with every move of the pointer. */
  let pairs: readonly ComparisonRow[] = [];
  let names: readonly (readonly [number, string])[] = [];
  let wanted: { readonly compared: Compared; readonly row: ComparisonRow } | undefined;
  const asked = question(context, {
    busy: () => root,
    parts: [body, caption],
    ask: async ({ settings }, query) => {
      if (wanted === undefined) return '';
      const { compared, row } = wanted;
      const ids = compared.comparison.explanation.tokens.map(({ id }) => id);
      const places = { first: { ids: null, token: row.aStart }, second: { ids, token: row.bStart } };
      return query('compareWord', 'wordByLayer', { ...places, frame: settings.frame });
    },
    draw: (answer, { theme }) => lines.draw(answer, theme),
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card', 'aria-label': t('The same token in both texts') },
    el('h2', {}, t('The same token in both texts, layer by layer')),
    frame.root,
    body,
    caption,
    asked.notice,
  );

  return {
    root,
    update: (state, compared) => {
      if (comparedChanged(compared)) {
        pairs = compared.rows.filter((row) => isPair(row) && row.a[0]?.special !== true);
        names = pairs.map(({ aStart }) => [aStart, snippet(compared.first.tokens, aStart)]);
      }
      // Vectors of two models lie in unrelated spaces and cannot be compared.
      root.hidden = compared.comparison.kind === 'model' || pairs.length === 0;
      if (root.hidden) return;
      const row = pairs.find(({ aStart }) => aStart === state.settings.selected) ?? firstApart(compared.rows, pairs);
      if (row === undefined) return;
      word.set(names, row.aStart);
      frame.set(state.settings.frame);
      wanted = { compared, row };
      asked.update(state, compared, row.aStart, state.settings.frame);
    },
  };
}

/** First shared token after the texts begin to differ: earlier tokens have equal vectors. */
function firstApart(rows: readonly ComparisonRow[], pairs: readonly ComparisonRow[]): ComparisonRow | undefined {
  const apart = rows.findIndex(({ same }) => !same);
  return (apart < 0 ? undefined : rows.slice(apart).find((row) => pairs.includes(row))) ?? pairs[0];
}

import type { PanelContext } from '../../context.ts';
import { checkbox, slider } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { question } from '../../question.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';
import type { Compared, ComparePart } from './compared.ts';
import { createComparedMaps } from './comparedMaps.ts';
import { mapsOf, type ComparedMaps } from './comparedWeights.ts';

/** Attention of the same head on both sides, and the difference on the tokens that both have. */
export function createCompareAttention(context: PanelContext): ComparePart {
  const { store } = context;
  const layer = slider(t('Layer'), 0, 0, 1, (value) => store.dispatch({ type: 'settings', change: { layer: value } }));
  const head = slider(t('Head'), 0, 0, 1, (value) => store.dispatch({ type: 'settings', change: { head: value } }));
  const hideFirst = checkbox(t('Hide the first token'), (value) => store.dispatch({ type: 'settings', change: { hideFirst: value } }));
  const caption = el('p', { class: 'caption' });
  let compared: Compared | null = null;
  const maps = createComparedMaps(context, { answer: () => asked.answer(), resized: () => asked.redraw() });
  const asked = question<ComparedMaps>(context, {
    busy: () => root,
    parts: [maps.root, caption],
    ask: async ({ settings }, query) => {
      if (compared === null) return '';
      const wanted = headOfBoth(settings, compared);
      const both = await Promise.all([query('compareFirst', 'attention', wanted), query('compareSecond', 'attention', wanted, 'second')]);
      return mapsOf(compared, both, settings.hideFirst);
    },
    answered: ({ of, pairs }) => {
      caption.textContent = note(of, pairs.length);
    },
    draw: maps.draw,
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card', 'aria-label': t('Attention of both sides') },
    el('h2', {}, t('Attention of the same head')),
    el('div', { class: 'two-columns' }, layer.root, head.root),
    hideFirst.root,
    maps.root,
    caption,
    asked.notice,
  );

  return {
    root,
    update: (state, now) => {
      compared = now;
      const last = lastOfBoth(now);
      const wanted = headOfBoth(state.settings, now);
      layer.set(wanted.layer, String(wanted.layer), last.layer);
      head.set(wanted.head, String(wanted.head), last.head);
      hideFirst.set(state.settings.hideFirst);
      asked.update(state, now, wanted.layer, wanted.head, state.settings.hideFirst);
    },
  };
}

/** Last layer and last head that both sides have. */
function lastOfBoth({ first, comparison }: Compared): { readonly layer: number; readonly head: number } {
  const [a, b] = [first.model, comparison.explanation.model];
  return { layer: Math.min(a.layers, b.layers) - 1, head: Math.min(a.heads, b.heads) - 1 };
}

function headOfBoth({ layer, head }: Settings, compared: Compared): { readonly layer: number; readonly head: number } {
  const last = lastOfBoth(compared);
  return { layer: Math.min(layer, last.layer), head: Math.min(head, last.head) };
}

function note({ first, comparison: { kind, explanation } }: Compared, pairs: number): string {
  const tokens = Math.min(first.tokens.length, explanation.tokens.length);
  const shared =
    pairs < 2
      ? t('The sides share too few tokens for a difference.')
      : pairs < Math.max(first.tokens.length, explanation.tokens.length)
        ? t('The difference is drawn on the {0} tokens that both sides have; what a row gives to others is left out of it.', pairs)
        : '';
  const heads =
    kind === 'model' && (first.model.layers !== explanation.model.layers || first.model.heads !== explanation.model.heads)
      ? t('The models have different layers and heads: the same number is not the same head.')
      : '';
  return tokens === 0 ? '' : [shared, heads].filter((sentence) => sentence !== '').join(' ');
}

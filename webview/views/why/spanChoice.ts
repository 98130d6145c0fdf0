import type { SpanQuestion } from '../../../src/core/attribution.ts';
import { shortened, visibleToken } from '../../../src/core/visibleText.ts';
import type { PanelContext } from '../../context.ts';
import { select } from '../../parts/controls.ts';
import { changeDetector } from '../../parts/dom.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';

/** Most tokens of a span that can be chosen. */
const MOST_TOKENS = 100;

/** The span whose words are shown; null: those of the token asked about. */
export function chosenSpan({ shown, settings: { whySpan, selected } }: ViewState): SpanQuestion | null {
  if (shown === null || whySpan === null || whySpan.position !== selected) return null;
  return whySpan.end >= selected && whySpan.end < shown.explanation.tokens.length - 1 ? whySpan : null;
}

/** A menu of what the words are counted for: the token asked about, or the text's own tokens from there up to a later one. */
export function createSpanChoice({ store }: PanelContext): { readonly root: HTMLElement; readonly update: (state: ViewState) => void } {
  const menu = select(t('For'), (count) => {
    const { selected } = store.state().settings;
    store.dispatch({ type: 'settings', change: { whySpan: count === 0 ? null : { position: selected, end: selected + count - 1 } } });
  });
  const changed = changeDetector();
  return {
    root: menu.root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null || !changed(shown, settings.selected, settings.whySpan)) return;
      const { selected } = settings;
      const following = shown.explanation.tokens.slice(selected + 1, selected + 1 + MOST_TOKENS);
      const names = following.map((token) => shortened(visibleToken(token), 24));
      const [first = ''] = names;
      const span = chosenSpan(state);
      menu.set(
        [
          [0, t('The token asked about')],
          ...names.map(
            (name, index) =>
              [
                index + 1,
                index === 0
                  ? t('The text’s own “{0}”', first)
                  : t('{0} tokens, “{1}” to “{2}” (position {3})', index + 1, first, name, selected + 1 + index),
              ] as const,
          ),
        ],
        span === null ? 0 : span.end - span.position + 1,
      );
      menu.root.hidden = names.length === 0;
    },
  };
}

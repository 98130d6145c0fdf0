import type { View } from '../context.ts';
import { t } from '../strings.ts';
import { visibleToken } from '../../src/core/visibleText.ts';
import { changeDetector, el } from './dom.ts';
import { WHOLE } from './rowWindow.ts';
import { inLines, kindClass } from './stripChips.ts';

/**
 * The tokens of a text that the model is reading, in the place of the strip: they are known long before anything is predicted of
 * them. There is nothing to point at yet.
 */
export function createReadingStrip(): View {
  const list = el('div', { class: 'reading-strip', role: 'group', 'aria-label': t('Tokens of the text that is being read') });
  const root = el('section', { class: 'reading-section', hidden: true }, list);
  const changed = changeDetector();
  return {
    root,
    update: ({ reading }) => {
      if (!changed(reading)) return;
      root.hidden = reading === null;
      if (reading === null) list.removeAttribute('aria-busy');
      else list.setAttribute('aria-busy', 'true');
      // Of a long text the beginning: more than is on screen, and not all in the page.
      const tokens = (reading ?? []).slice(0, WHOLE);
      const chips = tokens.map((token) => el('span', { class: `unread token-text${kindClass(token)}` }, visibleToken(token)));
      list.replaceChildren(...inLines(chips, tokens), (reading?.length ?? 0) > WHOLE ? '…' : '');
    },
  };
}

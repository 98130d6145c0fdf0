import type { PanelContext } from '../context.ts';
import { t } from '../strings.ts';
import { button } from './controls.ts';
import { ICONS } from './dom.ts';

/** Where the strip is folded until the user unfolds it: as at 200 % zoom. */
const LOW_PANEL = '(max-height: 500px)';

/** A button that folds the strip of tokens to one line; `show` puts `section` in the state that the settings or the window ask for. */
export function createStripFold(
  { store }: PanelContext,
  section: () => HTMLElement,
): { readonly button: HTMLElement; readonly show: () => void } {
  const low = matchMedia(LOW_PANEL);
  const isFolded = (): boolean => store.state().settings.stripFolded ?? low.matches;
  const fold = button('', 'secondary', () => store.dispatch({ type: 'settings', change: { stripFolded: !isFolded() } }), ICONS.chevron);
  fold.classList.add('icon-button', 'strip-fold');
  const show = (): void => {
    const folded = isFolded();
    section().classList.toggle('folded', folded);
    fold.setAttribute('aria-expanded', String(!folded));
    fold.title = folded ? t('Show all lines of tokens') : t('Fold the tokens to one line');
    fold.setAttribute('aria-label', fold.title);
  };
  low.addEventListener('change', show);
  return { button: fold, show };
}

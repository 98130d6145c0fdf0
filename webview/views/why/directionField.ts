import { MAX_WORD } from '../../viewSettings.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import type { PanelContext, View } from '../../context.ts';
import { select, textField } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createNotice } from '../../parts/notice.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { askedWhy, candidateText } from './asked.ts';

/** The token that a residual is moved towards: one of the prediction's candidates, or one that is typed. */
export interface DirectionField extends View {
  /** Its id; null: none is known. */
  readonly chosen: () => number | null;
}

/** Creates the field. `changed` is called when another token is chosen. */
export function createDirectionField({ host, store }: PanelContext, changed: () => void): DirectionField {
  let picked: { readonly id: number; readonly text: string } | null = null;
  const choose = (id: number): void => {
    picked = known(store.state()).find((one) => one.id === id) ?? null;
    changed();
  };
  const choice = select(t('Towards'), choose, 'tokens');
  const note = el('p', { class: 'caption', role: 'status' });
  const notice = createNotice();
  const typed = textField(t('Or a token typed, with its space'), MAX_WORD, ' Mary', (text) => void read(text));
  const filled = changeDetector();

  const known = (state: ViewState): readonly { readonly id: number; readonly text: string }[] => {
    const found = (askedWhy(state)?.candidates ?? []).map((one) => ({ id: one.id, text: candidateText(one) }));
    return picked === null || found.some(({ id }) => id === picked?.id) ? found : [...found, picked];
  };
  async function read(text: string): Promise<void> {
    note.textContent = '';
    notice.clear();
    if (text === '') return;
    try {
      const tokens = (await host.query('direction', 'readText', { text })).tokens.filter(({ special }) => !special);
      const [first] = tokens;
      if (first === undefined) return;
      picked = { id: first.id, text: visibleText(first.text) };
      note.textContent = tokens.length === 1 ? '' : t('That is {0} tokens: the first, “{1}”, is taken.', tokens.length, picked.text);
      changed();
    } catch (error) {
      notice.fail(error);
    }
  }
  return {
    root: el('div', { class: 'direction-field' }, choice.root, typed.root, note, notice.root),
    chosen: () => picked?.id ?? known(store.state())[0]?.id ?? null,
    update: (state) => {
      if (!filled(state.shown, state.settings.selected, state.settings.whyAsked, picked)) return;
      const all = known(state);
      choice.set(
        all.map(({ id, text }) => [id, text]),
        picked?.id ?? all[0]?.id ?? 0,
      );
    },
  };
}

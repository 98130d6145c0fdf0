import { select } from './controls.ts';
import { el } from './dom.ts';
import { t } from '../strings.ts';

/** Option of the list of rivals that stands for none. */
const NO_RIVAL = -1;

/** Lists of a token and of the one that it is compared with. */
export interface PairChoice {
  readonly root: HTMLElement;
  /** Sets the candidates by id and text, and the chosen pair; null: no rival. */
  readonly set: (candidates: readonly (readonly [id: number, text: string])[], token: number, rival: number | null) => void;
}

/** Creates the two lists, still empty. `label` names the token's. */
export function pairChoice(
  label: string,
  chosen: { readonly token: (id: number) => void; readonly rival: (id: number | null) => void },
): PairChoice {
  const token = select(label, chosen.token, 'tokens');
  const rival = select(t('rather than'), (id) => chosen.rival(id === NO_RIVAL ? null : id), 'tokens');
  return {
    root: el('div', { class: 'why-choices' }, token.root, rival.root),
    set: (candidates, first, second) => {
      token.set(candidates, first);
      rival.set([...candidates.filter(([id]) => id !== first), [NO_RIVAL, t('nothing: its logit alone')]], second ?? NO_RIVAL);
    },
  };
}

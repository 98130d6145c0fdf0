import type { Token } from '../../../src/core/trace.ts';
import { snippet, type SharedToken } from '../../figures/occurrences.ts';
import { select } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { t } from '../../strings.ts';
import type { ContextPick } from '../../viewSettings.ts';

/** The texts searched: the explained one (ids null), or two typed ones. `same`: both sides are the same text. */
export interface Sides {
  readonly first: { readonly tokens: readonly Token[]; readonly ids: readonly number[] | null };
  readonly second: { readonly tokens: readonly Token[]; readonly ids: readonly number[] | null };
  readonly same: boolean;
}

/** Controls that choose the token to compare and its two places. */
export interface ContextPicks {
  readonly root: HTMLElement;
  readonly show: (shared: readonly SharedToken[], chosen: ContextPick, sides: Sides) => void;
}

/** Creates the controls. `choose` is called with each new choice. */
export function createContextPicks(choose: (pick: ContextPick) => void): ContextPicks {
  let pick: ContextPick | undefined;
  const repick = (part: Partial<ContextPick>): void => {
    if (pick !== undefined) choose({ ...pick, ...part });
  };
  const word = select(t('Token'), (id) => choose({ id, first: -1, second: -1 }), 'tokens');
  const places = [
    select(t('First place'), (first) => repick({ first }), 'tokens'),
    select(t('Second place'), (second) => repick({ second }), 'tokens'),
  ] as const;
  return {
    root: el('div', { class: 'picks' }, word.root, places[0].root, places[1].root),
    show: (shared, chosen, { first, second, same }) => {
      pick = chosen;
      word.set(
        shared.map(({ id, text, first: own, second: other }) => [
          id,
          `${text}  (${same ? own.length : `${own.length} + ${other.length}`}×)`,
        ]),
        chosen.id,
      );
      const found = shared.find(({ id }) => id === chosen.id);
      places[0].set(
        (found?.first ?? []).filter((place) => !same || place !== chosen.second).map((place) => [place, snippet(first.tokens, place)]),
        chosen.first,
      );
      places[1].set(
        (found?.second ?? []).filter((place) => !same || place !== chosen.first).map((place) => [place, snippet(second.tokens, place)]),
        chosen.second,
      );
    },
  };
}

import type { LogitQuestion } from '../../../src/core/directParts.ts';
import { shortened } from '../../../src/core/visibleText.ts';
import { tokenLabels } from '../../context.ts';
import { patchPlace, patchQuestion, type PatchCandidate, type PatchPlace } from '../../figures/patchQuestion.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { integer, percent } from '../../parts/format.ts';
import { pairChoice } from '../../parts/pairChoice.ts';
import { chipTemplate, drawInto, sentenceTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import type { Compared } from './compared.ts';

/** The prediction that patching asks about: where, which token, and rather than which. */
export interface PatchChoice {
  readonly heading: HTMLElement;
  readonly choices: HTMLElement;
  /** Null: the two texts have no place in common. */
  readonly asked: () => LogitQuestion | null;
  readonly update: (compared: Compared, selected: number) => void;
}

/** Creates the choice. `changed` is called when another prediction is asked about. */
export function createPatchChoice(changed: () => void): PatchChoice {
  let compared: Compared | null = null;
  let place: PatchPlace | null = null;
  let chosen: Partial<LogitQuestion> = {};
  const choose = (now: Partial<LogitQuestion>): void => {
    chosen = now;
    show();
    changed();
  };
  const pair = pairChoice(t('Token'), {
    token: (id) => choose({ ...chosen, token: id }),
    rival: (id) => choose({ ...chosen, rival: id }),
  });
  const heading = el('p', { class: 'status-text' });
  const placed = changeDetector();

  function show(): void {
    pair.root.hidden = place === null;
    if (place === null || compared === null) {
      return drawInto(heading, t('The texts have no token that corresponds to one of the other: nothing can be patched.'));
    }
    const { position, partner, candidates } = place;
    const asked = patchQuestion(place, chosen);
    const said = t('Predicted after {0} (position {1}) in the first text, after position {2} in the second.');
    const label = tokenLabels(compared.first)[position] ?? '';
    drawInto(heading, sentenceTemplate(said, chipTemplate(label), integer(position), integer(partner)));
    pair.set(
      candidates.map((one) => [one.id, optionText(one)]),
      asked.token,
      asked.rival,
    );
  }
  return {
    heading,
    choices: pair.root,
    asked: () => (place === null ? null : patchQuestion(place, chosen)),
    update: (now, selected) => {
      if (!placed(now, selected)) return;
      const before = compared === now ? place?.position : undefined;
      compared = now;
      place = patchPlace(now.first, now.comparison.explanation, selected);
      if (place !== null && place.position === before) return;
      choose({});
    },
  };
}

/** A candidate with its probabilities in the first and in the second text. */
function optionText({ id, text, first, second }: PatchCandidate): string {
  const share = (value: number): string => (Number.isNaN(value) ? '–' : percent(value));
  return `${text === undefined ? t('id {0}', id) : shortened(text, 24)}  ${share(first)} → ${share(second)}`;
}

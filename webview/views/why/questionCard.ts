import type { PanelContext, View } from '../../context.ts';
import { tokenLabels } from '../../context.ts';
import type { WhyCandidate } from '../../figures/whyQuestion.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { integer, percent } from '../../parts/format.ts';
import { pairChoice } from '../../parts/pairChoice.ts';
import { chipTemplate, drawInto, sentenceTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import { askedWhy, candidateText, keptQuestion } from './asked.ts';

/** The question: after which token, why which one, rather than which other. */
export function createWhyQuestion({ store }: PanelContext): View {
  const title = el('h2', { class: 'why-title' });
  const place = el('p', { class: 'muted' });
  const ask = (token: number, rival: number | null): void => {
    const asked = askedWhy(store.state());
    if (asked === null) return;
    store.dispatch({ type: 'settings', change: { whyAsked: keptQuestion({ ...asked, token, rival: rival === token ? null : rival }) } });
  };
  const pair = pairChoice(t('Why this token'), {
    token: (id) => {
      const asked = askedWhy(store.state());
      // The rival stays, unless it has become the token itself: then the two change places.
      if (asked !== null) ask(id, asked.rival === id ? asked.token : asked.rival);
    },
    rival: (id) => {
      const asked = askedWhy(store.state());
      if (asked !== null) ask(asked.token, id);
    },
  });
  const hint = el('p', { class: 'caption' });
  const changed = changeDetector();
  return {
    root: el('section', { class: 'card why-question', 'aria-label': t('Question') }, title, place, pair.root, hint),
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null || !changed(shown, settings.selected, settings.whyAsked)) return;
      const asked = askedWhy(state);
      if (asked === null) return;
      const { candidates, tokenText, rivalText } = asked;
      drawInto(
        title,
        rivalText === null
          ? sentenceTemplate(t('Why {0} here?'), chipTemplate(tokenText))
          : sentenceTemplate(t('Why {0} here, rather than {1}?'), chipTemplate(tokenText), chipTemplate(rivalText)),
      );
      const label = tokenLabels(shown.explanation)[settings.selected] ?? '';
      const next = candidates.find(({ follows }) => follows);
      drawInto(
        place,
        sentenceTemplate(
          next === undefined
            ? t('Predicted after {0}, the last token of the text (position {1}).')
            : t('Predicted after {0} (position {1}), where the text goes on with {2}.'),
          chipTemplate(label),
          integer(settings.selected),
          chipTemplate(next === undefined ? '' : candidateText(next)),
        ),
      );
      pair.set(
        candidates.map((one) => [one.id, optionText(one)]),
        asked.token,
        asked.rival,
      );
      hint.textContent =
        rivalText === null
          ? t('A logit alone holds much that all tokens have in common: with another token to compare, that falls away.')
          : t('Asked of the difference of the two logits: what both tokens have in common falls away.');
    },
  };
}

function optionText(candidate: WhyCandidate): string {
  const text = `${candidateText(candidate)}  ${percent(candidate.probability)}`;
  return candidate.follows ? `${text}  ${t('(in the text)')}` : text;
}

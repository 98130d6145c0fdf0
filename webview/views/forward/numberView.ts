import { nothing } from 'lit-html';
import { headResult, stageOf, type ForwardPath } from '../../../src/core/forwardPath.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { arithmeticOf } from '../../figures/numberArithmetic.ts';
import { button } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { foldout } from '../../parts/foldout.ts';
import { drawInto } from '../../parts/templates.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { numberCard, numberTitle } from './numberCard.ts';
import type { WalkPlaces } from './walkPlaces.ts';

/** Part of the view that shows how the chosen number is computed. */
export interface NumberView {
  readonly root: HTMLElement;
  readonly show: (path: ForwardPath, state: ViewState) => void;
}

/** Creates the part. `path`: the path shown. */
export function createNumberView(context: PanelContext, places: WalkPlaces, path: () => ForwardPath | undefined): NumberView {
  const back = button(t('Back'), 'link', () => places.goBack());
  const body = el('div', { class: 'number-body' });
  const asked = question(context, {
    busy: () => body,
    parts: [body],
    ask: async ({ shown, settings }, query) => {
      const found = path();
      const place = places.place();
      if (found === undefined || place === null || shown === null) return '';
      const { token, layer, head } = found;
      const linear = stageOf(found.stages, place.stage).made.kind === 'linear';
      const sum = linear ? await query('sum', 'weightedSum', { token, layer, head, expert: settings.pathExpert, ...place }) : null;
      return { path: found, place, sum, labels: tokenLabels(shown.explanation), heads: shown.explanation.model.heads };
    },
    answered: (view) => {
      const { index } = view.place;
      const arithmetic = arithmeticOf(view.path, view.place, view.sum);
      const card =
        arithmetic === null
          ? nothing
          : numberCard(arithmetic, {
              ...view,
              goTo: places.goTo,
              goBefore: places.goBefore,
              goToLayer: (layer) => places.goElsewhere({ layer }, () => ({ stage: 'input', index: 0 })),
              canFollow: (head) => head < view.heads,
              goToHead: (head, stage) =>
                places.goElsewhere({ head }, ({ stages }) => {
                  const { name, values } = headResult(stages, stage);
                  return { stage: name, index: index % values.length };
                }),
            });
      drawInto(body, card);
    },
  });
  const head = el('h2', {}, t('How this number came about'));
  const title = el('div', { class: 'number-title' });
  const fold = foldout(context.store, 'number', 'number-fold', [head, title], asked.notice, body);
  const root = el('section', { class: 'card number-card', 'aria-label': t('One number') }, fold.root, back);
  return {
    root,
    show: (found, state) => {
      const { shown, settings } = state;
      const place = places.place();
      back.hidden = !places.canGoBack();
      root.hidden = place === null;
      if (place === null || shown === null) return;
      drawInto(title, numberTitle({ path: found, place, labels: tokenLabels(shown.explanation) }));
      if (fold.set(settings)) asked.update(state, found, place.stage, place.index);
    },
  };
}

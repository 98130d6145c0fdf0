import type { DirectParts } from '../../../src/core/directParts.ts';
import type { PanelContext, View } from '../../context.ts';
import { total, waterfall } from '../../figures/directWaterfall.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { decimal, signedDecimal, significant } from '../../parts/format.ts';
import { LOGIT_DIGITS } from '../../parts/signedStrip.ts';
import { drawInto, factsTemplate } from '../../parts/templates.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { askedWhy, logitOf, type AskedWhy } from './asked.ts';
import { createHeadTerms } from './headGrid.ts';
import { createWaterfall } from './waterfallTable.ts';

/** The parts of the model that a logit comes from: as a sum over the layers, and head by head. */
export function createWhyParts(context: PanelContext): View {
  const facts = el('dl', { class: 'facts' });
  const meaning = el('p', { class: 'caption' });
  const steps = createWaterfall(context);
  const heads = createHeadTerms(context);
  const columns = el('div', { class: 'why-columns' }, steps.root, heads.root);
  const changed = changeDetector();
  const asked = question(context, {
    busy: () => root,
    parts: [facts, columns],
    ask: async (state, query) => {
      const why = askedWhy(state);
      return why === null ? '' : { why, parts: await query('direct', 'direct', logitOf(why)) };
    },
    draw: render,
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card why-parts', 'aria-label': t('Parts of the model') },
    el('h2', {}, t('Parts of the model')),
    meaning,
    facts,
    asked.notice,
    columns,
  );

  function render(answer: { readonly why: AskedWhy; readonly parts: DirectParts }, state: ViewState): void {
    const { why, parts } = answer;
    if (changed(answer)) {
      drawInto(facts, factsTemplate(factsOf(why, parts, state)));
      steps.show(parts, why);
    }
    heads.show(parts, why, state);
  }

  return {
    root,
    update: (state) => {
      const { shown } = state;
      const why = askedWhy(state);
      if (shown === null || why === null) return;
      const cap = shown.explanation.model.traits?.logitCap ?? null;
      meaning.textContent = [
        t(
          'The residual stream is a sum of what every part writes into it, and so is the logit, once the scale of each norm is held at ' +
            'what it was. This is what a part says directly, not what it does through later layers. In logits (natural log units).',
        ),
        ...(cap === null ? [] : [t('Before the soft cap of ±{0} that this model puts on its logits.', significant(cap))]),
      ].join(' ');
      asked.update(state, shown, why.position, why.token, why.rival);
    },
  };
}

/** The target and the sum of the parts; for a pair without a soft cap also what the difference means for the probabilities. */
function factsOf(
  { tokenText, rivalText }: AskedWhy,
  parts: DirectParts,
  { shown }: ViewState,
): readonly (readonly [string, Node | string])[] {
  const { target } = parts;
  const sum = total(waterfall(parts, shown?.explanation.model ?? {}).map(({ value }) => value));
  const capped = (shown?.explanation.model.traits?.logitCap ?? null) !== null;
  const [likelier, other] = target >= 0 ? [tokenText, rivalText] : [rivalText, tokenText];
  return [
    [rivalText === null ? t('Logit') : t('Logit difference'), signedDecimal(target, LOGIT_DIGITS)],
    [t('Sum of the parts'), signedDecimal(sum, LOGIT_DIGITS)],
    ...(rivalText === null || capped
      ? []
      : [
          [
            t('Probability of “{0}” ÷ that of “{1}”', likelier ?? '', other ?? ''),
            el('span', {}, significant(Math.exp(Math.abs(target))), ' = e', el('sup', {}, decimal(Math.abs(target), 2))),
          ] as const,
        ]),
  ];
}

import { html, nothing, type TemplateResult } from 'lit-html';
import type { SteeredTokens } from '../../../src/core/run.ts';
import { lengthOf, steeringSteps } from '../../../src/core/steering.ts';
import type { SteeringTrial } from '../../../src/core/steeringTrial.ts';
import { shortened, visibleText } from '../../../src/core/visibleText.ts';
import { changeRecipe } from '../../changeRecipe.ts';
import { switchedOn } from '../../figures/recipeList.ts';
import { steeredNumbers } from '../../figures/tableNumbers.ts';
import type { PanelContext } from '../../context.ts';
import { button } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { bits, percent, signedDecimal, significant } from '../../parts/format.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { chipTemplate, drawInto, factsTemplate, headingTemplate, numberTemplate } from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';
import { createSteeringKeep } from './steeringKeep.ts';
import type { MadeOf } from './steeringSources.ts';

/** A trial, and which tokens were steered in it. */
export interface ShownTrial {
  readonly found: SteeringTrial;
  readonly on: SteeredTokens;
  readonly made: MadeOf;
}

/** What a vector did, in numbers and texts. */
export interface SteeringResult {
  readonly root: HTMLElement;
  /** Null: there is none yet. */
  readonly show: (trial: ShownTrial | null) => void;
}

/** Creates the place for a result, still hidden. */
export function createSteeringResult(context: PanelContext): SteeringResult {
  const facts = el('dl', { class: 'facts' });
  const table = el('table', { class: 'candidates steering-candidates' });
  const texts = el('div', { class: 'steering-texts' });
  const note = el('p', { class: 'caption' });
  let shown: ShownTrial | null = null;
  const likeliest = withTableMenu(t('The likeliest tokens after the text, on each side'), table, {
    file: () => 'steering-candidates',
    numbers: () => shown && steeredNumbers(shown.found.candidates),
  });
  const everywhere = button(t('Steer in every view'), 'secondary', () => {
    if (shown === null) return;
    const { strength, directions } = shown.found;
    const steps = steeringSteps(directions, { strength, on: shown.on });
    changeRecipe(context, (items) => steps.reduce((list, step) => switchedOn(list, step), items));
  });
  const keep = createSteeringKeep(context);
  const root = el(
    'div',
    { class: 'steering-result', hidden: true },
    facts,
    texts,
    likeliest,
    note,
    el('div', { class: 'buttons wrap' }, everywhere),
    keep.root,
  );
  return {
    root,
    show: (trial) => {
      shown = trial;
      root.hidden = trial === null;
      if (trial === null) return;
      const { found, on, made } = trial;
      drawInto(facts, factsTemplate(factsOf(found, made)));
      keep.show(found, made);
      drawInto(texts, [
        written(t('As it is'), found.texts.before, null),
        written(t('Steered, × {0}', signedDecimal(found.strength, 2)), found.texts.steered, found.bits),
        written(t('Random vector, as long'), found.texts.random, found.randomBits),
      ]);
      drawInto(table, tableTemplate(found));
      note.textContent =
        on === 'generated'
          ? t(
              'The first token is drawn before anything generated is steered, so its distribution is the same on all sides. Texts go on ' +
                'with the likeliest token each time.',
            )
          : t(
              'The distribution of the token after the text. KL in bits, of the model as it is from the other. Texts go on with the ' +
                'likeliest token each time.',
            );
    },
  };
}

/** How long the vectors are, beside the residual. */
function factsOf({ directions, strength }: SteeringTrial, { source }: MadeOf): readonly (readonly [string, string])[] {
  const range = (lengths: readonly number[]): string => {
    const [least, most] = [significant(Math.min(...lengths)), significant(Math.max(...lengths))];
    return least === most ? least : t('{0} to {1}', least, most);
  };
  const lengths = directions.map(({ values }) => lengthOf(values));
  const differences = directions.flatMap(({ difference }) => (difference === null ? [] : [difference]));
  return [
    [t('Length of the residual there (median of the tokens)'), range(directions.map(({ residual }) => residual))],
    source.kind === 'texts'
      ? [t('Length of the difference of the means'), range(differences)]
      : source.kind === 'tokens'
        ? [t('Length in the unembedding'), range(differences)]
        : [t('Length of the vector'), range(lengths)],
    [t('Length of what is added'), range(lengths.map((length) => Math.abs(strength) * length))],
  ];
}

function written(title: string, text: string, kl: number | null): TemplateResult {
  return html`<div class="steering-text" role="group" aria-label=${title}>
    <h3>${title}</h3>
    ${kl === null ? nothing : html`<p class="caption">${explained(t('KL {0}', bits(kl)))}</p>`}
    <p class="steering-written" .textContent=${text === '' ? t('(ends at once)') : text}></p>
  </div>`;
}

function tableTemplate({ candidates }: SteeringTrial): TemplateResult {
  return html`<caption class="visually-hidden">
      ${t('The likeliest tokens after the text, on each side')}
    </caption>
    <thead>
      <tr>
        ${headingTemplate(t('Likeliest tokens'), false)}
        ${[t('As it is'), t('Steered'), t('Random')].map((name) => headingTemplate(name, true))}
      </tr>
    </thead>
    <tbody>
      ${candidates.map(
        ({ text, before, steered, random }) =>
          html`<tr>
            <th scope="row">${chipTemplate(shortened(visibleText(text), 24))}</th>
            ${numberTemplate(percent(before))} ${numberTemplate(percent(steered), true)} ${numberTemplate(percent(random))}
          </tr>`,
      )}
    </tbody>`;
}

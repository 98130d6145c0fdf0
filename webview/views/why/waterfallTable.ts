import { html, render, type TemplateResult } from 'lit-html';
import type { DirectParts } from '../../../src/core/directParts.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import type { PanelContext } from '../../context.ts';
import { largestHead, total, waterfall, waterfallRange, type WaterfallStep } from '../../figures/directWaterfall.ts';
import { waterfallNumbers } from '../../figures/tableNumbers.ts';
import { el } from '../../parts/dom.ts';
import { signedDecimal } from '../../parts/format.ts';
import { recurrenceName } from '../../parts/layerNotes.ts';
import { LOGIT_DIGITS } from '../../parts/signedStrip.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { linkTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';
import type { AskedWhy } from './asked.ts';

/** The sum of a logit, a row for each step, from 0 to the whole. */
export interface Waterfall {
  readonly root: HTMLElement;
  readonly show: (parts: DirectParts, why: AskedWhy) => void;
}

/** Creates the table, still empty. The names of attention and MLP lead to the numbers that theirs are the sums of. */
export function createWaterfall({ store }: PanelContext): Waterfall {
  const model = (): Pick<ModelInfo, 'traits'> => store.state().shown?.explanation.model ?? {};
  const change = (settings: Partial<Settings>): void => store.dispatch({ type: 'settings', change: settings });
  let steps: readonly WaterfallStep[] = [];
  const table = el('table', { class: 'waterfall', 'data-template': true });
  const root = el(
    'div',
    { class: 'why-sum' },
    el('h3', {}, t('The sum, step by step')),
    withTableMenu(t('The sum, step by step'), table, { file: () => 'logit-sum', numbers: () => waterfallNumbers(steps) }),
  );

  function nameOf({ part, layer }: WaterfallStep, parts: DirectParts): TemplateResult | string {
    switch (part) {
      case 'embedding':
        return t('Embedding');
      case 'rest':
        return t('Constants (biases)');
      case 'attention':
        return linkTemplate(
          t('Layer {0}: attention', layer),
          () => change({ layer, head: largestHead(parts, layer) }),
          t('Show its heads'),
        );
      case 'recurrence': {
        const { recurrence, beside } = model().traits?.layers[layer] ?? {};
        const kind = (recurrence ?? beside)?.kind;
        const text = kind === undefined ? t('Layer {0}: state', layer) : t('Layer {0}: {1}', layer, recurrenceName(kind));
        return linkTemplate(text, () => change({ tab: 'attention', layer }), t('Show what it reads'));
      }
      case 'mlp':
        return linkTemplate(
          t('Layer {0}: MLP', layer),
          () => change({ tab: 'forward', layer, pathStep: 'mlp' }),
          t('Open it in Forward pass'),
        );
      case 'perLayer':
        return linkTemplate(
          t('Layer {0}: per-layer embedding', layer),
          () => change({ tab: 'forward', layer, pathStep: 'perLayer' }),
          t('Open it in Forward pass'),
        );
    }
  }

  return {
    root,
    show: (parts) => {
      steps = waterfall(parts, model());
      const range = waterfallRange(steps);
      const sum = total(steps.map(({ value }) => value));
      render(
        html`<caption class="visually-hidden">
            ${t('The sum, step by step')}
          </caption>
          <thead>
            <tr>
              <th scope="col">${t('Part')}</th>
              <th scope="col">${t('So far')}</th>
              <th scope="col" class="number">${t('Adds')}</th>
              <th scope="col" class="number">${t('Sum')}</th>
            </tr>
          </thead>
          <tbody>
            ${steps.map(
              (step, index) =>
                html`<tr class=${step.layer >= 0 && steps[index - 1]?.layer !== step.layer ? 'layer-start' : ''}>
                  <th scope="row">${nameOf(step, parts)}</th>
                  ${barTemplate(step, range)}
                  <td class="number strong">${signedDecimal(step.value, LOGIT_DIGITS)}</td>
                  <td class="number">${signedDecimal(step.after, LOGIT_DIGITS)}</td>
                </tr>`,
            )}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">${t('Sum of the parts')}</th>
              ${barTemplate({ value: sum, before: 0, after: sum }, range)}
              <td class="number"></td>
              <td class="number strong">${signedDecimal(sum, LOGIT_DIGITS)}</td>
            </tr>
          </tfoot>`,
        table,
      );
    },
  };
}

/** A bar from the sum before to the sum after, on the range of all sums. */
function barTemplate(
  { value, before, after }: Pick<WaterfallStep, 'value' | 'before' | 'after'>,
  [low, high]: readonly [number, number],
): TemplateResult {
  const place = (sum: number): string => ((sum - low) / (high - low || 1)).toFixed(4);
  const ends = `--from: ${place(Math.min(before, after))}; --to: ${place(Math.max(before, after))}`;
  return html`<td class="fall-cell">
    <span class="fall" style="--zero: ${place(0)}" aria-hidden="true">
      <span class=${value < 0 ? 'fall-bar negative' : 'fall-bar'} style=${ends}></span>
    </span>
  </td>`;
}

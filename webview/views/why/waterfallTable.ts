import { html, type TemplateResult } from 'lit-html';
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
import { drawInto, numberTemplate, type Content } from '../../parts/templates.ts';
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
  const rows = el('tbody');
  const foot = el('tfoot');
  const heading = (text: string, kind = ''): HTMLElement => el('th', { scope: 'col', class: kind }, text);
  const table = el(
    'table',
    { class: 'waterfall' },
    el('caption', { class: 'visually-hidden' }, t('The sum, step by step')),
    el('thead', {}, el('tr', {}, heading(t('Part')), heading(t('So far')), heading(t('Adds'), 'number'), heading(t('Sum'), 'number'))),
    rows,
    foot,
  );

  function nameOf({ part, layer }: WaterfallStep, parts: DirectParts): Content {
    switch (part) {
      case 'embedding':
        return t('Embedding');
      case 'rest':
        return t('Constants (biases)');
      case 'attention':
        return named(t('Layer {0}: attention', layer), t('Show its heads'), () => change({ layer, head: largestHead(parts, layer) }));
      case 'recurrence': {
        const { recurrence, beside } = model().traits?.layers[layer] ?? {};
        const kind = (recurrence ?? beside)?.kind;
        const text = kind === undefined ? t('Layer {0}: state', layer) : t('Layer {0}: {1}', layer, recurrenceName(kind));
        return named(text, t('Show what it reads'), () => change({ tab: 'attention', layer }));
      }
      case 'mlp':
        return named(t('Layer {0}: MLP', layer), t('Open it in Forward pass'), () => change({ tab: 'forward', layer, pathStep: 'mlp' }));
      case 'perLayer':
        return named(t('Layer {0}: per-layer embedding', layer), t('Open it in Forward pass'), () =>
          change({ tab: 'forward', layer, pathStep: 'perLayer' }),
        );
    }
  }

  return {
    root: el(
      'div',
      { class: 'why-sum' },
      el('h3', {}, t('The sum, step by step')),
      withTableMenu(t('The sum, step by step'), table, { file: () => 'logit-sum', numbers: () => waterfallNumbers(steps) }),
    ),
    show: (parts) => {
      steps = waterfall(parts, model());
      const range = waterfallRange(steps);
      drawInto(
        rows,
        steps.map(
          (step, index) =>
            html`<tr class=${step.layer >= 0 && steps[index - 1]?.layer !== step.layer ? 'layer-start' : ''}>
              <th scope="row">${nameOf(step, parts)}</th>
              ${barCell(step, range)} ${numberTemplate(signedDecimal(step.value, LOGIT_DIGITS), true)}
              ${numberTemplate(signedDecimal(step.after, LOGIT_DIGITS))}
            </tr>`,
        ),
      );
      const sum = total(steps.map(({ value }) => value));
      drawInto(
        foot,
        html`<tr>
          <th scope="row">${t('Sum of the parts')}</th>
          ${barCell({ value: sum, before: 0, after: sum }, range)} ${numberTemplate('')}
          ${numberTemplate(signedDecimal(sum, LOGIT_DIGITS), true)}
        </tr>`,
      );
    },
  };
}

function named(text: string, title: string, pressed: () => void): TemplateResult {
  return html`<button type="button" class="button link" title=${title} @click=${pressed}>${text}</button>`;
}

/** A bar from the sum before to the sum after, on the range of all sums. */
function barCell(
  { value, before, after }: Pick<WaterfallStep, 'value' | 'before' | 'after'>,
  [low, high]: readonly [number, number],
): TemplateResult {
  const place = (sum: number): string => ((sum - low) / (high - low || 1)).toFixed(4);
  const look = `--from: ${place(Math.min(before, after))}; --to: ${place(Math.max(before, after))}`;
  return html`<td class="fall-cell">
    <span class="fall" aria-hidden="true" style="--zero: ${place(0)}">
      <span class="fall-bar ${value < 0 ? 'negative' : ''}" style=${look}></span>
    </span>
  </td>`;
}

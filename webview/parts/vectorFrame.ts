import { html, nothing, type TemplateResult } from 'lit-html';
import type { TypicalPair, VectorFrame } from '../../src/core/vectors.ts';
import type { PanelContext } from '../context.ts';
import { checkbox } from './controls.ts';
import { el } from './dom.ts';
import { cosineText } from './format.ts';
import { numberTemplate } from './templates.ts';
import { t } from '../strings.ts';

/**
 * Checkbox that chooses whether vectors are compared as stored or minus their mean, and the reason for it; one choice for all views of
 * vectors.
 */
export interface FrameSwitch {
  readonly root: HTMLElement;
  set(frame: VectorFrame): void;
}

/** Creates the checkbox. `of`: what is compared, rows of the static table or vectors of a text's tokens. */
export function createFrameSwitch({ store }: PanelContext, of: 'table' | 'text'): FrameSwitch {
  const toggle = checkbox(t('As stored'), (stored) =>
    store.dispatch({ type: 'settings', change: { frame: stored ? 'stored' : 'centred' } }),
  );
  const why = el('p', { class: 'caption' });
  return {
    root: el('div', { class: 'frame-switch' }, toggle.root, why),
    set: (frame) => {
      toggle.set(frame === 'stored');
      why.textContent =
        frame === 'stored'
          ? t('With what all vectors have in common left in, cosines tell how common a token is more than what it means.')
          : of === 'table'
            ? t(
                'The table’s mean is taken off every row: left in, cosines tell how common a token is more than what it ' +
                  'means (Mu and Viswanath 2018, “All-but-the-Top”).',
              )
            : t(
                'The mean of the text’s tokens without the first (in the static embedding, of the table) is taken off: ' +
                  'left in, it makes all alike (Mu and Viswanath 2018, “All-but-the-Top”).',
              );
    },
  };
}

/** Baseline row of a ranked list: the range of the cosines of random pairs, to compare the other rows with. None where it is not known. */
export function typicalRow({ mean, deviation }: TypicalPair): TemplateResult | typeof nothing {
  if (Number.isNaN(mean)) return nothing;
  const share = (value: number): string => Math.max(0, Math.min(1, value)).toFixed(4);
  const meaning = t(
    'Mean and standard deviation of the cosines of 2,000 random pairs of rows, compared the same way: what is not ' +
      'well beyond it is noise.',
  );
  return html`<tr class="typical" title=${meaning}>
    <th scope="row">${t('two random rows')}</th>
    <td class="bar-cell">
      <span class="bar" aria-hidden="true">
        <span class="bar-band" style="--from: ${share(mean - deviation)}; --to: ${share(mean + deviation)}"></span>
      </span>
    </td>
    ${numberTemplate(typicalText({ mean, deviation }))}
  </tr>`;
}

/** Mean and standard deviation: 0.002 ± 0.275 */
export function typicalText({ mean, deviation }: TypicalPair): string {
  return `${cosineText(mean)} ± ${cosineText(deviation)}`;
}

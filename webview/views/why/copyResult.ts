import { html, nothing, render, type TemplateResult } from 'lit-html';
import type { PanelContext } from '../../context.ts';
import { headOff } from '../../../src/core/run.ts';
import { changeRecipe } from '../../changeRecipe.ts';
import { headNames, type CopyExperiment, type CopyRun } from '../../figures/copyExperiment.ts';
import { switchedOn } from '../../figures/recipeList.ts';
import { copyNumbers } from '../../figures/tableNumbers.ts';
import { el } from '../../parts/dom.ts';
import { bits, decimal, integer, percent } from '../../parts/format.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { shareBarTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';

/** The outcome of the experiment, in words and numbers. */
export interface CopyResult {
  readonly root: HTMLElement;
  /** Null: there is none yet. */
  readonly show: (experiment: CopyExperiment | null) => void;
}

/** Creates the place for an outcome, still hidden. */
export function createCopyResult(context: PanelContext): CopyResult {
  const root = el('div', { class: 'copy-result', hidden: true, 'data-template': true });
  const table = el('table', { class: 'candidates copy-losses' });
  let found: CopyExperiment | null = null;
  const losses = withTableMenu(t('Experiment: what induction heads do'), table, {
    file: () => 'induction-experiment',
    numbers: () => found && copyNumbers(found),
  });
  const everywhere = ({ induction: { heads } }: CopyExperiment): void =>
    changeRecipe(context, (items) => heads.reduce((list, head) => switchedOn(list, headOff(head)), items));
  return {
    root,
    show: (experiment) => {
      found = experiment;
      root.hidden = experiment === null;
      if (experiment === null) return;
      render(tableTemplate(experiment), table);
      render(
        html`<p>${sentenceOf(experiment)}</p>
          ${losses}
          <p class="caption">${noteText(experiment)}</p>
          <div class="buttons wrap">
            <button type="button" class="button secondary" @click=${() => everywhere(experiment)}>
              ${t('Switch these induction heads off in every view')}
            </button>
          </div>`,
        root,
      );
    },
  };
}

function noteText({ before }: CopyExperiment): string {
  return t(
    'Mean surprisal over {0} tokens of each copy, without its first. The outline is the first copy, the bar the second. A random ' +
      'draw can hit a head that induction needs, such as one that looks at the token just before: then the second copy suffers too.',
    integer(before.loss.counted),
  );
}

/** What the numbers say. */
function sentenceOf({ before, induction, random, scores }: CopyExperiment): string {
  const second = random.map(({ loss }) => loss.secondBits);
  const mean = second.reduce((sum, value) => sum + value, 0) / second.length;
  return t(
    'A token takes {0} in the first copy and {1} in the second. With the {2} heads off that score highest as induction heads, it takes ' +
      '{3} in the second; with as many random ones off, {4} on average, from {5} to {6}. On random tokens, the former give {7} to {8} of ' +
      'their attention to the token that comes next.',
    bits(before.loss.firstBits),
    bits(before.loss.secondBits),
    integer(induction.heads.length),
    bits(induction.loss.secondBits),
    bits(mean),
    decimal(Math.min(...second), 2),
    decimal(Math.max(...second), 2),
    percent(scores.at(-1) ?? NaN),
    percent(scores[0] ?? NaN),
  );
}

function tableTemplate({ before, induction, random }: CopyExperiment): TemplateResult {
  const all = [before, induction, ...random];
  const most = Math.max(...all.flatMap(({ loss }) => [loss.firstBits, loss.secondBits]));
  const row = (name: string, { heads, loss }: CopyRun): TemplateResult =>
    html`<tr>
      <th scope="row">${name}${heads.length === 0 ? nothing : html`<span class="copy-heads">${headNames(heads)}</span>`}</th>
      <td class="bar-cell">${shareBarTemplate(loss.firstBits / most, loss.secondBits / most)}</td>
      <td class="number">${decimal(loss.firstBits, 2)}</td>
      <td class="number strong">${decimal(loss.secondBits, 2)}</td>
    </tr>`;
  return html`<caption class="visually-hidden">
      ${t('Experiment: what induction heads do')}
    </caption>
    <thead>
      <tr>
        <th scope="col" colspan="2">${t('Heads that are off')}</th>
        <th scope="col" class="number">${t('First copy, bits')}</th>
        <th scope="col" class="number">${t('Second copy, bits')}</th>
      </tr>
    </thead>
    <tbody>
      ${row(t('None'), before)} ${row(t('Induction heads'), induction)}
      ${random.map((one, draw) => row(t('Random heads, draw {0}', integer(draw + 1)), one))}
    </tbody>`;
}

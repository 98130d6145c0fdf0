import { html, nothing, type TemplateResult } from 'lit-html';
import type { PanelContext } from '../../context.ts';
import { headOff } from '../../../src/core/run.ts';
import { changeRecipe } from '../../changeRecipe.ts';
import { headNames, type CopyExperiment, type CopyRun } from '../../figures/copyExperiment.ts';
import { switchedOn } from '../../figures/recipeList.ts';
import { copyNumbers } from '../../figures/tableNumbers.ts';
import { button } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { bits, decimal, integer, percent } from '../../parts/format.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { barTemplate, drawInto, headingTemplate, numberTemplate } from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';

/** The outcome of the experiment, in words and numbers. */
export interface CopyResult {
  readonly root: HTMLElement;
  /** Null: there is none yet. */
  readonly show: (experiment: CopyExperiment | null) => void;
}

/** Creates the place for an outcome, still hidden. */
export function createCopyResult(context: PanelContext): CopyResult {
  const said = el('p', {});
  const table = el('table', { class: 'candidates copy-losses' });
  const note = el('p', { class: 'caption' });
  let found: CopyExperiment | null = null;
  const losses = withTableMenu(t('Experiment: what induction heads do'), table, {
    file: () => 'induction-experiment',
    numbers: () => found && copyNumbers(found),
  });
  const everywhere = button(t('Switch these induction heads off in every view'), 'secondary', () => {
    const heads = found?.induction.heads ?? [];
    changeRecipe(context, (items) => heads.reduce((list, head) => switchedOn(list, headOff(head)), items));
  });
  const root = el('div', { class: 'copy-result', hidden: true }, said, losses, note, el('div', { class: 'buttons wrap' }, everywhere));
  return {
    root,
    show: (experiment) => {
      found = experiment;
      root.hidden = experiment === null;
      if (experiment === null) return;
      said.textContent = sentenceOf(experiment);
      drawInto(table, tableTemplate(experiment));
      note.textContent = t(
        'Mean surprisal over {0} tokens of each copy, without its first. The outline is the first copy, the bar the second. A random ' +
          'draw can hit a head that induction needs, such as one that looks at the token just before: then the second copy suffers too.',
        integer(experiment.before.loss.counted),
      );
    },
  };
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
      <th scope="row">${explained(name)}${heads.length === 0 ? nothing : html`<span class="copy-heads">${headNames(heads)}</span>`}</th>
      <td class="bar-cell">${barTemplate({ before: loss.firstBits / most, after: loss.secondBits / most })}</td>
      ${numberTemplate(decimal(loss.firstBits, 2))} ${numberTemplate(decimal(loss.secondBits, 2), true)}
    </tr>`;
  return html`<caption class="visually-hidden">
      ${t('Experiment: what induction heads do')}
    </caption>
    <thead>
      <tr>
        ${headingTemplate(t('Heads that are off'), false, 2)} ${headingTemplate(t('First copy, bits'), true)}
        ${headingTemplate(t('Second copy, bits'), true)}
      </tr>
    </thead>
    <tbody>
      ${row(t('None'), before)} ${row(t('Induction heads'), induction)}
      ${random.map((one, draw) => row(t('Random heads, draw {0}', integer(draw + 1)), one))}
    </tbody>`;
}

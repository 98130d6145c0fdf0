import type { PanelContext, View } from '../context.ts';
import { t } from '../strings.ts';
import { button } from './controls.ts';
import { changeDetector, el } from './dom.ts';
import { displayLanguage, integer, significant } from './format.ts';
import { differenceNumbers } from '../figures/tableNumbers.ts';
import type { ViewState } from '../state.ts';
import { withTableMenu } from './tableMenu.ts';

/** Quantities that are named of a report that was read again: those that differ most. */
const NAMED = 8;

/** The band above a saved report: that its numbers are kept ones, of when they are, and how they compare with those read again. */
export function createReportBand({ host }: PanelContext): View {
  const about = el('span');
  const again = button(t('Read Again'), 'secondary', () => host.post({ type: 'readAgain' }));
  const needsModel = el('p', { hidden: true }, t('This needs a model, which a saved report does not have: explain the text in VS Code.'));
  const outcome = el('div', { class: 'report-outcome' });
  const root = el(
    'div',
    { class: 'banner report-band', role: 'status', hidden: true },
    el('p', {}, el('strong', {}, t('Saved report:')), ' ', about),
    el('div', { class: 'buttons' }, again),
    needsModel,
    outcome,
  );
  const changed = changeDetector();
  return {
    root,
    update: ({ report, shown, readAgain, needsModel: isAsked }) => {
      if (!changed(report, shown, readAgain, isAsked)) return;
      root.hidden = report === null;
      if (report === null || shown === null) return;
      const made = new Date(report.created).toLocaleDateString(displayLanguage(), { dateStyle: 'long' });
      about.textContent = t(
        'numbers of {0} as they were kept on {1} by Explain Tokens {2}. No model answers here: what was not kept says so.',
        shown.explanation.model.name,
        made,
        report.product,
      );
      needsModel.hidden = !isAsked;
      again.hidden = !report.readsAgain;
      outcome.replaceChildren(...(readAgain === null ? [] : [...outcomeOf(readAgain), ...leftOutOf(readAgain)]));
    },
  };
}

/** That a comparison was not read again. */
function leftOutOf({ leftOut }: NonNullable<ViewState['readAgain']>): readonly HTMLElement[] {
  if (leftOut === null) return [];
  return [el('p', {}, t('The comparison was not read again: there is no model named {0} here.', leftOut))];
}

function outcomeOf({ model, differences }: NonNullable<ViewState['readAgain']>): readonly HTMLElement[] {
  const [most] = differences;
  const compared = differences.reduce((sum, one) => sum + one.compared, 0);
  if (most === undefined || most.share === 0)
    return [
      el('p', {}, t('Read again with {0}: all {1} numbers, ids and texts are the kept ones to their last bit.', model, integer(compared))),
    ];
  const rows = differences
    .slice(0, NAMED)
    .map(({ quantity, largest, share }) =>
      el(
        'tr',
        {},
        el('th', { scope: 'row' }, quantity),
        el('td', {}, largest === null ? '' : significant(largest)),
        el('td', {}, share === Infinity ? t('other numbers') : significant(share)),
      ),
    );
  const heads = [t('Quantity'), t('Largest difference'), t('Share of the largest number')];
  const table = el(
    'table',
    { class: 'table' },
    el('thead', {}, el('tr', {}, ...heads.map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, ...rows),
  );
  return [
    el('p', {}, t('Read again with {0}: {1} numbers, ids and texts were compared. Where they differ most:', model, integer(compared))),
    withTableMenu(t('What differs from the kept numbers'), table, {
      file: () => 'differences-from-report',
      numbers: () => differenceNumbers(differences),
    }),
  ];
}

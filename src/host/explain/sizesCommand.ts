import { inert, joined } from '../../core/inertText.ts';
import { factsOf, fitOf, groupText, GROUPS, type ModelEntry } from '../models/modelEntries.ts';
import type { ModelLibrary } from '../models/modelLibrary.ts';
import type { PanelView } from '../panel/panelView.ts';
import { t } from '../say.ts';
import { inform, pickSome, type PickItem } from '../surfaces.ts';
import { vscode } from '../vscode.ts';
import type { CurrentExplanation } from './currentExplanation.ts';
import type { Sizer } from './sizer.ts';

/** Parts of the extension that the command uses. */
export interface SizesContext {
  readonly current: CurrentExplanation;
  readonly library: ModelLibrary;
  readonly sizer: Sizer;
  readonly panel: PanelView;
}

interface Choice extends PickItem {
  readonly entry: ModelEntry;
}

/** Command "Compare With More Models…": reads the text on show with as many other models as are chosen, and compares all by their sizes. */
export async function compareSizesCommand({ current, library, sizer, panel }: SizesContext): Promise<void> {
  if (!current.value) return void inform(t('Explain a text first: then other models can read it, too.'));
  const entries = (await library.entries()).filter((entry) => !library.isCurrent(entry));
  const others = GROUPS.flatMap((group) => entries.filter((entry) => entry.group === group));
  if (others.length === 0) return void inform(t('There is no other model in the library: add or download some first.'));
  await Promise.all(others.map((entry) => library.describe(entry)));
  const choices = others.map((entry): Choice => {
    const known = library.known(entry);
    const fit = fitOf(known, t);
    const facts = factsOf(entry, known, t, vscode.env.language);
    return {
      entry,
      label: inert(entry.name),
      description: joined([groupText(entry.group, t), ...facts], ' · '),
      ...(fit.kind === 'fits' ? {} : { detail: fit.reason }),
    };
  });
  const chosen = await pickSome(
    choices,
    [],
    (now) => t('Compare With More Models: {0} chosen', now.length),
    t('Which models should read the text, too? Each is opened after the other.'),
  );
  if (chosen === undefined || chosen.length === 0) return;
  await sizer.compare(chosen.map(({ entry }) => entry.setting));
  if (sizer.value !== null) panel.showSizes();
}

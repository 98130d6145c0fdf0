import { t } from '../strings.ts';
import { createMenuButton, type MenuEntry } from './menuButton.ts';

/** A button that opens a menu of what can be saved or copied of a figure or table, `label`; its entries are made when it opens. */
export function createSaveMenu(label: string, entries: () => readonly MenuEntry[]): HTMLElement {
  return createMenuButton(t('Save'), t('Save: {0}', label), entries);
}

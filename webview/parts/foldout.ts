import type { Store } from '../state.ts';
import type { FoldName, Settings } from '../viewSettings.ts';
import { el } from './dom.ts';

/** Details under a line that stays, which open and close and are as the user left them. */
export interface Foldout {
  readonly root: HTMLDetailsElement;
  readonly summary: HTMLElement;
  /** Opens or closes them as the settings say; `initially` where the user has done neither. Returns whether they are open. */
  readonly set: (settings: Settings, initially?: boolean) => boolean;
}

/** Whether details are open. */
export function isUnfolded({ folds }: Settings, name: FoldName, initially = false): boolean {
  return folds[name] ?? initially;
}

/** Keeps whether details are open. */
export function keepFold(store: Store, name: FoldName, open: boolean): void {
  const { folds } = store.state().settings;
  if (folds[name] !== open) store.dispatch({ type: 'settings', change: { folds: { ...folds, [name]: open } } });
}

/** Creates details by name; `summary` is what stays of them. */
export function foldout(
  store: Store,
  name: FoldName,
  kind: string,
  summary: readonly (Node | string)[],
  ...children: readonly (Node | string)[]
): Foldout {
  const head = el('summary', {}, ...summary);
  const root = el('details', { class: `fold ${kind}` }, head, el('div', { class: 'fold-body' }, ...children));
  let shown = false;
  // An event of the element's own, which comes some time after it was set: told apart by what was set last.
  root.addEventListener('toggle', () => {
    if (root.open === shown) return;
    shown = root.open;
    keepFold(store, name, root.open);
  });
  return {
    root,
    summary: head,
    set: (settings, initially) => {
      shown = isUnfolded(settings, name, initially);
      if (root.open !== shown) root.open = shown;
      return shown;
    },
  };
}

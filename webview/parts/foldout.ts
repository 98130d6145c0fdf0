import type { Store } from '../state.ts';
import type { FoldName, Settings } from '../viewSettings.ts';
import { el } from './dom.ts';

/** Details under a line that stays, which open and close and are as the user left them. */
export interface Foldout {
  readonly root: HTMLDetailsElement;
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

/**
 * Takes a press of the line that stays of details, by mouse or key, and calls `fold` with whether they are to be open. The element's own
 * event comes some time after it has opened: what is drawn only then is first shown empty. Links and buttons in the line keep their press.
 */
export function pressToFold(event: Event, fold: (open: boolean) => void): void {
  const { currentTarget: summary, target } = event;
  if (!(summary instanceof HTMLElement) || !(summary.parentElement instanceof HTMLDetailsElement)) return;
  if (event.defaultPrevented || (target instanceof Element && target.closest('a, button, summary') !== summary)) return;
  event.preventDefault();
  fold(!summary.parentElement.open);
}

/** Creates details by their name in the settings; `kind` is a class of theirs, `summary` what stays of them. */
export function foldout(
  store: Store,
  name: FoldName,
  kind: string,
  summary: readonly (Node | string)[],
  ...children: readonly (Node | string)[]
): Foldout {
  const line = el('summary', {}, ...summary);
  const root = el('details', { class: `fold ${kind}` }, line, el('div', { class: 'fold-body' }, ...children));
  let shown = false;
  line.addEventListener('click', (event) => pressToFold(event, (open) => keepFold(store, name, open)));
  // The browser opens them by itself where its search finds something in them. The event comes some time after the element was set: told
  // apart by what was set last.
  root.addEventListener('toggle', () => {
    if (root.open === shown) return;
    shown = root.open;
    keepFold(store, name, root.open);
  });
  return {
    root,
    set: (settings, initially) => {
      shown = isUnfolded(settings, name, initially);
      if (root.open !== shown) root.open = shown;
      return shown;
    },
  };
}

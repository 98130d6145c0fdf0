/** Elements that are typed into or opened: every key is theirs. */
const TYPED = [
  'input:not([type="range"], [type="radio"], [type="checkbox"], [type="button"])',
  'select',
  'textarea',
  '[contenteditable]:not([contenteditable="false"])',
  '[role="textbox"]',
  '[role="searchbox"]',
  '[role="combobox"]',
  '[role="spinbutton"]',
  '[role="menu"]',
  '[role="menubar"]',
].join(', ');
/** Elements set with keys: digits and arrows are theirs. */
const SET = 'input, [role="slider"], [role="radio"], [role="radiogroup"]';
/** Elements walked through with arrows. None of this page's is searched by typing, so digits are free. */
const WALKED = '[role="listbox"], [role="tree"], [role="grid"], [role="treegrid"], [role="tablist"]';
const MOVES: ReadonlySet<string> = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown']);

/** The key of an event; empty while a modifier key is held, or an input method composes a word. */
export function plainKey(event: KeyboardEvent): string {
  return event.ctrlKey || event.metaKey || event.altKey || event.isComposing ? '' : event.key;
}

/** The key of an event; empty if the focused element uses it itself. For keys that act on a whole view or on all of them. */
export function freeKey(event: KeyboardEvent): string {
  const key = plainKey(event);
  const { target } = event;
  const inside = (kind: string): boolean => target instanceof Element && target.closest(kind) !== null;
  if (event.defaultPrevented || inside(TYPED)) return '';
  if (key === 'Escape') return key;
  return inside(SET) || (MOVES.has(key) && inside(WALKED)) ? '' : key;
}

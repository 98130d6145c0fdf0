import type { WindowNames } from '../../src/protocol/messages.ts';
import type { LineRange } from '../../src/core/textWindows.ts';
import type { ReadWindow } from '../../src/core/trace.ts';
import type { PanelContext, View } from '../context.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { slider } from './controls.ts';
import { changeDetector, el } from './dom.ts';
import { integer } from './format.ts';

/** Time for which the slider rests before its window is read. */
const REST_MS = 250;

/** The window of a long text that is explained: named by its lines, and chosen with a slider. Hidden where the text is read at once. */
export function createWindowBar({ host, store, announce }: PanelContext): View {
  /** The window that the user chose and that is not shown yet. */
  let wanted: number | null = null;
  let resting: ReturnType<typeof setTimeout> | undefined;
  const choose = (index: number): void => {
    wanted = index;
    show(store.state());
    clearTimeout(resting);
    resting = setTimeout(() => {
      resting = undefined;
      const { shown } = store.state();
      if (shown !== null) host.post({ type: 'window', serial: shown.serial, index });
    }, REST_MS);
  };
  const bar = slider(t('Window'), 0, 0, 1, choose);
  const rule = el('p', { class: 'caption' });
  const root = el('section', { class: 'window-bar', 'aria-label': t('Window of the text'), hidden: true }, bar.root, rule);
  const changed = changeDetector();

  const show = ({ shown }: ViewState): void => {
    const window = shown?.explanation.window;
    const names = shown?.windows;
    root.hidden = window === undefined || names === undefined;
    if (window === undefined || names === undefined) return;
    const index = Math.min(wanted ?? window.index, window.windows.length - 1);
    bar.set(index, nameOf(window, names, index), window.windows.length - 1);
    rule.textContent = names.rule;
  };
  return {
    root,
    update: (state) => {
      if (!changed(state.shown, state.activity.kind)) return;
      // What the user chose meanwhile is on its way; after a failure it is not coming.
      if (resting === undefined && state.activity.kind !== 'working') {
        const { shown } = state;
        if (wanted !== null && shown?.explanation.window?.index === wanted && shown.windows !== undefined)
          announce(nameOf(shown.explanation.window, shown.windows, wanted));
        wanted = null;
      }
      show(state);
    },
  };
}

/** A window's lines and tokens, as "Lines 120–168 of 1,500, tokens 513–1,536 of 20,012". */
function nameOf({ windows, tokens }: ReadWindow, { lines, whole }: WindowNames, index: number): string {
  const { begin = 0, end = 0 } = windows[index] ?? {};
  const place = t('tokens {0}–{1} of {2}', integer(begin + 1), integer(end), integer(tokens));
  return t('{0}, {1}', linesText(lines[index] ?? whole, whole), place);
}

function linesText([first, last]: LineRange, [begin, end]: LineRange): string {
  if (first === last) return t('Line {0}', integer(first));
  return begin === 1
    ? t('Lines {0}–{1} of {2}', integer(first), integer(last), integer(end))
    : t('Lines {0}–{1}, of {2}–{3}', integer(first), integer(last), integer(begin), integer(end));
}

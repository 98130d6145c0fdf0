import { CancelledError } from '../src/core/errors.ts';
import type { PanelContext } from './context.ts';
import { changeDetector } from './parts/dom.ts';
import { createNotice } from './parts/notice.ts';
import type { ViewState } from './state.ts';
import type { Host } from './vscodeApi.ts';

/**
 * Data of one part of a view: requested again when its key changes, drawn when the answer arrives, replaced by a notice if there is none.
 */
export interface Question<Answer> {
  /** Shown in place of the parts when there is nothing to draw. */
  readonly notice: HTMLElement;
  /** Answer to the last key that was answered; undefined once another explanation is shown. */
  readonly answer: () => Answer | undefined;
  /** Asks if `key` differs from the last one; otherwise draws again. */
  readonly update: (state: ViewState, ...key: readonly unknown[]) => void;
  /** Draws the answer again, for another width or with other data of the view. */
  readonly redraw: () => void;
}

/** How a part of a view asks for its data and draws it. */
export interface Asking<Answer> {
  /** Element marked aria-busy while an answer is awaited. */
  readonly busy: () => HTMLElement;
  /** Elements hidden while there is nothing to draw: their content would answer another question than the titles name. */
  readonly parts: readonly HTMLElement[];
  /**
   * Gets the answer, or a sentence saying why there is nothing to draw (an empty one says nothing). Asks through `query`: the host's own,
   * but it rejects with CancelledError once another key has been asked, so that a chain of queries stops and no outdated answer is drawn.
   */
  readonly ask: (state: ViewState, query: Host['query']) => Promise<Answer | string>;
  /** Called once with each answer, before it is drawn. */
  readonly answered?: (answer: Answer, state: ViewState) => void;
  /** Draws the answer. Called with every state, so it checks for itself whether anything has changed. */
  readonly draw?: (answer: Answer, state: ViewState) => void;
}

/**
 * The one way in which views ask, wait, fail and draw. A failure is shown in the notice; a question that was dropped is asked again with
 * the next state.
 */
export function question<Answer extends object>({ host, store }: PanelContext, asking: Asking<Answer>): Question<Answer> {
  const { busy, parts, ask, answered, draw } = asking;
  const notice = createNotice();
  let changed = changeDetector();
  let known: { readonly answer: Answer; readonly shown: ViewState['shown'] } | undefined;
  /** Number of keys asked so far: answers to earlier keys are not wanted. */
  let asked = 0;

  const answer = (): Answer | undefined => (known !== undefined && known.shown === store.state().shown ? known.answer : undefined);
  const redraw = (): void => {
    const found = answer();
    if (found !== undefined) draw?.(found, store.state());
  };
  const forget = (): void => {
    known = undefined;
    for (const part of parts) part.hidden = true;
  };
  const load = async (state: ViewState): Promise<void> => {
    const own = ++asked;
    const stillWanted = (): void => {
      if (own !== asked) throw new CancelledError();
    };
    const query: Host['query'] = async (...question) => {
      stillWanted();
      const found = await host.query(...question);
      stillWanted();
      return found;
    };
    try {
      const found = await whileBusy(busy(), ask(state, query));
      stillWanted();
      if (typeof found === 'string') {
        forget();
        return notice.tell(found);
      }
      known = { answer: found, shown: state.shown };
      for (const part of parts) part.hidden = false;
      notice.clear();
      answered?.(found, store.state());
      redraw();
    } catch (error) {
      if (own !== asked) return;
      if (error instanceof CancelledError) {
        changed = changeDetector();
        return;
      }
      forget();
      // What a saved report has no answer to, it will have none to later.
      notice.fail(error, store.state().report === null ? again : undefined);
    }
  };
  /** The button that was pressed goes, and with it its focus: where the answer will be, it is not lost. */
  const again = (): void => {
    const place = busy();
    if (place.tabIndex < 0) place.tabIndex = -1;
    place.focus();
    notice.clear();
    void load(store.state());
  };
  return {
    notice: notice.root,
    answer,
    update: (state, ...key) => {
      if (changed(...key)) void load(state);
      else redraw();
    },
    redraw,
  };
}

/** Marks an element busy (aria-busy) until the last of its questions is answered, has failed or was dropped. */
export async function whileBusy<Answer>(element: HTMLElement, answer: Promise<Answer>): Promise<Answer> {
  waiting.set(element, (waiting.get(element) ?? 0) + 1);
  element.setAttribute('aria-busy', 'true');
  try {
    return await answer;
  } finally {
    const left = (waiting.get(element) ?? 1) - 1;
    waiting.set(element, left);
    if (left === 0) element.removeAttribute('aria-busy');
  }
}

const waiting = new WeakMap<HTMLElement, number>();

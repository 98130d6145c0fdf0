import { html, nothing } from 'lit-html';
import { CancelledError, messageOf } from '../../src/core/errors.ts';
import { el } from './dom.ts';
import { drawInto } from './templates.ts';

/** Where a part of a view says why there is nothing to draw. Takes no room while there is nothing to say. */
export interface Notice {
  readonly root: HTMLElement;
  /** Says what went wrong, an error or a sentence; that the user has cancelled needs no saying. */
  readonly fail: (error: unknown) => void;
  /** Says a sentence that is no failure; an empty one says nothing. */
  readonly tell: (sentence: string) => void;
  readonly clear: () => void;
}

export function createNotice(): Notice {
  const root = el('div', { class: 'notice' });
  const clear = (): void => drawInto(root, nothing);
  return {
    root,
    fail: (error) => {
      if (error instanceof CancelledError) clear();
      else drawInto(root, html`<p class="view-failure" role="alert">${messageOf(error)}</p>`);
    },
    tell: (sentence) => drawInto(root, sentence === '' ? nothing : html`<p class="caption">${sentence}</p>`),
    clear,
  };
}

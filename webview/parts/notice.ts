import { html, nothing } from 'lit-html';
import { CancelledError, messageOf } from '../../src/core/errors.ts';
import { el } from './dom.ts';
import { t } from '../strings.ts';
import { drawInto } from './templates.ts';

/** Where a part of a view says why there is nothing to draw. Takes no room while there is nothing to say. */
export interface Notice {
  readonly root: HTMLElement;
  /** Says what went wrong, an error or a sentence, and offers to try `again`; that the user has cancelled needs no saying. */
  readonly fail: (error: unknown, again?: () => void) => void;
  /** Says a sentence that is no failure; an empty one says nothing. */
  readonly tell: (sentence: string) => void;
  readonly clear: () => void;
}

export function createNotice(): Notice {
  const root = el('div', { class: 'notice' });
  const clear = (): void => drawInto(root, nothing);
  return {
    root,
    fail: (error, again) => {
      if (error instanceof CancelledError) return clear();
      const offer =
        again === undefined ? nothing : html` <button type="button" class="button link" @click=${again}>${t('Try again')}</button>`;
      drawInto(root, html`<div class="view-failure"><span role="alert">${messageOf(error)}</span>${offer}</div>`);
    },
    tell: (sentence) => drawInto(root, sentence === '' ? nothing : html`<p class="caption">${sentence}</p>`),
    clear,
  };
}

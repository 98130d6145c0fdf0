import type { Page } from 'playwright-core';
import { MARKER } from '../unit/model/strangers.ts';

/** Everything in a window that follows commands hidden in a stranger's text; empty where the text is shown as nothing but text. */
export function actingIn(page: Page): Promise<readonly string[]> {
  return page.evaluate(findActing, MARKER);
}

/** Runs in the page. */
function findActing(marker: string): readonly string[] {
  // Control characters, except those that lay out text, and characters that change the direction of text.
  const unseen = /[^\P{Cc}\t\n\r]|[\u202a-\u202e\u2066-\u2069]/u;
  const found: string[] = [];
  for (const link of document.querySelectorAll('a[href], [data-href]')) {
    const address = `${link.getAttribute('href') ?? ''} ${link.getAttribute('data-href') ?? ''}`;
    if (address.includes(marker) || (address.includes('command:') && link.closest('.notification-list-item-message') !== null))
      found.push(`the link ${address}`);
  }
  for (const icon of document.querySelectorAll('.codicon-sync')) found.push(`the icon in ${icon.parentElement?.textContent}`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const texts =
      node instanceof Element
        ? ['aria-label', 'title', 'placeholder'].map((name) => node.getAttribute(name) ?? '')
        : [node.textContent ?? ''];
    if (!(node instanceof Element) && ['SCRIPT', 'STYLE'].includes(node.parentElement?.tagName ?? '')) continue;
    for (const text of texts) if (unseen.test(text)) found.push(`a character unseen in ${JSON.stringify(text)}`);
  }
  return found;
}

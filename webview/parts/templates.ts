import { html, nothing, type TemplateResult } from 'lit-html';

/** A text that is pressed like a link; `title` says what then happens. */
export function linkTemplate(text: string, follow: () => void, title?: string): TemplateResult {
  return html`<button type="button" class="button link" title=${title ?? nothing} @click=${follow}>${text}</button>`;
}

/** A bar of two lengths, shares of the largest: an outline before, filled after. */
export function shareBarTemplate(before: number, after: number): TemplateResult {
  const lengths = `--before: ${before.toFixed(4)}; --after: ${after.toFixed(4)}`;
  return html`<span class="bar" style=${lengths} aria-hidden="true"><span class="bar-before"></span><span class="bar-after"></span></span>`;
}

/** A token's text as a chip. */
export function chipTemplate(text: string): TemplateResult {
  return html`<span class="token-text chip">${text}</span>`;
}

/** What a user waits for, in this order: the page's code, tokens, their numbers, and these on screen. */
export type Mark = 'script' | 'tokens' | 'explanation' | 'picture';

/** Notes when something came, by the page's own clock: the last time of each, which the bench reads. */
export function mark(name: Mark): void {
  performance.clearMarks(name);
  performance.mark(name);
}

/** Notes when what was just put on the page is on screen: after the next frame. */
export function markDrawn(name: Mark): void {
  requestAnimationFrame(() => setTimeout(() => mark(name)));
}

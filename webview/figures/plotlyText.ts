/** Text escaped for Plotly's labels, which interpret a subset of HTML: the characters themselves are drawn. */
export function plotlyText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/\$/g, '&#36;');
}

/** Width of a text in units of the font size; East Asian characters are as wide as they are high. */
export function textWidth(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + ((character.codePointAt(0) ?? 0) > 0x2e80 ? 1 : 0.61), 0);
}

/** Text inside Plotly's labels, which read a small HTML: only the characters themselves are drawn. */
export function plotlyText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/\$/g, '&#36;');
}

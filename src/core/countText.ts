/** A whole number as people read it, in groups of three digits: 1,024. */
export function countText(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** Whether a tab of a saved report has anything to show without a model. `isCompared`: whether a comparison is kept. */
export function isKeptTab(tab: unknown, isCompared: boolean): boolean {
  return tab !== 'generate' && (tab !== 'compare' || isCompared);
}

/** Things are measured together for so long: what else is asked meanwhile waits no longer than this and one of them. */
const TOGETHER_MS = 200;

/** The numbers of the first of some things, in their order: of as many as are measured in a short while, at least one. */
export async function measuredTogether<Item>(
  items: readonly Item[],
  measure: (item: Item) => Promise<number>,
  checkpoint: () => Promise<void>,
): Promise<Float32Array> {
  const end = performance.now() + TOGETHER_MS;
  const found: number[] = [];
  for (const item of items) {
    await checkpoint();
    found.push(await measure(item));
    if (performance.now() >= end) break;
  }
  return Float32Array.from(found);
}

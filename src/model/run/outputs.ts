/** The float32 numbers of a graph's output. */
export function floats(data: Float32Array | Int32Array | undefined): Float32Array {
  if (!(data instanceof Float32Array)) throw new Error('The graph returned no float32 numbers.');
  return data;
}

/** The whole numbers of a graph's output. */
export function ints(data: Float32Array | Int32Array | undefined): Int32Array {
  if (!(data instanceof Int32Array)) throw new Error('The graph returned no whole numbers.');
  return data;
}

/** The item of a layer in a list by layer. Throws RangeError outside it. */
export function itemOf<Item>(items: readonly Item[], layer: number): Item {
  const found = items[layer];
  if (found === undefined) throw new RangeError(`Layer ${layer} is outside a model of ${items.length}.`);
  return found;
}

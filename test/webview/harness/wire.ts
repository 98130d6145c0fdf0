// Explanations and answers as JSON: typed arrays by name, and numbers that JSON has none of as text.
const ARRAYS = { Float32Array, Int32Array, Uint8Array } as const;
type ArrayName = keyof typeof ARRAYS;

export function toWire(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    for (const [name, kind] of Object.entries(ARRAYS))
      if (item instanceof kind)
        return { array: name, values: Array.from(item, (number) => (Number.isFinite(number) ? number : String(number))) };
    return item;
  });
}

export function fromWire(text: string): unknown {
  return JSON.parse(text, (_, item: unknown) => (isPacked(item) ? ARRAYS[item.array].from(item.values.map(Number)) : item));
}

function isPacked(item: unknown): item is { readonly array: ArrayName; readonly values: readonly (number | string)[] } {
  return typeof item === 'object' && item !== null && 'array' in item && 'values' in item;
}

/** A cache that evicts the least recently used values beyond a budget in bytes; the newest value stays whatever its size. */
export interface Recent<Key, Value> {
  has(key: Key): boolean;
  get(key: Key): Value | undefined;
  set(key: Key, value: Value, bytes: number): void;
  values(): readonly Value[];
}

/** An empty cache; `budget` in bytes. */
export function recent<Key, Value>(budget: number): Recent<Key, Value> {
  const entries = new Map<Key, { readonly value: Value; readonly bytes: number }>();
  return {
    has: (key) => entries.has(key),
    get: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set: (key, value, bytes) => {
      entries.delete(key);
      entries.set(key, { value, bytes });
      let total = 0;
      for (const entry of entries.values()) total += entry.bytes;
      for (const [oldKey, old] of entries) {
        if (total <= budget || oldKey === key) break;
        entries.delete(oldKey);
        total -= old.bytes;
      }
    },
    values: () => [...entries.values()].map(({ value }) => value),
  };
}

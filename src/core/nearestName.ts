/** Words of model names that say nothing of whose relatives they are. */
const COMMON: ReadonlySet<string> = new Set(['instruct', 'chat', 'base', 'it', 'gguf', 'hf', 'latest', 'main', 'model', 'snapshots']);

/** Words of a name, in lower case: "Qwen/Qwen2.5-7B-Instruct" has "qwen", "2.5", "7b". */
function wordsOf(name: string): ReadonlySet<string> {
  const words = name.toLowerCase().match(/[a-z]+|\d+(\.\d+)?[a-z]?/g) ?? [];
  return new Set(words.filter((word) => word.length > 1 && !COMMON.has(word)));
}

/** The name that shares most words with another, of equal ones the first; null where none shares a word of letters. */
export function nearestName(name: string, others: readonly string[]): string | null {
  const wanted = wordsOf(name);
  let [best, most] = [null as string | null, 0];
  for (const other of others) {
    const shared = [...wordsOf(other)].filter((word) => wanted.has(word));
    if (shared.length <= most || !shared.some((word) => /^[a-z]/.test(word))) continue;
    [best, most] = [other, shared.length];
  }
  return best;
}

/**
 * The first key that an object of a valid JSON text holds twice, or null. JSON.parse keeps the last one silently,
 * which would let two readers see two different models in one file.
 */
export function duplicateKey(text: string): string | null {
  const open: (Set<string> | null)[] = [];
  let expectsKey = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '{') {
      open.push(new Set());
      expectsKey = true;
    } else if (char === '[') {
      open.push(null);
      expectsKey = false;
    } else if (char === '}' || char === ']') {
      open.pop();
      expectsKey = false;
    } else if (char === ',') {
      expectsKey = open.at(-1) instanceof Set;
    } else if (char === '"') {
      const end = stringEnd(text, i);
      if (expectsKey) {
        const key = String(JSON.parse(text.slice(i, end + 1)));
        const keys = open.at(-1);
        if (keys?.has(key) === true) return key;
        keys?.add(key);
        expectsKey = false;
      }
      i = end;
    }
  }
  return null;
}

/** Index of the quote that closes the string opened at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

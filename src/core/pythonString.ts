/**
 * A text as a string literal of Python. Characters that are not seen, or that turn the direction of text, are escaped: code that is copied
 * reads as it runs.
 */
export function pythonString(text: string): string {
  return `"${text.replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, escaped)}"`;
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}

/** Names that Windows reserves for devices, whatever follows the first dot. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;
/** Characters that a file system may refuse or interpret: separators, wildcards, streams, control characters. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\\/:*?"<>|\u0000-\u001f\u007f]/;
/** Longest file name on the usual file systems, in bytes, minus the length of a part's suffix. */
const MAX_BYTES = 255 - 40;

/** Whether a listed path would lead out of the model's folder on some system, which no honest hub lists. */
export function leavesFolder(path: string): boolean {
  return path === '' || path.includes('\0') || /^([\\/]|[A-Za-z]:)/.test(path) || path.split(/[\\/]/).some((part) => part === '..');
}

/** Whether a name is a valid file name on every system, without a folder. */
export function isPlainName(name: string): boolean {
  return (
    !FORBIDDEN.test(name) &&
    !name.startsWith('.') &&
    !/[. ]$/.test(name) &&
    !RESERVED.test(name) &&
    name !== '' &&
    Buffer.byteLength(name) <= MAX_BYTES
  );
}

/** The first two names that collide on a case-insensitive file system. */
export function sameIgnoringCase(names: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const folded = name.normalize('NFC').toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined) return [other, name];
    seen.set(folded, name);
  }
  return undefined;
}

/** Names Windows keeps for devices, whatever follows the first dot. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;
/** What a file system may refuse or read otherwise: separators, wildcards, streams, control characters. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\\/:*?"<>|\u0000-\u001f\u007f]/;
/** Longest name of the usual file systems, in bytes, less what a part's ending takes. */
const MAX_BYTES = 255 - 40;

/** Whether a listed path would lead out of the model's folder on some system: no honest hub has one. */
export function leavesFolder(path: string): boolean {
  return path === '' || path.includes('\0') || /^([\\/]|[A-Za-z]:)/.test(path) || path.split(/[\\/]/).some((part) => part === '..');
}

/** Whether a name can be a file's, directly in a folder, on every system. */
export function isPlainName(name: string): boolean {
  return !FORBIDDEN.test(name) && !name.startsWith('.') && !/[. ]$/.test(name) && !RESERVED.test(name) && name !== '' && Buffer.byteLength(name) <= MAX_BYTES;
}

/** The first two names that are one on a disk that does not tell upper from lower case. */
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

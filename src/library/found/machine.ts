import { resolve } from 'node:path';

/** What of a machine says where stores are. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** An absolute path from a variable or a setting, `~` and quotes around it taken as shells do; null where it says nothing. */
export function expanded(value: unknown, home: string): string | null {
  if (typeof value !== 'string') return null;
  const path = value.replace(/^[\s"']+|[\s"']+$/g, '');
  if (path === '' || path.includes('\0')) return null;
  return resolve(home, path.replace(/^~(?=$|[/\\])/, home));
}

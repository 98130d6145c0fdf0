import { resolve } from 'node:path';

/** The environment variables and home folder that determine where stores are. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** The absolute path in a variable or setting, with quotes removed and `~` expanded as a shell does; null where it has none. */
export function expanded(value: unknown, home: string): string | null {
  if (typeof value !== 'string') return null;
  const path = value.replace(/^[\s"']+|[\s"']+$/g, '');
  if (path === '' || path.includes('\0')) return null;
  return resolve(home, path.replace(/^~(?=$|[/\\])/, home));
}

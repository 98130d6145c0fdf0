import { createHash } from 'node:crypto';
import type { HubFile } from './hubApi.ts';

/** An incremental hash. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** The hash of all bytes so far, in lower-case hexadecimal. */
  hex(): string;
}

/** A hash of the kind that the hub lists for a file: SHA-256 of its content, or git's SHA-1 of `blob SIZE\0` and the content. */
export function digestOf({ bytes, hash }: Pick<HubFile, 'bytes' | 'hash'>): Digest {
  const state = createHash(hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (hash.kind === 'git') state.update(`blob ${bytes}\0`);
  return { update: (more) => void state.update(more), hex: () => state.copy().digest('hex') };
}

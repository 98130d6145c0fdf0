const REPOSITORY = /(?:^|[/\\])models--([^/\\]+?)(?:[/\\]snapshots(?:[/\\][^/\\]+)?)?[/\\]*$/;

/**
 * The hub's name for a folder of Hugging Face's cache: `models--OWNER--NAME`, or a snapshot in it, is OWNER/NAME. Null for any
 * other path.
 */
export function hubCacheName(path: string): string | null {
  return REPOSITORY.exec(path)?.[1]?.replaceAll('--', '/') ?? null;
}

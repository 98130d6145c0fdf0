import type { vscode } from './vscode.ts';

/** Last part of a file's path; of a folder's too, where its path ends with a slash. */
export function fileName({ path }: Pick<vscode.Uri, 'path'>): string {
  return path.split('/').findLast((part) => part !== '') ?? path;
}

/** A file's name after `text`, without what a system may not take in one; `otherwise` where nothing is left of it. */
export function safeName(text: string, otherwise: string): string {
  return text.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+/, '') || otherwise;
}

import type { vscode } from './vscode.ts';

/** Last part of a file's path; of a folder's too, where its path ends with a slash. */
export function fileName({ path }: Pick<vscode.Uri, 'path'>): string {
  return path.split('/').findLast((part) => part !== '') ?? path;
}

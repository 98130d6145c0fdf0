// The built-in Git extension over the fake editor.
import { FakeDocument, FakeUri } from './fakeEditor.ts';
import type { startHost } from './wholeHost.ts';

type Host = Awaited<ReturnType<typeof startHost>>;

/** The built-in Git extension with one repository; `head`: the files of its last commit by path, null: none was made yet. */
export function withGit(
  host: Host,
  head: Readonly<Record<string, string | null>> | null,
  renamed: readonly (readonly [string, string])[] = [],
): void {
  const gitUri = (path: string): FakeUri => new FakeUri('git', path);
  for (const [path, text] of Object.entries(head ?? {}))
    host.documents.set(gitUri(path).toString(), text === null ? null : Object.assign(new FakeDocument('x', text), { uri: gitUri(path) }));
  const change = ([from, to]: readonly [string, string]) => ({
    uri: FakeUri.file(from),
    originalUri: FakeUri.file(from),
    renameUri: FakeUri.file(to),
  });
  const repository = {
    state: { HEAD: head === null ? {} : { commit: 'abc' }, indexChanges: renamed.map(change), workingTreeChanges: [] },
    getObjectDetails: async (_: string, path: string) => (head && path in head ? { size: 1 } : Promise.reject(new Error('fatal'))),
  };
  const api = {
    getRepository: ({ path }: FakeUri) => (path.startsWith('/elsewhere') ? null : repository),
    toGitUri: ({ path }: FakeUri) => gitUri(path),
  };
  host.extensions.set('vscode.git', { isActive: true, exports: { getAPI: () => api } });
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** What a file assigns in a hook, and not where it declares it. */
const LATER = /^\s*let (\w+): [^=\n]+;$/gm;
const AFTER = /^( *)afterAll\((?:async )?\(\) => (?:\{\n.*?\n\1\}|[^\n]*)\);/gms;

/** Names that are used after all tests of a file as if everything before them had gone well. */
function takenForGranted(source: string): readonly string[] {
  const later = [...source.matchAll(LATER)].map(([, name = '']) => name);
  return [...source.matchAll(AFTER)].flatMap(([hook]) => later.filter((name) => new RegExp(`(?<![.\\w])${name}\\.`).test(hook)));
}

it('what ends after the tests of a file does not hide why they could not begin', () => {
  expect(takenForGranted('let session: Session;\nafterAll(() => session.close());\n')).toEqual(['session']);
  const files = readdirSync('test', { withFileTypes: true })
    .filter((folder) => folder.isDirectory() && folder.name !== 'vscode' && folder.name !== 'native')
    .flatMap(({ name }) => readdirSync(join('test', name), { recursive: true, encoding: 'utf8' }).map((file) => join(name, file)))
    .filter((name) => name.endsWith('.ts'));
  const found = files.flatMap((name) => takenForGranted(readFileSync(join('test', name), 'utf8')).map((one) => `${name}: ${one}`));
  expect(files.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});

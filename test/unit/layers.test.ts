import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** What a folder may import: other folders, packages, or `node:` modules; a file pattern where only some files may. */
const ALLOWED: Readonly<Record<string, readonly RegExp[]>> = {
  'src/core': [/^src\/core\//, /^ml-matrix$/],
  'src/model': [/^src\/(core|model)\//, /^onnxruntime-/, /^@huggingface\//],
  'src/worker': [/^src\/(core|model|worker)\//, /^onnxruntime-/],
  'src/protocol': [/^src\/core\//],
  // What the rest may know of a part of the library: types, and what needs no Node.
  'src/library': [/^src\/(core|library)\//, /^node:/],
  'src/host': [/^src\/(core|protocol|host)\//, /^src\/worker\/(api|rpc|port)/, /^src\/library\/\w+\/(api|address)\.ts$/, /^vscode$/, /^#platform$/],
  'src/cli': [/^src\/(core|model|worker|library|cli)\//, /^node:/, /^package\.json$/],
  webview: [/^webview\//, /^src\/(core|protocol)\//, /^plotly\.js/],
};
/** The only files that know Node, by what their names say. */
const NODE_FILES = /\.node\.ts$/;

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`);
}

/** `import … from 'x'`, `export … from 'x'`, `import 'x'` and `import('x')`. */
const IMPORT = /^(?:import|export)\b(?:[^;'"`]*\bfrom)?\s*'([^'\n]+)'|\bimport\('([^'\n]+)'\)/gm;

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  return Array.from(source.matchAll(IMPORT), (match) => match[1] ?? match[2] ?? '').map((name) => (name.startsWith('.') ? relative(root, resolve(join(root, file), '..', name)) : name));
}

test.each(Object.entries(ALLOWED))('%s imports only what its place allows', (folder, allowed) => {
  const files = filesBelow(folder);
  expect(files.length).toBeGreaterThan(0);
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((name) => !allowed.some((pattern) => pattern.test(name)) && !(NODE_FILES.test(file) && /^(node:|src\/library\/)/.test(name)))
      .map((name) => `${file} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('one file imports the editor: each that did would copy its whole API when the extension starts', () => {
  expect(filesBelow('src').filter((file) => importsOf(file).includes('vscode'))).toEqual(['src/host/vscode.ts']);
});

test('every relative import is found: the checks above saw real imports', () => {
  expect(importsOf('src/core/sampling.ts')).toContain('src/core/probability.ts');
});

test('no invented data where the user sees numbers', () => {
  const found = ['src', 'webview'].flatMap(filesBelow).filter((file) => /Math\.random|\b(?:mock|placeholder|dummy|fake|sample)Data\b/i.test(readFileSync(join(root, file), 'utf8')));
  expect(found).toEqual([]);
});

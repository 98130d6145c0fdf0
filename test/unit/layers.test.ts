import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** What a folder may import: other folders, packages, or `node:` modules; a file pattern where only some files may. */
const ALLOWED: Readonly<Record<string, readonly RegExp[]>> = {
  'src/core': [/^src\/core\//],
  'src/model': [/^src\/(core|model)\//, /^onnxruntime-/, /^@huggingface\//],
  'src/analysis': [/^src\/(core|protocol|model|analysis)\//],
  'src/worker': [/^src\/(core|protocol|model|analysis|worker)\//],
  // Of the library how to wait and try again, and which addresses are private.
  'src/engines': [/^src\/(core|engines)\//, /^src\/library\/hub\/(address|pause|problems|retry)\.ts$/],
  'src/protocol': [/^src\/(core|protocol)\//],
  'src/report': [/^src\/(core|protocol|report)\//, /^valibot$/],
  // Of the worker its calls alone.
  'src/agents': [/^src\/(core|protocol|agents)\//, /^src\/worker\/workerApi/],
  // What the rest may know of a part of the library: types, and what needs no Node.
  'src/library': [/^src\/(core|library)\//, /^node:/],
  'src/host': [
    /^src\/(core|protocol|report|agents|host)\//,
    /^src\/worker\/(workerApi|rpc|port)/,
    /^src\/library\/\w+\/(\w+Api|address)\.ts$/,
    /^src\/engines\/\w+\.ts$/,
    /^vscode$/,
    /^#platform$/,
    /^ignore$/,
  ],
  // Of the worker what knows this machine: its files, its memory, its runtimes.
  'src/cli': [
    /^src\/(core|protocol|report|model|analysis|library|engines|agents|cli)\//,
    /^src\/worker\/(\w+\.node|workerApi|rpc)\.ts$/,
    /^node:/,
    /^package\.json$/,
    /^@modelcontextprotocol\/sdk\//,
  ],
  webview: [/^webview\//, /^src\/(core|protocol|report)\//, /^plotly\.js/, /^valibot$/, /^lit-html$/],
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
  return Array.from(source.matchAll(IMPORT), (match) => match[1] ?? match[2] ?? '').map((name) =>
    name.startsWith('.') ? relative(root, resolve(join(root, file), '..', name)) : name,
  );
}

test.each(Object.entries(ALLOWED))('%s imports only what its place allows', (folder, allowed) => {
  const files = filesBelow(folder);
  expect(files.length).toBeGreaterThan(0);
  const isNodes = (file: string, name: string): boolean => NODE_FILES.test(file) && /^(node:|src\/(library|engines)\/)/.test(name);
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((name) => !allowed.some((pattern) => pattern.test(name)) && !isNodes(file, name))
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

test('no two files of one name: a name says what is in the file', () => {
  // A family of models and its GGUF architecture are meant to match, and each process starts in a `main`.
  const meant = /^src\/model\/(families|formats\/gguf\/architectures)\/|\/main(\.node|\.web)?\.ts$/;
  const files = ['src', 'webview'].flatMap(filesBelow).filter((file) => !meant.test(file));
  const nameOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1);
  expect(files.filter((file) => files.some((other) => other !== file && nameOf(other) === nameOf(file)))).toEqual([]);
});

test('no line is longer than 140 columns', () => {
  const files = ['src', 'webview', 'test', 'scripts']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`))
    .filter((file) => /\.(?:ts|mts|mjs|css)$/.test(file) && !file.includes('node_modules'));
  expect(files.length).toBeGreaterThan(400);
  const long = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, i) => (Array.from(line).length > 140 ? [`${file}:${i + 1}`] : [])),
  );
  expect(long).toEqual([]);
});

test('no invented data where the user sees numbers', () => {
  const found = ['src', 'webview']
    .flatMap(filesBelow)
    .filter((file) => /Math\.random|\b(?:mock|placeholder|dummy|fake|sample)Data\b/i.test(readFileSync(join(root, file), 'utf8')));
  expect(found).toEqual([]);
});

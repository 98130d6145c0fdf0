// Builds everything into dist/. `node esbuild.mjs [--minify] [--watch] [NAME...]` builds only the named targets.
import { context } from 'esbuild';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const minify = args.includes('--minify');
const watch = args.includes('--watch');
const wanted = args.filter((arg) => !arg.startsWith('--'));

const shared = { bundle: true, minify, sourcemap: minify ? false : 'linked', metafile: true, logLevel: 'warning', legalComments: 'none', absWorkingDir: root };
// VS Code's Node host defines `navigator` as a getter that logs a migration error: bundled libraries must not look.
const node = { ...shared, platform: 'node', target: 'node20', format: 'cjs', define: { navigator: 'undefined', 'globalThis.navigator': 'undefined' } };
const browser = { ...shared, platform: 'browser', target: 'es2022' };
const nativeRuntime = ['onnxruntime-node'];
// The runtime's build for Node: the one for browsers fetches its own files, and fetch knows no file URLs.
const nodeRuntime = { 'onnxruntime-web/wasm': join(dirname(createRequire(join(root, 'package.json')).resolve('onnxruntime-web')), 'ort.node.min.js') };

// Plotly's core brings the stylesheet of its maps along, which nothing here draws.
const withoutMaps = { 'maplibre-gl/dist/maplibre-gl.css': './webview/styles/none.css' };

/** The editor's API as it is: esbuild would copy its several hundred names into an object of its own whenever the extension starts. */
const editorApi = {
  name: 'editor API',
  setup: (build) => build.onLoad({ filter: /src[/\\]host[/\\]vscode\.ts$/ }, () => ({ contents: "export const vscode = require('vscode');" })),
};

/** What the extension needs later is a file of its own, which is read then. */
const laterHost = {
  name: 'later host',
  setup: (build) => build.onResolve({ filter: /host\/parts\.ts$/ }, ({ kind }) => (kind === 'dynamic-import' ? { path: './host.js', external: true } : undefined)),
};
const host = { ...node, external: ['vscode'], alias: { '#platform': './src/host/platform.node.ts' } };

const targets = {
  // A module of VS Code's host is required, not imported: `vscode` is known to require alone.
  extension: { ...host, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js', supported: { 'dynamic-import': false }, plugins: [editorApi, laterHost] },
  host: { ...host, entryPoints: ['src/host/parts.ts'], outfile: 'dist/host.js', plugins: [editorApi] },
  worker: { ...node, entryPoints: ['src/worker/main.node.ts'], outfile: 'dist/worker.js', external: nativeRuntime, alias: nodeRuntime },
  cli: { ...node, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js', external: nativeRuntime, alias: nodeRuntime, banner: { js: '#!/usr/bin/env node' } },
  'web/extension': { ...browser, format: 'cjs', entryPoints: ['src/extension.ts'], outfile: 'dist/web/extension.js', external: ['vscode'], plugins: [editorApi], alias: { '#platform': './src/host/platform.web.ts' } },
  'web/worker': { ...browser, format: 'iife', entryPoints: ['src/worker/main.web.ts'], outfile: 'dist/web/worker.js' },
  webview: { ...browser, format: 'iife', entryPoints: { webview: 'webview/main.ts' }, outdir: 'dist', define: { global: 'globalThis' }, alias: withoutMaps },
};

/** The WASM runtime is loaded from files at run time, so it travels beside the bundles. */
async function copyRuntime() {
  const require = createRequire(join(root, 'package.json'));
  const from = dirname(require.resolve('onnxruntime-web/wasm'));
  await mkdir(join(root, 'dist'), { recursive: true });
  for (const file of ['ort-wasm-simd-threaded.wasm', 'ort-wasm-simd-threaded.mjs']) await copyFile(join(from, file), join(root, 'dist', file));
}

/** The files of other packages that went into the bundles: what THIRD_PARTY_NOTICES.md must name. */
async function writeBundled(inputs) {
  await mkdir(join(root, '.cache'), { recursive: true });
  await writeFile(join(root, '.cache/bundled.json'), JSON.stringify([...new Set(inputs)].filter((path) => path.includes('node_modules')).toSorted((a, b) => a.localeCompare(b)), null, 1));
}

const unknown = wanted.filter((name) => !(name in targets));
if (unknown.length > 0) {
  console.error(`Unknown target ${unknown.join(', ')}. Targets: ${Object.keys(targets).join(', ')}.`);
  process.exit(2);
}
await copyRuntime();
const names = wanted.length > 0 ? wanted : Object.keys(targets);
const contexts = await Promise.all(names.map((name) => context(targets[name])));
if (watch) await Promise.all(contexts.map((build) => build.watch()));
else {
  const results = await Promise.allSettled(contexts.map((build) => build.rebuild()));
  await Promise.all(contexts.map((build) => build.dispose()));
  if (results.some((result) => result.status === 'rejected')) process.exit(1);
  if (wanted.length === 0) await writeBundled(results.flatMap((result) => Object.keys(result.value.metafile.inputs)));
}

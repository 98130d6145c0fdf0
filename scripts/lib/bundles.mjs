// What is bundled and how: written to dist/ by esbuild.mjs, held in memory by the panel's tests.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ROOT } from './paths.mjs';

const shared = { bundle: true, logLevel: 'warning', legalComments: 'none', absWorkingDir: ROOT };
// VS Code's Node host defines `navigator` as a getter that logs a migration error: bundled libraries must not look.
const node = { ...shared, platform: 'node', target: 'node20', format: 'cjs', define: { navigator: 'undefined', 'globalThis.navigator': 'undefined' } };
const browser = { ...shared, platform: 'browser', target: 'es2022' };
const nativeRuntime = ['onnxruntime-node'];
// The runtime's build for Node: the one for browsers fetches its own files, and fetch knows no file URLs.
const nodeRuntime = { 'onnxruntime-web/wasm': join(dirname(createRequire(join(ROOT, 'package.json')).resolve('onnxruntime-web')), 'ort.node.min.js') };

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

/** Options of esbuild by the bundle's name. */
export const bundles = {
  // A module of VS Code's host is required, not imported: `vscode` is known to require alone.
  extension: { ...host, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js', supported: { 'dynamic-import': false }, plugins: [editorApi, laterHost] },
  host: { ...host, entryPoints: ['src/host/parts.ts'], outfile: 'dist/host.js', plugins: [editorApi] },
  worker: { ...node, entryPoints: ['src/worker/main.node.ts'], outfile: 'dist/worker.js', external: nativeRuntime, alias: nodeRuntime },
  cli: { ...node, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js', external: nativeRuntime, alias: nodeRuntime, banner: { js: '#!/usr/bin/env node' } },
  'web/extension': { ...browser, format: 'cjs', entryPoints: ['src/extension.ts'], outfile: 'dist/web/extension.js', external: ['vscode'], plugins: [editorApi], alias: { '#platform': './src/host/platform.web.ts' } },
  'web/worker': { ...browser, format: 'iife', entryPoints: ['src/worker/main.web.ts'], outfile: 'dist/web/worker.js' },
  webview: { ...browser, format: 'iife', entryPoints: { webview: 'webview/main.ts' }, outdir: 'dist', define: { global: 'globalThis' }, alias: withoutMaps },
};

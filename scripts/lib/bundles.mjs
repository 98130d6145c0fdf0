// Options of all bundles: esbuild.mjs writes them to dist/, the panel's tests build them in memory.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ROOT } from './paths.mjs';

const shared = { bundle: true, logLevel: 'warning', legalComments: 'none', absWorkingDir: ROOT };
// VS Code's Node host defines `navigator` as a getter that logs a migration error, so bundled libraries must not read it.
const node = {
  ...shared,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  define: { navigator: 'undefined', 'globalThis.navigator': 'undefined' },
};
const browser = { ...shared, platform: 'browser', target: 'es2022' };
const nativeRuntime = ['onnxruntime-node'];
// The runtime's build for Node, because its build for browsers fetches its own files, and Node's fetch refuses file URLs.
const nodeRuntime = {
  'onnxruntime-web/wasm': join(dirname(createRequire(join(ROOT, 'package.json')).resolve('onnxruntime-web')), 'ort.node.min.js'),
};

// Plotly's core imports the stylesheet of maps, which nothing here draws.
const withoutMaps = { 'maplibre-gl/dist/maplibre-gl.css': './webview/styles/none.css' };

/** Plugin that exports VS Code's API object itself; esbuild would copy its several hundred members at each start of the extension. */
const editorApi = {
  name: 'editor API',
  setup: (build) =>
    build.onLoad({ filter: /src[/\\]host[/\\]vscode\.ts$/ }, () => ({ contents: "export const vscode = require('vscode');" })),
};

/** Plugin that leaves the parts of the host that are needed later in a separate bundle, which is loaded on demand. */
const laterHost = {
  name: 'later host',
  setup: (build) =>
    build.onResolve({ filter: /host\/hostParts\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './host.js', external: true } : undefined,
    ),
};
/** Plugin that leaves the server for agents in a bundle of its own: no other command waits for the protocol's schemas to load. */
const laterServer = {
  name: 'later server',
  setup: (build) =>
    build.onResolve({ filter: /\/mcpServer\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './mcp.js', external: true } : undefined,
    ),
};
const host = { ...node, external: ['vscode'], alias: { '#platform': './src/host/client/platform.node.ts' } };

/** Options of esbuild by name of the bundle. */
export const bundles = {
  // VS Code's host offers `vscode` to `require` only, so a dynamic import becomes a `require`.
  extension: {
    ...host,
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.js',
    supported: { 'dynamic-import': false },
    plugins: [editorApi, laterHost],
  },
  host: { ...host, entryPoints: ['src/host/hostParts.ts'], outfile: 'dist/host.js', plugins: [editorApi] },
  worker: { ...node, entryPoints: ['src/worker/main.node.ts'], outfile: 'dist/worker.js', external: nativeRuntime, alias: nodeRuntime },
  cli: {
    ...node,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/cli.js',
    external: nativeRuntime,
    alias: nodeRuntime,
    banner: { js: '#!/usr/bin/env node' },
    plugins: [laterServer],
  },
  mcp: { ...node, entryPoints: ['src/cli/mcpServer.ts'], outfile: 'dist/mcp.js' },
  'web/extension': {
    ...browser,
    format: 'cjs',
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/web/extension.js',
    external: ['vscode'],
    plugins: [editorApi],
    alias: { '#platform': './src/host/client/platform.web.ts' },
  },
  'web/worker': { ...browser, format: 'iife', entryPoints: ['src/worker/main.web.ts'], outfile: 'dist/web/worker.js' },
  webview: { ...browser, format: 'iife', entryPoints: { webview: 'webview/main.ts' }, outdir: 'dist' },
  // What a saved report has besides the panel's own page: what stands in for VS Code, and the script that unpacks all of it.
  report: { ...browser, format: 'iife', entryPoints: { report: 'webview/reportHost.ts' }, outdir: 'dist' },
  reportLoader: { ...browser, format: 'iife', entryPoints: ['webview/reportLoader.ts'], outfile: 'dist/reportLoader.js' },
  plots: {
    ...browser,
    format: 'iife',
    entryPoints: ['webview/plots.ts'],
    outfile: 'dist/plots.js',
    define: { global: 'globalThis' },
    alias: withoutMaps,
    // Of the stylesheet that stands in for that no file is made.
    loader: { '.css': 'empty' },
  },
};

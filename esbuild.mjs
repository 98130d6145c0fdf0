// Builds everything into dist/. `node esbuild.mjs [--minify] [--watch] [NAME...]` builds only the named targets.
import { context } from 'esbuild';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundles } from './scripts/lib/bundles.mjs';
import { ROOT } from './scripts/lib/paths.mjs';

const args = process.argv.slice(2);
const minify = args.includes('--minify');
const watch = args.includes('--watch');
const wanted = args.filter((arg) => !arg.startsWith('--'));

/** How all of them are built. */
const how = { minify, sourcemap: minify ? false : 'linked', metafile: true };

/** The WASM runtime is loaded from files at run time, so it travels beside the bundles. */
async function copyRuntime() {
  const require = createRequire(join(ROOT, 'package.json'));
  const from = dirname(require.resolve('onnxruntime-web/wasm'));
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  for (const file of ['ort-wasm-simd-threaded.wasm', 'ort-wasm-simd-threaded.mjs'])
    await copyFile(join(from, file), join(ROOT, 'dist', file));
}

/** The files of other packages that went into the bundles: what THIRD_PARTY_NOTICES.md must name. */
async function writeBundled(inputs) {
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  await writeFile(
    join(ROOT, '.cache/bundled.json'),
    JSON.stringify(
      [...new Set(inputs)].filter((path) => path.includes('node_modules')).toSorted((a, b) => a.localeCompare(b)),
      null,
      1,
    ),
  );
}

const unknown = wanted.filter((name) => !(name in bundles));
if (unknown.length > 0) {
  console.error(`Unknown target ${unknown.join(', ')}. Targets: ${Object.keys(bundles).join(', ')}.`);
  process.exit(2);
}
await copyRuntime();
const names = wanted.length > 0 ? wanted : Object.keys(bundles);
const contexts = await Promise.all(names.map((name) => context({ ...bundles[name], ...how, ...(watch ? { logLevel: 'info' } : {}) })));
if (watch) {
  console.log('[watch] build started');
  await Promise.allSettled(contexts.map((build) => build.rebuild()));
  await Promise.all(contexts.map((build) => build.watch()));
  // What starts the editor waits for this line: everything was built once.
  console.log('[watch] build finished, waiting for changes');
} else {
  const results = await Promise.allSettled(contexts.map((build) => build.rebuild()));
  await Promise.all(contexts.map((build) => build.dispose()));
  if (results.some((result) => result.status === 'rejected')) process.exit(1);
  if (wanted.length === 0) await writeBundled(results.flatMap((result) => Object.keys(result.value.metafile.inputs)));
}

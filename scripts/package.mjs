// Makes the VSIX for this machine: `npm run package`; `-- --target NAME` makes that of another platform, `-- --all` makes all.
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { installNativeRuntime, NATIVE_TARGETS, placeNativeRuntime, UNIVERSAL } from './lib/nativeRuntime.mjs';
import { ROOT, SERVER_NODE, VSCE } from './lib/paths.mjs';
import { writeNotices } from './notices.mjs';
import { setupVSCode } from './setup-vscode.mjs';

const run = promisify(execFile);
/** Folder for copies of the packed files, each with its platform's runtime in dist/, so that the built dist/ stays unchanged. */
const STAGES = join(ROOT, '.cache/package');
/** Files and folders that the packer reads; .vscodeignore says which files among them are packed. */
const PACKED = ['package.json', 'package.nls.json', 'package.nls.zh-cn.json', 'l10n', 'dist', 'media', '.vscodeignore'].concat([
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'THIRD_PARTY_NOTICES.md',
]);

/** Names of all packages. */
export const TARGETS = [UNIVERSAL, ...NATIVE_TARGETS];

/** Name of the package for this machine. */
export function ownTarget() {
  const target = `${process.platform}-${process.arch}`;
  return NATIVE_TARGETS.includes(target) ? target : UNIVERSAL;
}

/** Path of a target's VSIX. */
export function vsixOf(target) {
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return join(ROOT, `${name}-${target === UNIVERSAL ? '' : `${target}-`}${version}.vsix`);
}

/** Builds the minified bundles and packs them for each target. Returns the paths of the VSIX files, in the same order. */
export async function packageExtension(targets = [ownTarget()], say = console.log) {
  setupVSCode(say);
  installNativeRuntime();
  execFileSync(process.execPath, ['esbuild.mjs', '--minify'], { cwd: ROOT, stdio: 'inherit' });
  writeNotices();
  rmSync(STAGES, { recursive: true, force: true });
  // Packing mostly compresses, on one core per package.
  const made = [];
  for (let i = 0; i < targets.length; i += 2) made.push(...(await Promise.all(targets.slice(i, i + 2).map(pack))));
  rmSync(STAGES, { recursive: true, force: true });
  return made;
}

async function pack(target) {
  const stage = join(STAGES, target);
  mkdirSync(stage, { recursive: true });
  for (const name of PACKED) cpSync(join(ROOT, name), join(stage, name), { recursive: true });
  // The pictures of speed are for the repository's readers: the tables beside them tell the same.
  const readme = join(stage, 'README.md');
  writeFileSync(readme, withoutPlots(readFileSync(readme, 'utf8')));
  placeNativeRuntime(target, join(stage, 'dist'));
  const vsix = vsixOf(target);
  rmSync(vsix, { force: true });
  // vsce needs a newer Node than this project. The bundles hold all dependencies, and README links need no host.
  const how = ['--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', vsix];
  const platform = target === UNIVERSAL ? [] : ['--target', target];
  const { stderr } = await run(SERVER_NODE, [VSCE, 'package', ...how, ...platform], { cwd: stage });
  if (stderr !== '') console.error(stderr.trim());
  return vsix;
}

/** A page without the pictures that are not packed. */
export function withoutPlots(page) {
  return page.replace(/^!\[[^\]]*\]\(media\/plots\/[^)]*\)\n+/gm, '');
}

/** The targets named on the command line; undefined for that of this machine. Throws for an unknown target. */
function wanted() {
  const { values } = parseArgs({ options: { all: { type: 'boolean', default: false }, target: { type: 'string', multiple: true } } });
  if (values.all) return TARGETS;
  const unknown = (values.target ?? []).filter((target) => !TARGETS.includes(target));
  if (unknown.length > 0)
    throw new Error(`There is no package for ${unknown.join(', ')}, which takes ${UNIVERSAL}. Packages: ${TARGETS.join(', ')}.`);
  return values.target;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    for (const vsix of await packageExtension(wanted())) console.log(`${vsix}  ${(statSync(vsix).size / 1e6).toFixed(1)} MB`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}

// Makes the VSIX: `npm run package`.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, SERVER_NODE, VSCE } from './lib/paths.mjs';
import { writeNotices } from './notices.mjs';
import { setupVSCode } from './setup-vscode.mjs';

/** Builds minified and packs. Returns the VSIX's path. */
export function packageExtension(say = console.log) {
  setupVSCode(say);
  execFileSync(process.execPath, ['esbuild.mjs', '--minify'], { cwd: ROOT, stdio: 'inherit' });
  writeNotices();
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const vsix = join(ROOT, `${name}-${version}.vsix`);
  rmSync(vsix, { force: true });
  // vsce needs a newer Node than this project. The bundles hold all dependencies, and README links need no host.
  execFileSync(SERVER_NODE, [VSCE, 'package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', vsix], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return vsix;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const vsix = packageExtension();
    console.log(`${vsix}  ${(statSync(vsix).size / 1e6).toFixed(1)} MB`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}

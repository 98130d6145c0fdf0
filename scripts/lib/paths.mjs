import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** The development VS Code: a package of its own, so that `npm ci` at the root stays light. */
export const VSCODE_FOLDER = join(ROOT, 'test/vscode');
/** Screenshots, reports and logs of the tests; ignored by git. */
export const ARTIFACTS = join(ROOT, 'artifacts');

const installed = join(VSCODE_FOLDER, 'node_modules');
/** VS Code as code-server ships it. */
export const VSCODE = join(installed, 'code-server/lib/vscode');
/** Started directly: code-server's own wrapper would write to the user's home. */
export const SERVER_MAIN = join(VSCODE, 'out/server-main.js');
/** VS Code needs a newer Node than this project does. */
export const SERVER_NODE = join(installed, `node-linux-${process.arch}/bin/node`);
export const VSCE = join(installed, '@vscode/vsce/vsce');

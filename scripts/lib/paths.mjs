import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of the repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Package of the development VS Code, separate so that `npm ci` at the root stays light. */
export const VSCODE_FOLDER = join(ROOT, 'test/vscode');
/** Package of the native runtime, separate for the same reason: it contains the binaries of every platform. */
export const NATIVE_FOLDER = join(ROOT, 'test/native');
/** Folder of the tests' screenshots, reports and logs, which git ignores. */
export const ARTIFACTS = join(ROOT, 'artifacts');

const installed = join(VSCODE_FOLDER, 'node_modules');
/** Folder of VS Code, as code-server ships it. */
export const VSCODE = join(installed, 'code-server/lib/vscode');
/** Main script of the VS Code server, started directly because code-server's own wrapper would write to the user's home. */
export const SERVER_MAIN = join(VSCODE, 'out/server-main.js');
/** The Node for VS Code, which needs a newer version than this project. */
export const SERVER_NODE = join(installed, `node-linux-${process.arch}/bin/node`);
/** Script of vsce, the packager of extensions. */
export const VSCE = join(installed, '@vscode/vsce/vsce');

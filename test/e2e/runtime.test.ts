import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { placeNativeRuntime } from '../../scripts/lib/nativeRuntime.mjs';
import { writeSettings } from '../../scripts/lib/vscodeServer.mjs';
import { ownTarget } from '../../scripts/package.mjs';
import { expectSameNumbers, panelOf, type Panel } from './panel.ts';
import { openSession, type Session } from './session.ts';
import { SAMPLE, sampleLines } from './texts.ts';
import { traceByCommandLine, type TracedToken } from './trace.ts';

const STANDS_IN =
  'The native runtime does not work here, so the slower WebAssembly computes, with the same results; the log has the details.';

describe('the package for this machine', () => {
  let session: Session;
  let panel: Panel;
  let traced: readonly TracedToken[];
  const folder = mkdtempSync(join(tmpdir(), 'runtime-'));

  beforeAll(async () => {
    traced = traceByCommandLine(sampleLines(1, 1), ['--runtime', 'wasm']);
    session = await openSession({ files: { 'sample.md': SAMPLE }, open: 'sample.md', expect: 'The model reads' });
    panel = panelOf(session.workbench);
  });
  afterAll(async () => {
    await session?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') await session.screenshot(`failed ${context.task.name}`);
  });

  const use = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    const title = JSON.stringify(settings);
    writeSettings(session.code, { ...settings, 'window.title': title });
    // The title tells when VS Code has read the file.
    await expect.poll(() => session.page.title(), { timeout: 120_000 }).toBe(title);
  };
  /** Explains the first line; what the panel says of the runtime, and its notices. */
  const explained = async (runtime: string): Promise<{ readonly notices: readonly string[] }> => {
    const computedBy = panel.frame.getByTitle(new RegExp(`Forward pass, without loading \\(${runtime}, threads: \\d+\\)`));
    // A panel that is there reads its text again by itself, and takes the selection off it then.
    if ((await session.page.locator('.tab', { hasText: 'Tokens: ' }).count()) > 0) await computedBy.waitFor({ timeout: 120_000 });
    await session.workbench.selectLines(1, 1);
    await session.workbench.command('Explain Tokens');
    await computedBy.waitFor({ timeout: 120_000 });
    await panel.shows(traced.length);
    expectSameNumbers(await panel.rows(), traced);
    return { notices: await panel.frame.locator('.header .notices li').allTextContents() };
  };
  const logText = (): string =>
    readdirSync(join(session.code.userData, 'logs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('Explain Tokens.log'))
      .map((name) => readFileSync(join(session.code.userData, 'logs', name), 'utf8'))
      .join('\n');

  it('computes natively without any setting, and with the numbers of WASM', async () => {
    expect(await explained('native')).toEqual({ notices: [] });
    await session.screenshot('52 native runtime');
  });

  it('computes in WASM when that is set', async () => {
    await use({ 'explainTokens.runtime': 'wasm' });
    expect(await explained('WebAssembly')).toEqual({ notices: [] });
  });

  it('computes in WASM where the binary is broken, says so in a sentence, and why in the log', async () => {
    placeNativeRuntime(ownTarget(), folder);
    const chosen = join(folder, 'native');
    const binaries = join(chosen, 'node_modules/onnxruntime-node/bin/napi-v6', process.platform, process.arch);
    mkdirSync(binaries, { recursive: true });
    writeFileSync(join(binaries, 'onnxruntime_binding.node'), 'no binary');
    await use({ 'explainTokens.nativeRuntime': chosen });
    expect(await explained('WebAssembly')).toEqual({ notices: [STANDS_IN] });
    await session.screenshot('53 broken native runtime');
    await expect.poll(logText).toMatch(/The native runtime does not work here\. The native runtime .* cannot be loaded: /);
  });

  it('computes natively again after that', async () => {
    await use({});
    expect(await explained('native')).toEqual({ notices: [] });
    expect(session.ownErrors()).toEqual([]);
  });
});

import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ensureBrowser } from '../../scripts/lib/browser.mjs';
import { ROOT } from '../../scripts/lib/paths.mjs';
import type { ExecutionProvider } from '../../src/core/runtimeChoice.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { english, translated } from '../../src/core/translatable.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { askAllHeads } from '../allHeads.ts';

const bundled = { kind: 'folder', name: 'explain-tokens-9m', path: join(ROOT, 'media', 'models', 'explain-tokens-9m') } as const;
const TEXT = 'The cat sat on the mat, and the cat sat on the mat.';

afterEach(() => vi.unstubAllEnvs());

/** Opens and explains with the native runtime; numbers and thumbnails of all heads besides. */
async function explained(provider: ExecutionProvider): Promise<{
  readonly explanation: Explanation;
  readonly heads: Awaited<ReturnType<typeof askAllHeads>>;
}> {
  const { remote, dispose } = connect<WorkerApi>(
    startNodeWorker(join(ROOT, 'dist'), { runtime: 'native', nativeFolder: join(ROOT, 'test/native'), provider }),
  );
  try {
    const info = await remote.open(bundled);
    const explanation = await remote.explain({ text: TEXT, topK: 3 });
    expect(explanation.model.provider).toEqual(info.provider);
    return { explanation, heads: await askAllHeads(remote, explanation.run, info) };
  } finally {
    await dispose();
  }
}

/** Vulkan's loader and the drivers that come with the browser: one of them computes on the processor. */
function vulkanOfBrowser(): { readonly folder: string; readonly driver: string } {
  const browser = dirname(realpathSync(ensureBrowser(() => undefined)));
  const folder = [browser, '/usr/lib/chromium', '/usr/lib/chromium-browser'].find((place) =>
    existsSync(join(place, 'libvk_swiftshader.so')),
  );
  if (folder === undefined) throw new Error(`The browser in ${browser} has no Vulkan driver.`);
  return { folder, driver: join(folder, 'vk_swiftshader_icd.json') };
}

describe('an execution provider that this machine does not have', () => {
  it.each([
    ['webgpu', /^The execution provider WebGPU does not work here, so the CPU computes; the log has the details\.$/, /WebGPU adapter/],
    ['cuda', /^The execution provider CUDA does not work here, so the CPU computes; the log has the details\.$/, /shared library/],
    ['coreml', /^The native runtime here has no execution provider CoreML, so the CPU computes\.$/, /The binary has these: cpu, webgpu,/],
    ['dml', /^The native runtime here has no execution provider DirectML, so the CPU computes\.$/, /The binary has these: cpu, webgpu,/],
  ] as const)('%s: the CPU computes, a sentence says so, and the log gets the runtime’s words', async (provider, sentence, details) => {
    vi.stubEnv('VK_ICD_FILENAMES', '/nowhere');
    vi.stubEnv('VK_DRIVER_FILES', '/nowhere');
    vi.stubEnv('LD_LIBRARY_PATH', '/nowhere');
    const { explanation, heads } = await explained(provider);
    const use = explanation.model.provider;
    if (use?.kind !== 'refused') throw new Error(`${provider} is used.`);
    expect(translated(use.why, english)).toMatch(sentence);
    expect(use.details).toMatch(details);
    const cpu = await explained('cpu');
    expect(cpu.explanation.model).not.toHaveProperty('provider');
    expect(explanation.logprob).toEqual(cpu.explanation.logprob);
    expect(heads.metrics).not.toHaveLength(0);
    expect(heads).toEqual(cpu.heads);
  });
});

describe('WebGPU on a Vulkan driver', () => {
  it('computes, after a self-check that found it near the CPU', { timeout: 240_000 }, async () => {
    const { folder, driver } = vulkanOfBrowser();
    vi.stubEnv('LD_LIBRARY_PATH', folder);
    vi.stubEnv('VK_ICD_FILENAMES', driver);
    const { explanation } = await explained('webgpu');
    const use = explanation.model.provider;
    if (use?.kind !== 'used') throw new Error(JSON.stringify(use));
    expect(use.difference).toBeGreaterThan(0);
    expect(use.difference).toBeLessThan(1e-3);
    const { logprob } = (await explained('cpu')).explanation;
    expect(explanation.logprob).not.toEqual(logprob);
    for (const [i, expected] of logprob.entries()) if (i > 0) expect(Math.abs((explanation.logprob[i] ?? 0) - expected)).toBeLessThan(1e-3);
  });
});

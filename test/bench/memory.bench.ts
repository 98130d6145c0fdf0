import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { memoryNeed } from '../../src/core/memory.ts';
import { readModel } from '../../src/model/describeModel.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { askAllHeads } from '../allHeads.ts';
import { soakClient, workerMebibytes } from '../soak/soak.ts';
import { record } from './report.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { BUNDLED, ROOT, benchText } from './text.ts';

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-memory-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const MIB = 2 ** 20;
/** Most memory of a process, relative to the file of a large float32 model, while it is opened and with a typical text. */
const BUDGET = { wasm: { open: 2.5, typical: 2.5 }, native: { open: 1.5, typical: 1.8 } } as const;
/** Positions of the large model, and most tokens of a text that is not in the way of the other benchmarks. */
const POSITIONS = 4096;
const MOST_TOKENS = Number(process.env['BENCH_MOST_TOKENS'] ?? POSITIONS);

const MODELS = [
  { name: 'bundled', folder: BUNDLED, large: false, sizes: [2, 256, 1000] },
  { name: 'GPT-2 124M shape', folder: join(scratch, 'gpt2'), large: true, sizes: [2, 256, 1024, 4000] },
] as const;
const CASES = MODELS.flatMap((model) =>
  (['wasm', 'native'] as const).flatMap((runtime) => model.sizes.map((tokens) => ({ ...model, runtime, tokens }))),
).filter(({ tokens }) => tokens <= MOST_TOKENS);

test.each(CASES)(
  'memory of $name, $runtime, $tokens tokens',
  async ({ name, folder, large, runtime, tokens }) => {
    if ((await folderFiles(folder).catch(() => null)) === null) writeRandomGpt2(folder, BUNDLED, POSITIONS);
    const { shape } = await readModel(await folderFiles(folder), runtime);
    const fileBytes = statSync(join(folder, 'model.safetensors')).size;
    const peak = await peakMebibytes(folder, runtime, tokens);
    const estimate = memoryNeed(shape, runtime, tokens) / MIB;
    const ratio = (peak * MIB) / fileBytes;
    record('memory', {
      model: name,
      runtime,
      tokens,
      'file MB': fileBytes / 1e6,
      'peak MiB': peak,
      'estimated MiB': estimate,
      'peak / file': ratio,
    });
    expect(Math.abs(estimate / peak - 1)).toBeLessThan(0.2);
    const budget = { 2: 'open', 256: 'typical' } as const;
    if (large && (tokens === 2 || tokens === 256)) expect(ratio).toBeLessThan(BUDGET[runtime][budget[tokens]]);
  },
  1_800_000,
);

/**
 * Peak resident memory, in MiB, of the process that runs the model while a text is explained, all heads are read, and maps of four heads
 * of each layer are asked for, as a reader would.
 */
async function peakMebibytes(folder: string, runtime: 'wasm' | 'native', tokens: number): Promise<number> {
  const client = soakClient(folder, { runtime, ...(runtime === 'native' ? { nativeFolder: join(ROOT, 'test/native') } : {}) });
  const { signal } = new AbortController();
  try {
    const {
      explanation: { run, model, tokens: read },
      modelKey,
    } = await client.explain({ text: (await benchText()).part(tokens, 0), topK: 20 }, signal, () => undefined);
    expect(read).toHaveLength(tokens);
    await askAllHeads({ ask: (...question) => client.ask(modelKey, ...question, signal) }, run, model);
    for (let layer = 0; layer < model.layers; layer++)
      for (let head = 0; head < Math.min(4, model.heads); head++)
        await client.ask(modelKey, run, 'attentionPicture', { layer, head }, signal);
    return workerMebibytes('VmHWM');
  } finally {
    client.dispose();
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { metricReading } from '../../src/core/headMetrics.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { native, wasm } from '../golden/compare.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { median, record } from './report.ts';
import { BUNDLED } from './text.ts';

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-heads-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const REPEATS = 5;
const SIDE = 48;
/** `most`: what reading all heads may take, as a share of the forward pass; null where attention is most of so narrow a model's work. */
const MODELS = [
  { name: 'bundled', folder: BUNDLED, most: null, sizes: [64, 256, BUNDLED_CONTEXT] },
  { name: 'GPT-2 124M shape', folder: join(scratch, 'gpt2'), most: 0.25, sizes: [64, 256, 1024] },
] as const;
const CASES = MODELS.flatMap((model) => (['wasm', 'native'] as const).map((runtime) => ({ ...model, runtime })));

/** The forward pass and what is read off all heads of it, in turns, so that a busy machine is busy for both. */
test.each(CASES)(
  'heads of $name, $runtime',
  async ({ name, folder, most, sizes, runtime }) => {
    if (folder !== BUNDLED) writeRandomGpt2(folder, BUNDLED);
    const model = await openLanguageModel(await folderFiles(folder), runtime === 'native' ? native() : await wasm());
    try {
      for (const size of sizes) {
        const [forward, heads]: [number[], number[]] = [[], []];
        for (let repeat = 0; repeat <= REPEATS; repeat++) {
          const ids = Int32Array.from({ length: size }, (_, i) => ((i + repeat) * 37) % 16_384);
          const start = performance.now();
          const trace = await model.run(runOf(ids, UNCHANGED));
          const between = performance.now();
          const reading = metricReading(ids, Math.min(size, SIDE));
          for (let layer = 0; layer < model.info.layers; layer++) await model.readHeads(trace, layer, reading);
          forward.push(between - start);
          heads.push(performance.now() - between);
        }
        const [forwardMs, headsMs] = [median(forward.slice(1)), median(heads.slice(1))];
        const share = headsMs / forwardMs;
        record('heads', { model: name, runtime, tokens: size, 'forward ms': forwardMs, 'heads ms': headsMs, 'added share': share });
        if (most !== null) expect(share).toBeLessThanOrEqual(most);
      }
    } finally {
      await model.dispose();
    }
  },
  600_000,
);

import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { native, wasm } from '../golden/compare.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { median, record } from './report.ts';
import { BUNDLED } from './text.ts';

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-gradient-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const TOKENS = 256;
const REPEATS = 5;
/** Longest time of a gradient, in forward passes. */
const MOST = 3;
const MODELS = [
  { name: 'bundled', folder: BUNDLED },
  { name: 'GPT-2 124M shape', folder: join(scratch, 'gpt2') },
] as const;
const CASES = MODELS.flatMap((model) => (['wasm', 'native'] as const).map((runtime) => ({ ...model, runtime })));

/** Compares the gradient of a logit at every layer with the forward pass. The two alternate, so that a busy machine slows both. */
test.each(CASES)(
  'gradient of $name, $runtime',
  async ({ name, folder, runtime }) => {
    if (folder !== BUNDLED) writeRandomGpt2(folder, BUNDLED);
    const model = await openLanguageModel(await folderFiles(folder), runtime === 'native' ? native() : await wasm());
    try {
      const target = { kind: 'logit', position: TOKENS - 1, token: 5, rival: 7 } as const;
      const [forward, gradient, direct]: [number[], number[], number[]] = [[], [], []];
      for (let repeat = 0; repeat <= REPEATS; repeat++) {
        const ids = Int32Array.from({ length: TOKENS }, (_, i) => ((i + repeat) * 37) % 16_384);
        const start = performance.now();
        const trace = await model.run(runOf(ids, UNCHANGED));
        const between = performance.now();
        await model.gradient(trace, target);
        forward.push(between - start);
        const behind = performance.now();
        await model.direct(trace, target);
        direct.push(performance.now() - behind);
        gradient.push(behind - between);
      }
      const [first = Number.NaN] = gradient;
      const [forwardMs, gradientMs] = [median(forward.slice(1)), median(gradient.slice(1))];
      const ratio = gradientMs / forwardMs;
      record('gradient', {
        model: name,
        runtime,
        'forward ms': forwardMs,
        'gradient ms': gradientMs,
        ratio,
        'first gradient ms': first,
        'parts of a logit ms': median(direct.slice(1)),
      });
      expect(ratio).toBeLessThanOrEqual(MOST);
    } finally {
      await model.dispose();
    }
  },
  600_000,
);

import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ggufFiles } from '../../src/model/formats/gguf/ggufFiles.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { native, wasm } from '../golden/compare.ts';
import { writeRandomGguf } from './randomGguf.ts';
import { median, record } from './report.ts';

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-quantised-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const TOKENS = 256;
const STEPS = 8;
const MIXTURES = [
  { name: 'Q4_K_M', types: ['Q4_K', 'Q6_K'] },
  { name: 'Q4_0', types: ['Q4_0', 'Q4_0'] },
  { name: 'Q8_0', types: ['Q8_0', 'Q8_0'] },
] as const;
/** Size of all weights as float32 above which they stay quantised; in the native runtime 4-bit weights always do. */
const KEPT = [
  { kept: 'from 0 bytes', limit: 0 },
  { kept: 'by the rule', limit: null },
  { kept: 'from no size', limit: Infinity },
] as const;
const CASES = MIXTURES.flatMap((mixture) =>
  (['native', 'wasm'] as const).flatMap((runtime) => KEPT.map((kept) => ({ ...mixture, ...kept, runtime }))),
);

/** Compares weights that stay quantised with weights converted to float32, in a model of 0.4 billion parameters. */
test.each(CASES)(
  '$name, $runtime, quantised $kept',
  async ({ name, types, kept, limit, runtime }) => {
    const file = `${name}.gguf`;
    writeRandomGguf(join(scratch, file), types);
    const own = runtime === 'native' ? native() : await wasm();
    const model = await openLanguageModel(
      await ggufFiles(await folderFiles(scratch), file),
      limit === null ? own : { ...own, dequantizedMaxBytes: limit },
    );
    try {
      const start = performance.now();
      const sequence = model.sequence();
      await sequence.read(runOf(Int32Array.of(1), UNCHANGED));
      await model.logits(sequence.final(0));
      const opened = performance.now() - start;
      let ids = Int32Array.from({ length: TOKENS }, (_, i) => (i * 37) % 16_384);
      const whole = performance.now();
      await sequence.read(runOf(ids, UNCHANGED));
      const text = performance.now() - whole;
      const steps: number[] = [];
      for (let n = 0; n < STEPS; n++) {
        const step = performance.now();
        ids = Int32Array.from([...ids, 100 + n]);
        await sequence.read(runOf(ids, UNCHANGED));
        await model.logits(sequence.final(ids.length - 1));
        steps.push(performance.now() - step);
      }
      record('quantised', {
        types: name,
        runtime,
        kept,
        'parameters M': model.info.parameters / 1e6,
        'file MB': statSync(join(scratch, file)).size / 1e6,
        'weights held MB': model.shape.loadedBytes / 1e6,
        'first token s': opened / 1000,
        '256 tokens s': text / 1000,
        'a token ms': median(steps),
      });
      expect(steps.every((ms) => ms > 0)).toBe(true);
    } finally {
      await model.dispose();
    }
  },
  600_000,
);

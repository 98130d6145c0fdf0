import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { GenerationStep } from '../../src/core/generation.ts';
import type { WorkerApi } from '../../src/worker/api.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect } from '../../src/worker/rpc.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { median, record } from './report.ts';
import { BUNDLED, ROOT } from './text.ts';

const PROMPT = 256;
const STEPS = 24;
const SAMPLING = { temperature: 0.8, topK: 50, topP: 0.95, minP: 0 };

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-bench-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const MODELS = [{ name: 'bundled', folder: BUNDLED }, { name: 'GPT-2 124M shape', folder: join(scratch, 'gpt2') }];

test.each(MODELS.flatMap((model) => (['wasm', 'native'] as const).map((runtime) => ({ ...model, runtime }))))('generation: $name, $runtime', { timeout: 600_000 }, async ({ name, folder, runtime }) => {
  if (folder !== BUNDLED) writeRandomGpt2(folder, BUNDLED);
  const connection = connect<WorkerApi>(startNodeWorker(join(ROOT, 'dist'), { runtime, nativeFolder: join(ROOT, 'test/native') }));
  try {
    const { remote } = connection;
    await remote.open({ kind: 'folder', name, path: folder });
    await remote.step({ ids: Int32Array.of(5), sampling: SAMPLING, seed: 1, topK: 10, attention: true });
    const prompt = Int32Array.from({ length: PROMPT }, (_, i) => (i * 37) % 16384);
    const prefill: number[] = [];
    /** Milliseconds a token as its asker sees them: both steps of a pair at the same length, so that nothing but the rows sets them apart. */
    const each = { plain: [] as number[], attention: [] as number[] };
    let ids: Int32Array = prompt;
    for (let n = 0; n <= STEPS; n++) {
      const attention = n % 2 === 0;
      const start = performance.now();
      const step: GenerationStep = await remote.step({ ids, sampling: SAMPLING, seed: 1, topK: 10, attention });
      const ms = performance.now() - start;
      expect(step.reading.run).toBe(n === 0 ? PROMPT : 1);
      if (n === 0) prefill.push(step.reading.runMs);
      else each[attention ? 'attention' : 'plain'].push(ms);
      ids = Int32Array.from([...ids, step.id]);
    }
    record('generation', {
      model: name,
      runtime,
      context: PROMPT,
      'prefill ms': median(prefill),
      'decode tokens/s': 1000 / median(each.plain),
      'with attention rows tokens/s': 1000 / median(each.attention),
    });
  } finally {
    await connection.dispose();
  }
});

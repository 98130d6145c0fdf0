import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { GenerationStep } from '../../src/core/generation.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { startNodeWorker } from '../../src/worker/port.node.ts';
import { connect } from '../../src/worker/rpc.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { median, record } from './report.ts';
import { BUNDLED, ROOT } from './text.ts';

const PROMPT = 256;
const PROMPTS = 3;
const STEPS = 24;
const SAMPLING = { temperature: 0.8, topK: 50, topP: 0.95, minP: 0 };

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-bench-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const MODELS = [
  { name: 'bundled', folder: BUNDLED },
  { name: 'GPT-2 124M shape', folder: join(scratch, 'gpt2') },
];

test.each(MODELS.flatMap((model) => (['wasm', 'native'] as const).map((runtime) => ({ ...model, runtime }))))(
  'generation: $name, $runtime',
  { timeout: 600_000 },
  async ({ name, folder, runtime }) => {
    if (folder !== BUNDLED) writeRandomGpt2(folder, BUNDLED);
    const connection = connect<WorkerApi>(startNodeWorker(join(ROOT, 'dist'), { runtime, nativeFolder: join(ROOT, 'test/native') }));
    try {
      const { remote } = connection;
      await remote.open({ kind: 'folder', name, path: folder });
      await remote.ask(runOf([5], UNCHANGED), 'step', { continuation: [], sampling: SAMPLING, seed: 1, topK: 10, attention: true });
      const ask = (ids: Int32Array, attention: boolean): Promise<GenerationStep> =>
        remote.ask(runOf(ids, UNCHANGED), 'step', { continuation: [], sampling: SAMPLING, seed: 1, topK: 10, attention });
      const prefill: number[] = [];
      let ids = new Int32Array();
      for (let variant = 0; variant < PROMPTS; variant++) {
        ids = Int32Array.from({ length: PROMPT }, (_, i) => ((i + variant) * 37) % 16384);
        const { reading } = await ask(ids, false);
        expect(reading.run).toBe(PROMPT);
        prefill.push(reading.runMs);
      }
      /**
       * Milliseconds per token, as the caller sees them. Steps with and without attention rows alternate, so that both meet the same
       * lengths and the same load of the machine.
       */
      const each = { plain: [] as number[], attention: [] as number[] };
      for (let n = 0; n < STEPS; n++) {
        const attention = n % 2 === 0;
        ids = Int32Array.from([...ids, 100 + n]);
        const start = performance.now();
        const { reading } = await ask(ids, attention);
        each[attention ? 'attention' : 'plain'].push(performance.now() - start);
        expect(reading.run).toBe(1);
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
  },
);

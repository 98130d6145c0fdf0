import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wasmRuntime } from '../../src/model/run/runtime.ts';
import { createEngine } from '../../src/worker/engine.ts';
import { modelAt } from '../../src/worker/files.node.ts';
import { ROOT } from '../bench/text.ts';
import { LETTERS_TOKENIZER } from '../webview/family.ts';
import { below, mustBeRefusal, oneOf, outcomesOf, type Outcomes } from './held.ts';

const CLAIMS = [100_000, 1e6, 1e9, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1];
const FAMILIES = ['mistral.1', 'qwen2.1', 'gemma2.2', 'gpt_neox.1', 'opt.1'];
/** Most memory of the process, which includes the test runner and models that are not garbage-collected yet. */
const MOST_MIB = 2048;
const SENTENCE = 'the cat sat on the mat. ';
const context = { progress: async () => undefined, checkpoint: async () => undefined };

/** Outcomes with long texts. */
export interface LongTexts extends Outcomes {
  /** Most tokens that were read of a text, and most UTF-16 units that a text had. */
  readonly mostTokens: number;
  readonly mostUnits: number;
  /** Most resident memory of the process, which holds the model. */
  readonly mostMebibytes: number;
}

/**
 * Explains texts of up to `units` UTF-16 units with small models whose config.json claims a context of up to 2^53 tokens, on a machine
 * that reports little free memory. As much as fits must be read, and the rest reported with numbers, or the text refused in one sentence.
 * `whole` counts answers.
 */
export async function soakLongTexts(count: number, units: number, random: () => number): Promise<LongTexts> {
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-long-'));
  const wasmBinary = readFileSync(join(ROOT, 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'));
  let [mostTokens, mostUnits, mostMebibytes] = [0, 0, 0];
  try {
    const outcomes = await outcomesOf(count, async (index) => {
      const path = join(folder, String(index));
      cpSync(join(ROOT, 'test/fixtures/models/families', oneOf(random, FAMILIES)), path, { recursive: true });
      const config = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')) as Record<string, unknown>;
      const claim = oneOf(random, CLAIMS);
      const names = ['max_position_embeddings', 'n_positions', 'n_ctx'].filter((name) => name in config);
      writeFileSync(join(path, 'config.json'), JSON.stringify({ ...config, ...Object.fromEntries(names.map((name) => [name, claim])) }));
      writeFileSync(join(path, 'tokenizer.json'), JSON.stringify(LETTERS_TOKENIZER));
      const free = below(random, 7e8);
      const engine = createEngine({
        runtime: () => wasmRuntime({ wasmBinary, threads: 1 }),
        runtimeKind: 'wasm',
        freeMemory: async () => free,
        openFiles: () => modelAt(path),
      });
      const text = SENTENCE.repeat(1 + below(random, units / SENTENCE.length));
      mostUnits = Math.max(mostUnits, text.length);
      try {
        await engine.open(context, { kind: 'folder', name: 'claims much', path });
        const { tokens, run, omitted, shortage, text: read } = await engine.explain(context, { text, topK: 1 });
        await engine.ask(context, run, 'heads', { layer: 0 });
        mostTokens = Math.max(mostTokens, tokens.length);
        if (read.length + omitted !== text.length) throw new Error(`${read.length} read and ${omitted} left out of ${text.length}.`);
        if (omitted > 0 && !(shortage && shortage.neededBytes > shortage.availableBytes && shortage.wholeTokens > tokens.length))
          throw new Error(`Of ${text.length} characters ${omitted} were left out for no reason that is told.`);
        return 'whole';
      } catch (error) {
        mustBeRefusal(error);
        return 'refused';
      } finally {
        mostMebibytes = Math.max(mostMebibytes, process.memoryUsage.rss() / 2 ** 20);
      }
    });
    const notHeld = mostMebibytes > MOST_MIB ? [...outcomes.notHeld, `It took ${mostMebibytes} MiB.`] : outcomes.notHeld;
    return { ...outcomes, notHeld, mostTokens, mostUnits, mostMebibytes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

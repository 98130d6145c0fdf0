import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { memoryNeed } from '../../src/core/memory.ts';
import { readModel } from '../../src/model/describeModel.ts';
import { folderFiles } from '../../src/worker/files.node.ts';
import { record } from './report.ts';
import { writeRandomGpt2 } from './randomModel.ts';
import { BUNDLED, ROOT, benchText } from './text.ts';

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-memory-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const MIB = 2 ** 20;
/** Node itself, with the command line loaded. */
const NODE_MIB = 45;
/** Peak of a process against the file of a large float32 model, while it is opened and with a typical text. */
const BUDGET = { wasm: { open: 2.5, typical: 2.5 }, native: { open: 1.5, typical: 1.75 } } as const;

const MODELS = [
  { name: 'bundled', folder: BUNDLED, large: false, prepare: () => undefined },
  { name: 'GPT-2 124M shape', folder: join(scratch, 'gpt2'), large: true, prepare: (folder: string) => writeRandomGpt2(folder, BUNDLED) },
] as const;
const CASES = MODELS.flatMap((model) => (['wasm', 'native'] as const).map((runtime) => ({ ...model, runtime })));

test.each(CASES)('memory of $name, $runtime', async ({ name, folder, large, prepare, runtime }) => {
  if ((await folderFiles(folder).catch(() => null)) === null) prepare(folder);
  const text = await benchText();
  const { shape } = await readModel(await folderFiles(folder), runtime);
  const fileBytes = statSync(join(folder, 'model.safetensors')).size;
  for (const [what, tokens] of [['open', 1], ['typical', 256]] as const) {
    writeFileSync(join(scratch, 'text'), text.part(tokens, 0));
    const peak = await peakMebibytes(['trace', '--model', folder, '--file', join(scratch, 'text'), '--runtime', runtime, '--output', join(scratch, 'trace.json')], runtime);
    const estimate = memoryNeed(shape, runtime, tokens) / MIB;
    const ratio = (peak * MIB) / fileBytes;
    record('memory', { model: name, runtime, tokens, 'file MB': fileBytes / 1e6, 'peak MiB': peak, 'estimated MiB': estimate, 'peak / file': ratio });
    // The process was there before the model.
    expect(Math.abs(estimate / (peak - (runtime === 'wasm' ? NODE_MIB : 0)) - 1)).toBeLessThan(0.2);
    if (large) expect(ratio).toBeLessThan(BUDGET[runtime][what]);
  }
}, 600_000);

/** Peak resident memory of the process that runs the model, while the built command line does its work. */
async function peakMebibytes(args: readonly string[], runtime: 'wasm' | 'native'): Promise<number> {
  const env = { ...process.env, NODE_PATH: join(ROOT, 'test/native/node_modules') };
  const child = spawn(process.execPath, [join(ROOT, 'dist/cli.js'), ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  let peak = 0;
  const timer = setInterval(() => {
    const running = runtime === 'wasm' ? [String(child.pid)] : childrenOf(child.pid ?? 0);
    for (const pid of running) peak = Math.max(peak, highWater(pid));
  }, 20);
  const code = await ended;
  clearInterval(timer);
  expect(code).toBe(0);
  return peak;
}

/** The system keeps the peak of a process for as long as it lives. */
function highWater(pid: string): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function childrenOf(parent: number): readonly string[] {
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    } catch {
      return false;
    }
  });
}

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../bench/text.ts';
import { startHub } from '../library/hubServer.ts';
import { SINGLE } from '../library/models.ts';
import { below, isSentence, oneOf, outcomesOf, type Outcomes } from './held.ts';
import { mustBeWhole } from './hubLies.ts';

const HOUR_MS = 3_600_000;
const TAKEN = 'explain-tokens: tiny/llama is being downloaded already.';

interface Ended {
  readonly code: number | null;
  /** The last line of its error output. */
  readonly said: string;
}

interface Download {
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

function startDownload(root: string, endpoint: string): Download {
  const child = spawn(process.execPath, [join(ROOT, 'dist/cli.js'), 'download', 'tiny/llama', '--output', root], {
    env: { ...process.env, HF_ENDPOINT: endpoint },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
  return {
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, said: said.trimEnd().split('\n').at(-1) ?? '' }))),
    kill: (signal) => void child.kill(signal),
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Throws unless a process completed the download or reported in one sentence that another one is downloading. */
function mustBeDoneOrTold({ code, said }: Ended): void {
  if (code !== 0 && !(code === 1 && said === TAKEN && isSentence(said))) throw new Error(`It ended with ${code}: ${said}`);
}

/**
 * Two processes of the command line download the same model into the same folder at once. The first runs on, is suspended while the
 * clock jumps by an hour or more, or is killed. It must keep its lock for as long as it lives, and the result must be exactly the model's
 * files. `refused` counts rounds in which a process was refused because the other was downloading.
 */
export async function soakTwoProcesses(count: number, random: () => number): Promise<Outcomes> {
  const hub = await startHub(SINGLE);
  const root = mkdtempSync(join(tmpdir(), 'explain-tokens-two-'));
  const lock = join(root, '.incomplete', 'tiny--llama.lock');
  try {
    return await outcomesOf(count, async (index) => {
      rmSync(root, { recursive: true, force: true });
      hub.misbehave({ where: 'content', file: 'model.safetensors', kind: 'slow', bytesAtATime: 20_000, ms: 5 + below(random, 20) });
      const first = startDownload(root, hub.endpoint);
      const fate = (['none', 'asleep', 'killed'] as const)[index % 3];
      if (fate !== 'none') while (!existsSync(lock)) await pause(5);
      await pause(random() * 200);
      if (fate === 'killed' && random() < 0.5) first.kill('SIGKILL');
      const isHeld = fate === 'asleep' && existsSync(lock);
      if (isHeld) {
        first.kill('SIGSTOP');
        // The process may have finished just before it was suspended.
        if (existsSync(lock)) {
          const touched = new Date(Date.now() + oneOf(random, [-HOUR_MS, HOUR_MS, -1e4 * HOUR_MS]));
          utimesSync(lock, touched, touched);
        }
      }
      const isStillHeld = isHeld && existsSync(lock);
      const second = startDownload(root, hub.endpoint);
      if (fate === 'killed') await pause(random() * 300).then(() => first.kill('SIGKILL'));
      const theSecond = await second.ended;
      if (isHeld) first.kill('SIGCONT');
      const theFirst = await first.ended;
      mustBeDoneOrTold(theSecond);
      if (fate !== 'killed') mustBeDoneOrTold(theFirst);
      if (isStillHeld && theSecond.said !== TAKEN) throw new Error(`The lock of a sleeping process was taken: ${theSecond.said}`);
      if (fate !== 'killed' && theFirst.code !== 0 && theSecond.code !== 0) throw new Error('Neither of two downloaded.');
      hub.behave();
      const after = await startDownload(root, hub.endpoint).ended;
      if (after.code !== 0) throw new Error(`The next download said ${after.said}`);
      const left = existsSync(join(root, '.incomplete')) ? readdirSync(join(root, '.incomplete')) : [];
      if (left.length > 0) throw new Error(`There is left ${left.join()}`);
      mustBeWhole(root);
      return [theFirst, theSecond].some(({ said }) => said === TAKEN) ? 'refused' : 'whole';
    });
  } finally {
    await hub.close();
    rmSync(root, { recursive: true, force: true });
  }
}

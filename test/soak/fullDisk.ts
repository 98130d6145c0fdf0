import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { ROOT } from '../bench/text.ts';
import { startHub } from '../library/hubServer.ts';
import { SINGLE } from '../library/models.ts';
import { below, isSentence, outcomesOf, type Outcomes } from './held.ts';
import { mustBeWhole } from './hubLies.ts';

/** Size of the disk: room for the model, and for the 64 MiB that a download requires to stay free. */
const DISK_BYTES = 72 * 2 ** 20;
const MODEL_BYTES = 490_000;

/** A download during which the disk fills up. */
interface Round {
  /** Number of the model's bytes after which the disk is filled. */
  readonly at: number;
  /** Bytes that are left free then. */
  readonly leave: number;
}

/**
 * Program that downloads onto a disk that fills up meanwhile, makes room and downloads once more; it prints both outcomes. It runs in its
 * own mount namespace or under a limit on file sizes.
 */
const SCRIPT = `
import { rmSync, statfsSync, writeFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { english } from './src/core/translatable.ts';
import { openHub } from './src/library/hub/hub.ts';
const { root, out, endpoint, rounds } = JSON.parse(process.argv[2]);
const hub = openHub(english, { attempts: 2, firstMs: 1, longestMs: 2, longestAskedMs: 10, idleMs: 5000, answerMs: 5000 });
const fetchOnce = async (onProgress) => {
  const access = { endpoint, token: undefined, signal: new AbortController().signal };
  const model = await hub.findModel('tiny/llama', access);
  const download = hub.download(root, model, model.choices[0], { ...access, onProgress });
  return download.then(() => 'whole', (error) => error.name + '|' + error.message);
};
const filler = join(root, 'filler');
const said = [];
for (const round of rounds) {
  let filled = false;
  const fill = ({ bytesDone }) => {
    if (filled || bytesDone < round.at) return;
    filled = true;
    const { bavail, bsize } = statfsSync(root);
    writeFileSync(filler, Buffer.alloc(Math.max(0, Math.floor((bavail * bsize - round.leave) / bsize) * bsize)));
  };
  const first = await fetchOnce(round.leave < 0 ? () => undefined : fill);
  const usable = (await hub.listDownloaded(root)).length;
  rmSync(filler, { force: true });
  const second = round.leave < 0 ? '' : await fetchOnce(() => undefined);
  if (out !== undefined && second === 'whole') cpSync(root, join(out, String(said.length)), { recursive: true });
  said.push({ first, usable, second });
  if (second !== '') await hub.removeDownload(root, 'tiny/llama');
}
console.log(JSON.stringify(said));
`;

interface Said {
  readonly first: string;
  /** Models that are listed after the first attempt. */
  readonly usable: number;
  readonly second: string;
}

/** Path of the script, bundled into a folder. */
function built(folder: string): string {
  const script = join(folder, 'fill.mjs');
  buildSync({
    stdin: { contents: SCRIPT, loader: 'ts', resolveDir: ROOT },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
  });
  return script;
}

/** Runs a shell command in which "$@" is Node with the script. Returns its output, null where the system does not permit the command. */
async function run(line: string, own: readonly string[], script: string, options: object): Promise<readonly Said[] | null> {
  const [command, ...args] = [...own, 'sh'];
  const child = spawn(command ?? 'sh', [...args, '-c', line, 'sh', process.execPath, script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
    child.once('error', () => resolve(null));
  });
  if (code === 0) return JSON.parse(out) as readonly Said[];
  // Node did not start: the command is missing, or mounting is not permitted.
  if (out === '' && !/node:|\bat /.test(err)) return null;
  throw new Error(`It ended with ${code}: ${err}`);
}

function mustHold({ first, usable }: Said, words: RegExp): 'whole' | 'refused' {
  if (first === 'whole') return 'whole';
  const [name, message = ''] = first.split('|');
  if (name !== 'UserError' || !isSentence(message) || !words.test(message)) throw new Error(`It said ${first}`);
  if (usable > 0) throw new Error('What is not whole is listed.');
  return 'refused';
}

/**
 * Downloads onto a small disk (a tmpfs in its own mount namespace) that fills up at a random moment. The failure must be one sentence,
 * and once there is room the download must complete. Null where the system does not permit such a mount.
 */
export async function soakFullDisk(count: number, random: () => number): Promise<Outcomes | null> {
  const hub = await startHub(SINGLE);
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-disk-'));
  const root = join(folder, 'disk');
  const out = join(folder, 'out');
  mkdirSync(root);
  mkdirSync(out);
  hub.misbehave({ where: 'content', file: 'model.safetensors', kind: 'slow', bytesAtATime: 20_000, ms: 1 });
  const rounds: readonly Round[] = Array.from({ length: count }, () => ({
    at: below(random, MODEL_BYTES),
    leave: below(random, MODEL_BYTES / 4),
  }));
  try {
    const said = await run(
      `mount -t tmpfs -o size=${DISK_BYTES} none '${root}' && exec "$@"`,
      ['unshare', '--user', '--map-root-user', '--mount'],
      built(folder),
      { root, out, endpoint: hub.endpoint, rounds },
    );
    if (said === null) return null;
    return await outcomesOf(count, async (index) => {
      const each = said[index] ?? { first: 'nothing', usable: 0, second: '' };
      const ended = mustHold(each, /^(The disk is full at |There is not enough room for )/);
      if (each.second !== 'whole') throw new Error(`With room again it said ${each.second}`);
      mustBeWhole(join(out, String(index)));
      return ended;
    });
  } finally {
    await hub.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same as `soakFullDisk` with a limit on file sizes (`ulimit -f`), which the second download does not have. */
export async function soakLargestFile(count: number, random: () => number): Promise<Outcomes> {
  const hub = await startHub(SINGLE);
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-limit-'));
  const root = join(folder, 'disk');
  const script = built(folder);
  const ask = { root, endpoint: hub.endpoint, rounds: [{ at: 0, leave: -1 }] };
  try {
    return await outcomesOf(count, async () => {
      rmSync(root, { recursive: true, force: true });
      mkdirSync(root);
      const limited = await run(`ulimit -f ${1 + below(random, 900)} && exec "$@"`, [], script, ask);
      if (limited?.[0] === undefined) throw new Error('The shell knows no limit for files.');
      const ended = mustHold(limited[0], /^(The disk is full at |.* cannot be written: )/);
      const after = await run('exec "$@"', [], script, ask);
      if (after?.[0]?.first !== 'whole') throw new Error(`Without the limit it said ${after?.[0]?.first}`);
      mustBeWhole(root);
      return ended;
    });
  } finally {
    await hub.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

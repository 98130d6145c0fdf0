import { compute, exitCodeOf } from '../../src/cli/compute.ts';
import { parseCommand } from '../../src/cli/options.ts';
import { say } from '../../src/cli/sayLine.ts';

/** What a resident process is asked: run this command in this folder. */
export interface Asked {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly dist: string;
}

/** What it answers. `bytes`: memory of the process. */
export interface Answered {
  readonly code: number;
  readonly out: readonly Uint8Array[];
  readonly err: string;
  readonly bytes: number;
}

/** Collects what is written to a stream instead of writing it. Returns a function that ends this and returns the pieces. */
function collect(stream: NodeJS.WriteStream): () => readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const write = stream.write;
  stream.write = (data: Uint8Array | string, ...rest: unknown[]) => {
    pieces.push(Uint8Array.from(Buffer.from(data as string)));
    const done = rest.at(-1);
    if (typeof done === 'function') queueMicrotask(() => (done as (error: null) => void)(null));
    return true;
  };
  return () => {
    stream.write = write;
    return pieces;
  };
}

async function answer({ args, cwd, dist }: Asked): Promise<Answered> {
  process.chdir(cwd);
  const [out, err] = [collect(process.stdout), collect(process.stderr)];
  const code = await exitCodeOf(async () => {
    const command = parseCommand(args);
    if (command.kind === 'help' || command.kind === 'version' || command.kind === 'download' || command.kind === 'mcp')
      throw new Error(`${command.kind} has a process of its own.`);
    return compute(command, dist, say);
  }, say);
  return { code, out: out(), err: Buffer.concat(err()).toString(), bytes: process.memoryUsage.rss() };
}

// Each command listens for errors of its own stream, and the streams stay.
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);
process.on('disconnect', () => process.exit());
process.on('message', (asked: Asked) => void answer(asked).then((answered) => process.send?.(answered)));

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../scripts/lib/paths.mjs';

/** A token as `explain-tokens trace` prints it. */
export interface TracedToken {
  readonly index: number;
  readonly id: number;
  readonly text: string;
  readonly bytes: readonly number[];
  readonly start: number;
  readonly end: number;
  readonly special: boolean;
  readonly partial: boolean;
  readonly logprob: number | null;
  readonly rank: number | null;
  readonly entropy: number | null;
  readonly top: readonly { readonly id: number; readonly text: string; readonly prob: number }[];
}

/** The tokens of a text, from the built command line, with the bundled model unless `options` name another. */
export function traceByCommandLine(text: string, options: readonly string[] = []): readonly TracedToken[] {
  return inFolder((folder) => {
    const output = trace(folder, text, options);
    return (JSON.parse(output.toString('utf8')) as { readonly tokens: readonly TracedToken[] }).tokens;
  });
}

/** What `explain-tokens generate` writes after a text, with the bundled model. */
export interface Generated {
  readonly prompt: readonly number[];
  readonly steps: readonly { readonly id: number; readonly text: string; readonly prob: number; readonly rank: number }[];
  readonly text: string;
}

export function generateByCommandLine(text: string, options: readonly string[]): Generated {
  return inFolder((folder) => JSON.parse(run('generate', folder, text, options).toString('utf8')) as Generated);
}

interface TracedTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Attention weights of each layer, [head, query, key], from the built command line. */
export function attentionByCommandLine(text: string): (layer: number) => TracedTensor {
  const tensorOf = tensorsByCommandLine(text);
  return (layer) => tensorOf(`attentions.${layer}`);
}

/** Any tensor that the built command line writes, by its name. */
export function tensorsByCommandLine(text: string): (name: string) => TracedTensor {
  return inFolder((folder) => {
    const path = join(folder, 'trace.safetensors');
    trace(folder, text, ['--format', 'safetensors', '--output', path]);
    const file = readFileSync(path);
    const headerBytes = Number(file.readBigUInt64LE(0));
    const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<string, { readonly shape: number[]; readonly data_offsets: [number, number] }>;
    return (name) => {
      const entry = header[name];
      if (entry === undefined) throw new Error(`The command line wrote no ${name}.`);
      const [start, end] = entry.data_offsets.map((offset) => 8 + headerBytes + offset);
      return { dims: entry.shape, data: new Float32Array(Uint8Array.from(file.subarray(start, end)).buffer) };
    };
  });
}

function trace(folder: string, text: string, options: readonly string[]): Buffer {
  return run('trace', folder, text, options);
}

function run(command: 'trace' | 'generate', folder: string, text: string, options: readonly string[]): Buffer {
  const file = join(folder, 'text');
  writeFileSync(file, text);
  return byCommandLine(command, '--file', file, ...options);
}

/** What the built command line writes. */
export function byCommandLine(...args: readonly string[]): Buffer {
  return execFileSync(process.execPath, [join(ROOT, 'dist/cli.js'), ...args], { maxBuffer: 1 << 28 });
}

function inFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

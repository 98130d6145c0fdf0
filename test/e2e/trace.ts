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

/** The tokens of a text by the built command line, with the bundled model unless `options` name another. */
export function traceByCommandLine(text: string, options: readonly string[] = []): readonly TracedToken[] {
  return inFolder((folder) => {
    const output = trace(folder, text, options);
    return (JSON.parse(output.toString('utf8')) as { readonly tokens: readonly TracedToken[] }).tokens;
  });
}

/** The result of `explain-tokens generate`. */
export interface Generated {
  readonly prompt: readonly number[];
  readonly steps: readonly { readonly id: number; readonly text: string; readonly prob: number; readonly rank: number }[];
  readonly text: string;
}

/** A generation after a text by the built command line, with the bundled model unless `options` name another. */
export function generateByCommandLine(text: string, options: readonly string[]): Generated {
  return inFolder((folder) => JSON.parse(run('generate', folder, text, options).toString('utf8')) as Generated);
}

/** What a prediction comes from, as `explain-tokens why` prints it. */
export interface Why {
  readonly position: number;
  readonly token: { readonly id: number; readonly text: string };
  readonly rival: { readonly id: number; readonly text: string } | null;
  readonly target: number;
  readonly direct: { readonly heads: readonly (readonly number[])[]; readonly mlp: readonly number[]; readonly sum: number };
  readonly attribution: readonly { readonly method: string; readonly values: readonly number[] }[];
}

/** Where a prediction for a text comes from, by the built command line and the bundled model. */
export function whyByCommandLine(text: string, options: readonly string[]): Why {
  return inFolder((folder) => JSON.parse(run('why', folder, text, options).toString('utf8')) as Why);
}

/** A token as `explain-tokens score --by token` prints it. */
export interface ScoredToken {
  readonly index: number;
  readonly id: number;
  readonly start: number;
  readonly end: number;
  /** Natural; null: nothing predicted it. */
  readonly logprob: number | null;
}

/** The tokens of a text that is read in windows by the built command line and the bundled model. */
export function scoresByCommandLine(text: string): readonly ScoredToken[] {
  return inFolder((folder) => {
    const file = join(folder, 'text');
    writeFileSync(file, text);
    const output = byCommandLine('score', file, '--by', 'token', '--format', 'json').toString('utf8');
    const { files } = JSON.parse(output) as { readonly files: readonly { readonly scores: readonly ScoredToken[] }[] };
    return files.flatMap(({ scores }) => scores);
  });
}

interface TracedTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Attention weights [head, query, key] of any layer, by the built command line. */
export function attentionByCommandLine(text: string): (layer: number) => TracedTensor {
  const tensorOf = tensorsByCommandLine(text);
  return (layer) => tensorOf(`attentions.${layer}`);
}

/** Tensors of a trace by name, as the built command line writes them. */
export function tensorsByCommandLine(text: string): (name: string) => TracedTensor {
  return inFolder((folder) => {
    const path = join(folder, 'trace.safetensors');
    trace(folder, text, ['--format', 'safetensors', '--output', path]);
    const file = readFileSync(path);
    const headerBytes = Number(file.readBigUInt64LE(0));
    const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<
      string,
      { readonly shape: number[]; readonly data_offsets: [number, number] }
    >;
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

function run(command: 'trace' | 'generate' | 'why', folder: string, text: string, options: readonly string[]): Buffer {
  const file = join(folder, 'text');
  writeFileSync(file, text);
  return byCommandLine(command, '--file', file, ...options);
}

/**
 * Standard output of the built command line. It uses the native runtime, as the package for this machine does, because WASM may rank
 * two tokens differently whose probabilities are equal to the last digits.
 */
export function byCommandLine(...args: readonly string[]): Buffer {
  const native = args.includes('--runtime') ? [] : ['--native-runtime', join(ROOT, 'test/native')];
  return execFileSync(process.execPath, [join(ROOT, 'dist/cli.js'), ...args, ...native], { maxBuffer: 1 << 28 });
}

function inFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

/** The tokens of a text, from the built command line with the bundled model. */
export function traceByCommandLine(text: string): readonly TracedToken[] {
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-'));
  try {
    const file = join(folder, 'text');
    writeFileSync(file, text);
    const output = execFileSync(process.execPath, [join(ROOT, 'dist/cli.js'), 'trace', '--file', file], { encoding: 'utf8', maxBuffer: 1 << 28 });
    return (JSON.parse(output) as { readonly tokens: readonly TracedToken[] }).tokens;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** -log2 of the token's probability, as the panel and the hover write it; a dash where nothing predicted it. */
export function bitsOf(token: TracedToken): string {
  return token.logprob === null ? '–' : (-token.logprob / Math.LN2).toFixed(2);
}

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { BUNDLED_CONTEXT } from '../bundledContext.ts';
import { SPEED } from '../../scripts/lib/speedSection.mjs';
import type { ModelInfo } from '../../src/core/trace.ts';
import { QWEN2_HALF_B, SMOLLM2_135M, writeRandomGpt2, writeRandomLlama } from './randomModel.ts';
import { startReference, type Reference } from './reference.ts';
import { median, record } from './report.ts';
import { openingMs, ourSide, referenceSide, type Side } from './sides.ts';
import { BUNDLED, benchText } from './text.ts';

const LONG = 4096;
/** Longer texts are left out. */
const MOST = Number(process.env['BENCH_MOST_TOKENS'] ?? LONG);
/** WebAssembly takes minutes for longer texts. */
const MOST_WASM = 1024;
/** Texts of each length: as many as a quarter of an hour for all models allows. */
const REPEATS: Readonly<Record<number, number>> = { 16: 5, 64: 5, 256: 5, 1024: 3, [LONG]: 1 };
const OPENINGS = 3;
/** Where the forward pass alone, its share of the machine's rate and generation are measured. */
const TYPICAL = 256;
const ROUNDS = 5;
const STEPS = 8;
/** Square matrices large enough for a machine's full rate, small enough for a tenth of a second. */
const MATRIX = 2048;
/** Threads of the side before wait in a loop for a moment before they sleep. */
const REST_MS = 40;

const scratch = mkdtempSync(join(tmpdir(), 'explain-tokens-compare-'));
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const MODELS = [
  { name: 'bundled, 9M', sizes: [16, 64, TYPICAL, BUNDLED_CONTEXT], write: null },
  {
    name: 'GPT-2 124M shape',
    sizes: [16, 64, TYPICAL, 1024, LONG],
    write: (folder: string) => writeRandomGpt2(folder, BUNDLED, LONG),
  },
  {
    name: 'SmolLM2 135M shape',
    sizes: [16, 64, TYPICAL, 1024],
    write: (folder: string) => writeRandomLlama(folder, BUNDLED, SMOLLM2_135M, LONG),
  },
  {
    name: 'Qwen2.5 0.5B shape',
    sizes: [TYPICAL],
    write: (folder: string) => writeRandomLlama(folder, BUNDLED, QWEN2_HALF_B, LONG),
  },
] as const;

interface Sides {
  readonly native: Side;
  readonly transformers: Side | null;
  readonly wasm: Side;
}

/** The same work here and in transformers in turns, so that a busy machine is busy for all: ratios are medians of each turn's. */
test.each(MODELS)('$name beside transformers', { timeout: 3_600_000 }, async ({ name, sizes, write }) => {
  const folder = write === null ? BUNDLED : scratch;
  write?.(folder);
  const reference = await startReference();
  if (typeof reference === 'string') console.log(`${name}: not compared with transformers, as ${reference}.`);
  const { info, ...native } = await ourSide('native', folder);
  const python = typeof reference === 'string' ? null : reference;
  const sides: Sides = {
    native,
    transformers: python === null ? null : await referenceSide(python, folder, info),
    wasm: await ourSide('wasm', folder),
  };
  const text = await benchText();
  let variant = 0;
  /** Not the text before with more after it, of which a part could be kept. */
  const next = (size: number): { readonly text: string; readonly ids: Int32Array } => {
    variant++;
    return { text: text.part(size, variant), ids: text.ids(size, variant) };
  };
  const row = { model: name, parameters: info.parameters };
  try {
    if (write !== null) await opening(row, folder);
    await turns(sides, 2, async (side) => (await side.shown(next(8))).ms);
    for (const size of sizes.filter((one) => one <= MOST)) {
      const read = Array.from({ length: REPEATS[size] ?? 3 }, () => next(size));
      const last = new Map<Side, readonly [readonly number[], readonly number[]]>();
      const shown = await turns(sides, read.length, async (side, turn) => {
        if (side === sides.wasm && size > MOST_WASM) return Number.NaN;
        const { ms, ids, probabilities } = await side.shown(read[turn] ?? next(size));
        if (!Number.isNaN(ms)) last.set(side, [ids, probabilities]);
        return ms;
      });
      expectSame([...last.values()]);
      record(SPEED.shown, { ...row, tokens: size, ...columns(shown) });
      record(SPEED.memory, { ...row, tokens: size, ...peaks(sides, shown) });
      if (size === TYPICAL) await alone(sides, row, info, python, () => next(TYPICAL));
    }
  } finally {
    for (const side of Object.values(sides)) await side?.end();
  }
});

/** How long the model takes to open, beside how long its file takes to read. The two alternate. */
async function opening(row: Row, folder: string): Promise<void> {
  const file = join(folder, 'model.safetensors');
  const [reading, native]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < OPENINGS; turn++) {
    reading.push(await readingMs(file));
    native.push(await openingMs(folder));
  }
  const ratio = median(native.map((ms, turn) => ms / (reading[turn] ?? Number.NaN)));
  record(SPEED.opening, { ...row, MiB: statSync(file).size / 2 ** 20, reading: median(reading), native: median(native), ratio });
}

/** Time to read a file from its begin to its end, a part at a time. */
async function readingMs(path: string): Promise<number> {
  const part = new Uint8Array(16 * 2 ** 20);
  const file = await open(path);
  try {
    const start = performance.now();
    while ((await file.read(part, 0, part.length, null)).bytesRead > 0);
    return performance.now() - start;
  } finally {
    await file.close();
  }
}

type Row = { readonly model: string; readonly parameters: number };

/** The forward pass, what share of the machine's rate it is, and generation, all about a text of typical length. */
async function alone(
  sides: Sides,
  row: Row,
  info: ModelInfo,
  python: Reference | null,
  next: () => { readonly text: string; readonly ids: Int32Array },
): Promise<void> {
  const repeats = REPEATS[TYPICAL] ?? 3;
  const read = Array.from({ length: repeats }, next);
  const rates: number[] = [];
  const forward = await turns(sides, repeats, async (side, turn) => {
    if (side === sides.native && python !== null) rates.push((await python.call<{ rate: number }>({ call: 'matmul', size: MATRIX })).rate);
    return side.forward(read[turn] ?? next());
  });
  record(SPEED.forward, { ...row, tokens: TYPICAL, ...columns(forward) });
  const operations = operationsOf(info, TYPICAL) / 1e6;
  record(SPEED.rate, {
    ...row,
    tokens: TYPICAL,
    GFLOP: operations / 1e3,
    'forward pass': operations / median(forward.native),
    'torch.matmul': rates.length === 0 ? Number.NaN : median(rates),
    share: median(rates.map((rate, turn) => operations / (forward.native[turn] ?? Number.NaN) / rate)),
    threads: info.threads,
    torch: python?.versions.torch ?? '',
    transformers: python?.versions.transformers ?? '',
  });
  const { ids } = next();
  for (const side of Object.values(sides)) await side?.prompt(ids);
  const perToken = await turns(sides, ROUNDS, (side) => side.write(STEPS));
  const speed = (times: readonly number[]): number[] => times.map((ms) => 1000 / ms);
  const speeds = { native: speed(perToken.native), transformers: speed(perToken.transformers), wasm: speed(perToken.wasm) };
  record(SPEED.generation, { ...row, tokens: TYPICAL, ...columns(speeds) });
}

type Turns = Readonly<Record<keyof Sides, readonly number[]>>;

/** What each side answers, turn by turn. */
async function turns(sides: Sides, count: number, ask: (side: Side, turn: number) => Promise<number>): Promise<Turns> {
  const found: Record<keyof Sides, number[]> = { native: [], transformers: [], wasm: [] };
  for (let turn = 0; turn < count; turn++) {
    for (const name of ['native', 'transformers', 'wasm'] as const) {
      const side = sides[name];
      if (side === null) continue;
      await pause(REST_MS);
      found[name].push(await ask(side, turn));
    }
  }
  return found;
}

function columns({ native, transformers, wasm }: Turns): Readonly<Record<string, number>> {
  const ratio = (ours: readonly number[]): number => median(ours.map((value, turn) => value / (transformers[turn] ?? Number.NaN)));
  return {
    transformers: median(transformers),
    native: median(native),
    WASM: median(wasm),
    'native ratio': ratio(native),
    'WASM ratio': ratio(wasm),
    repeats: native.length,
  };
}

/** NaN beside a text that did not fit. */
function peaks(sides: Sides, shown: Turns): Readonly<Record<string, number>> {
  const peak = (name: keyof Sides): number => (Number.isNaN(median(shown[name])) ? Number.NaN : (sides[name]?.peak() ?? Number.NaN));
  const [transformers, native, wasm] = [peak('transformers'), peak('native'), peak('wasm')];
  return { transformers, native, WASM: wasm, 'native ratio': native / transformers, 'WASM ratio': wasm / transformers };
}

/** The sides ran the same model over the same tokens. */
function expectSame(found: readonly (readonly [readonly number[], readonly number[]])[]): void {
  const [first, ...others] = found;
  for (const [ids, probabilities] of others) {
    expect(ids[0]).toBe(first?.[0][0]);
    for (const [i, probability] of probabilities.entries()) expect(probability / (first?.[1][i] ?? 0)).toBeCloseTo(1, 3);
  }
}

/**
 * Multiplications and additions of a forward pass over T tokens without the unembedding: two for each weight of a matrix, and in
 * attention the whole [T, T] square of every head, as is usual and as both sides compute it.
 */
function operationsOf({ parameters, vocab, dim, layers, heads, headDim, positions, contextLength }: ModelInfo, tokens: number): number {
  const tables = vocab * dim + (positions === 'learned' ? contextLength * dim : 0);
  return 2 * tokens * (parameters - tables) + 4 * tokens ** 2 * headDim * heads * layers;
}

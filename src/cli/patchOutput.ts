import type { PatchEstimate } from '../core/patchGrid.ts';
import { at } from '../core/tensor.ts';
import type { ModelInfo, Token } from '../core/trace.ts';
import { modelJson } from './jsonOutput.ts';
import type { PatchOptions } from './options.ts';
import type { Output } from './output.ts';
import { floats, writeEntries } from './safetensorsOutput.ts';

/** A text as it was read. */
export interface PatchedText {
  readonly tokens: readonly Token[];
}

/** What was patched. */
export interface Patched {
  readonly model: ModelInfo;
  readonly clean: PatchedText;
  readonly corrupted: PatchedText;
  readonly piece: (id: number) => string;
  readonly estimate: PatchEstimate;
  /** [layers, columns], measured; NaN: the clean text has no such token. */
  readonly shares: Float32Array;
}

/** Decimals of a share, and width of its column, in a table. */
const DECIMALS = 3;
const WIDTH = 8;

/**
 * Writes a grid of shares. safetensors, F32: `clean` [1] and `corrupted` [1], the logit differences; `estimate` and `shares` [layers,
 * columns]. In JSON a missing share is null.
 */
export async function writePatch(output: Output, format: PatchOptions['format'], patched: Patched): Promise<void> {
  if (format === 'table') await output.write(table(patched));
  else if (format === 'json') await output.write(json(patched));
  else {
    const { layers, columns, clean, corrupted, estimate } = patched.estimate;
    const grid = [layers, columns];
    await writeEntries(
      output,
      [
        floats('clean', [1], Float32Array.of(clean)),
        floats('corrupted', [1], Float32Array.of(corrupted)),
        floats('estimate', grid, estimate),
        floats('shares', grid, patched.shares),
      ],
      null,
    );
  }
}

function table({ corrupted, piece, estimate, shares }: Patched): string {
  const { grid, layers, columns, token, rival, clean, corrupted: without } = estimate;
  const named = (id: number): string => JSON.stringify(piece(id));
  const names = Array.from({ length: columns }, (_, column) =>
    grid === 'heads' ? `head ${column}` : `${column} ${JSON.stringify(corrupted.tokens[column]?.text ?? '')}`,
  );
  const widest = names.reduce((most, name) => Math.max(most, name.length), 0);
  const cell = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(DECIMALS)).padStart(WIDTH);
  const lines = names.map((name, column) =>
    [name.padEnd(widest), ...Array.from({ length: layers }, (_, layer) => cell(at(shares, layer * columns + column)))].join(''),
  );
  const head = [' '.repeat(widest), ...Array.from({ length: layers }, (_, layer) => `layer ${layer}`.padStart(WIDTH))].join('');
  const difference = rival === null ? `logit of ${named(token)}` : `logit of ${named(token)} less that of ${named(rival)}`;
  return `${[`${difference}: clean ${clean.toFixed(4)}, corrupted ${without.toFixed(4)}`, head, ...lines].join('\n')}\n`;
}

function json({ model, clean, corrupted, piece, estimate, shares }: Patched): string {
  const { position, token, rival, grid, layers, columns, partners } = estimate;
  const named = (id: number) => ({ id, text: piece(id) });
  const rows = (values: Float32Array) =>
    Array.from({ length: layers }, (_, layer) =>
      Array.from(values.subarray(layer * columns, (layer + 1) * columns), (value) => (Number.isNaN(value) ? null : value)),
    );
  const tokens = (text: PatchedText) =>
    text.tokens.map(({ index, id, text: own, start, end, special }) => ({ index, id, text: own, start, end, special }));
  const head = {
    position,
    token: named(token),
    rival: rival === null ? null : named(rival),
    grid,
    clean: { difference: estimate.clean, tokens: tokens(clean) },
    corrupted: { difference: estimate.corrupted, tokens: tokens(corrupted) },
    partners: Array.from(partners, (partner) => (partner === -1 ? null : partner)),
    estimate: rows(estimate.estimate),
    shares: rows(shares),
  };
  return `{"model":${modelJson(model)},\n${JSON.stringify(head).slice(1, -1)}}\n`;
}

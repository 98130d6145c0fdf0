import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { expect } from 'vitest';
import { at, tensor, type Tensor } from '../../src/core/tensor.ts';
import type { LanguageModel, Sequence } from '../../src/model/languageModel.ts';
import { expectClose, type Golden } from './oracle.ts';

/** Largest difference, relative to the largest absolute value, when a text is read piece by piece. */
const TOLERANCE = 1e-4;
/** Ends of the pieces: a prompt, two single tokens, and several tokens at once; a single token follows. */
const ENDS = [4, 5, 6, 9] as const;

/**
 * Reads the golden ids in pieces, with a cache of keys and values, and compares attention, residuals, experts, latent vectors and logits
 * with the reference's single full pass.
 */
export async function compareGrowing(model: LanguageModel, golden: Golden): Promise<void> {
  const ids = await golden.ids();
  const sequence = model.sequence();
  const ropeChanges = await readInPieces(sequence, ids);
  await compareWhole(model, sequence, golden, 'in pieces');
  if (ropeChanges) return;

  // The text changes after six tokens, and back again: only the tokens after the common start are run.
  const other = Int32Array.from([...ids.slice(0, 6), ...ids.slice(0, 3)]);
  expect(await sequence.read(runOf(other, UNCHANGED))).toEqual({ run: 3, known: 6, reread: false });
  expect(await sequence.read(runOf(ids, UNCHANGED))).toMatchObject({ known: commonStart(other, ids), reread: false });
  await compareWhole(model, sequence, golden, 'after a branch');

  // A sequence adopts a forward pass and continues it one token at a time.
  const goingOn = model.sequence();
  goingOn.adopt(await model.run(runOf(ids.slice(0, 7), UNCHANGED)));
  for (let end = 7; end <= ids.length; end++) {
    expect(await goingOn.read(runOf(ids.slice(0, end), UNCHANGED))).toEqual({
      run: end === 7 ? 0 : 1,
      known: end === 7 ? 7 : end - 1,
      reread: false,
    });
    await compareLastRow(model, goingOn, golden, end);
  }
  await compareWhole(model, goingOn, golden, 'from a forward pass');
}

/** Reads the ids in pieces. Returns whether tokens were run again because the model's RoPE depends on the length. */
async function readInPieces(sequence: Sequence, ids: Int32Array): Promise<boolean> {
  let changed = false;
  let known = 0;
  for (const end of [...ENDS, ids.length - 1, ids.length]) {
    const read = await sequence.read(runOf(ids.slice(0, end), UNCHANGED));
    expect(read).toEqual(read.reread ? { run: end, known: 0, reread: true } : { run: end - known, known, reread: false });
    changed ||= read.reread;
    known = end;
  }
  return changed;
}

async function compareWhole(model: LanguageModel, sequence: Sequence, golden: Golden, how: string): Promise<void> {
  const ids = await golden.ids();
  expect(sequence.run.ids).toEqual(ids);
  expect(sequence.covers(runOf(ids, UNCHANGED))).toBe(true);
  const trace = sequence.trace(ids.length);
  expect(trace.resid).toHaveLength(model.info.layers + 1);
  for (const [layer, resid] of trace.resid.entries())
    expectClose(resid, await golden.floats(`resid.${layer}`), `resid ${layer} ${how}`, TOLERANCE);
  for (let layer = 0; layer < model.info.layers; layer++)
    expectClose(await model.attention(trace, layer), await golden.floats(`attentions.${layer}`), `attention ${layer} ${how}`, TOLERANCE);
  const whole = await model.run(runOf(ids, UNCHANGED));
  expect(trace.experts?.length).toBe(whole.experts?.length);
  for (const [layer, choice] of (whole.experts ?? []).entries()) {
    const found = trace.experts?.[layer];
    expect(found?.ids, `experts ${layer} ${how}`).toEqual(choice?.ids);
    if (choice !== null) expectClose(made(found, `experts ${layer}`).weights, choice.weights, `expert weights ${layer} ${how}`, TOLERANCE);
  }
  expect(trace.latent?.length).toBe(whole.latent?.length);
  for (const [layer, { compressed, sharedKey }] of (whole.latent ?? []).entries()) {
    const found = made(trace.latent?.[layer], `latents ${layer}`);
    expectClose(found.compressed, compressed, `compressed ${layer} ${how}`, TOLERANCE);
    expectClose(found.sharedKey, sharedKey, `shared key ${layer} ${how}`, TOLERANCE);
  }
  const rows = Array.from(ids, (_, position) => sequence.final(position).data);
  const last = tensor([ids.length, (rows[0] ?? []).length], Float32Array.from(rows.flatMap((row) => [...row])));
  expectClose(await model.logits(last), await golden.floats('logits'), `logits ${how}`, TOLERANCE);
  await compareLastRow(model, sequence, golden, ids.length);
}

async function compareLastRow(model: LanguageModel, sequence: Sequence, golden: Golden, length: number): Promise<void> {
  for (let layer = 0; layer < model.info.layers; layer++) {
    const { weights, sink } = await sequence.lastRow(layer);
    const row = tensor([model.info.heads, length], weights);
    expectClose(row, rowOf(await golden.floats(`attentions.${layer}`), length), `attention ${layer} of token ${length - 1}`, TOLERANCE);
    for (let head = 0; head < model.info.heads; head++) {
      const sum = weights
        .subarray(head * length, (head + 1) * length)
        .reduce((total, weight) => total + weight, sink === null ? 0 : at(sink, head));
      expect(sum).toBeCloseTo(1, 5);
    }
  }
}

/** The row of query `length - 1` in [heads, T, T], without later keys: [heads, length]. */
function rowOf({ dims, data }: Tensor, length: number): Tensor {
  const [heads = 0, tokens = 0] = dims;
  const rows = Array.from({ length: heads }, (_, head) =>
    data.subarray((head * tokens + length - 1) * tokens, (head * tokens + length - 1) * tokens + length),
  );
  return tensor([heads, length], Float32Array.from(rows.flatMap((row) => [...row])));
}

/** A value that the trace must hold. Throws where it does not. */
function made<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`The trace holds no ${what}.`);
  return value;
}

function commonStart(a: Int32Array, b: Int32Array): number {
  return a.findIndex((id, i) => id !== b[i]);
}

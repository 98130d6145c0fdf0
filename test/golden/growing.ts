import { expect } from 'vitest';
import { at, tensor, type Tensor } from '../../src/core/tensor.ts';
import type { LanguageModel, Sequence } from '../../src/model/languageModel.ts';
import { expectClose, type Golden } from './compare.ts';

/** Share of the largest absolute value that a number may be off when a text is read piece by piece. */
const TOLERANCE = 1e-4;
/** Where the pieces end: a prompt, single tokens, several at once, a single one again. */
const ENDS = [4, 5, 6, 9] as const;

/** Reads the golden ids with a cache of keys and values, and compares everything inside the model with the one full pass of the reference. */
export async function compareGrowing(model: LanguageModel, golden: Golden): Promise<void> {
  const ids = await golden.ids();
  const sequence = model.sequence();
  const ropeChanges = await readInPieces(sequence, ids);
  await compareWhole(model, sequence, golden, 'in pieces');
  if (ropeChanges) return;

  // Another branch, longer by then than what is compared, and back: the end is run again and nothing else.
  const other = Int32Array.from([...ids.slice(0, 6), ...ids.slice(0, 3)]);
  expect(await sequence.read(other)).toEqual({ run: 3, known: 6, reread: false });
  expect(await sequence.read(ids)).toMatchObject({ known: commonStart(other, ids), reread: false });
  await compareWhole(model, sequence, golden, 'after a branch');

  // From a forward pass that is known, one token at a time.
  const goingOn = model.sequence();
  goingOn.adopt(await model.run(ids.slice(0, 7)));
  for (let end = 7; end <= ids.length; end++) {
    expect(await goingOn.read(ids.slice(0, end))).toEqual({ run: end === 7 ? 0 : 1, known: end === 7 ? 7 : end - 1, reread: false });
    await compareLastRow(model, goingOn, golden, end);
  }
  await compareWhole(model, goingOn, golden, 'from a forward pass');
}

/** Whether tokens were run again, as the model's ropes depend on the length. */
async function readInPieces(sequence: Sequence, ids: Int32Array): Promise<boolean> {
  let changed = false;
  let known = 0;
  for (const end of [...ENDS, ids.length - 1, ids.length]) {
    const read = await sequence.read(ids.slice(0, end));
    expect(read).toEqual(read.reread ? { run: end, known: 0, reread: true } : { run: end - known, known, reread: false });
    changed ||= read.reread;
    known = end;
  }
  return changed;
}

async function compareWhole(model: LanguageModel, sequence: Sequence, golden: Golden, how: string): Promise<void> {
  const ids = await golden.ids();
  expect(sequence.ids).toEqual(ids);
  expect(sequence.covers(ids)).toBe(true);
  const trace = sequence.trace(ids.length);
  for (const [layer, resid] of trace.resid.entries()) expectClose(resid, await golden.floats(`resid.${layer}`), `resid ${layer} ${how}`, TOLERANCE);
  for (let layer = 0; layer < model.info.layers; layer++) expectClose(await model.attention(trace, layer), await golden.floats(`attentions.${layer}`), `attention ${layer} ${how}`, TOLERANCE);
  const whole = await model.run(ids);
  for (const [layer, choice] of (whole.experts ?? []).entries()) {
    expect(trace.experts?.[layer]?.ids, `experts ${layer} ${how}`).toEqual(choice?.ids);
    if (choice !== null) expectClose(trace.experts?.[layer]?.weights ?? choice.weights, choice.weights, `expert weights ${layer} ${how}`, TOLERANCE);
  }
  expect(trace.latent?.length).toBe(whole.latent?.length);
  for (const [layer, { compressed, sharedKey }] of (whole.latent ?? []).entries()) {
    expectClose(trace.latent?.[layer]?.compressed ?? sharedKey, compressed, `compressed ${layer} ${how}`, TOLERANCE);
    expectClose(trace.latent?.[layer]?.sharedKey ?? compressed, sharedKey, `shared key ${layer} ${how}`, TOLERANCE);
  }
  const rows = Array.from(ids, (_, position) => sequence.final(position).data);
  const last = tensor([ids.length, model.info.dim], Float32Array.from(rows.flatMap((row) => [...row])));
  expectClose(await model.logits(last), await golden.floats('logits'), `logits ${how}`, TOLERANCE);
  await compareLastRow(model, sequence, golden, ids.length);
}

async function compareLastRow(model: LanguageModel, sequence: Sequence, golden: Golden, length: number): Promise<void> {
  for (let layer = 0; layer < model.info.layers; layer++) {
    const { weights, sink } = await sequence.lastRow(layer);
    const row = tensor([model.info.heads, length], weights);
    expectClose(row, rowOf(await golden.floats(`attentions.${layer}`), length), `attention ${layer} of token ${length - 1}`, TOLERANCE);
    for (let head = 0; head < model.info.heads; head++) {
      const sum = weights.subarray(head * length, (head + 1) * length).reduce((total, weight) => total + weight, sink === null ? 0 : at(sink, head));
      expect(sum).toBeCloseTo(1, 5);
    }
  }
}

/** [heads, T, T] -> [heads, length], the row of query length - 1, of which the future is left out. */
function rowOf({ dims, data }: Tensor, length: number): Tensor {
  const [heads = 0, tokens = 0] = dims;
  const rows = Array.from({ length: heads }, (_, head) => data.subarray((head * tokens + length - 1) * tokens, (head * tokens + length - 1) * tokens + length));
  return tensor([heads, length], Float32Array.from(rows.flatMap((row) => [...row])));
}

function commonStart(a: Int32Array, b: Int32Array): number {
  return a.findIndex((id, i) => id !== b[i]);
}

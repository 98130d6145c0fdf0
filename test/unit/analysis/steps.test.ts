import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { describe, expect, test } from 'vitest';
import type { GenerationStep, StepRequest, StopReason } from '../../../src/core/generation.ts';
import { stepsTogether } from '../../../src/analysis/generationSteps.ts';

const request: StepRequest = { run: runOf([1, 2], UNCHANGED), sampling: { temperature: 0, topK: 0, topP: 1, minP: 0 }, seed: 0, topK: 1 };

/** A model that says how many ids it was given, and stops at `end` of them. */
function counting(end: number): { readonly asked: number[][]; readonly step: (request: StepRequest) => Promise<GenerationStep> } {
  const asked: number[][] = [];
  const empty = {
    topIds: new Int32Array(0),
    topProbs: new Float32Array(0),
    topTempered: new Float32Array(0),
    topFinal: new Float32Array(0),
  };
  const step = ({ run: { ids } }: StepRequest): Promise<GenerationStep> => {
    asked.push([...ids]);
    const stop: StopReason | null = ids.length >= end ? 'eos' : null;
    return Promise.resolve({
      ...empty,
      position: ids.length,
      id: 10 + ids.length,
      text: '',
      prob: 1,
      tempered: 1,
      final: 1,
      rank: 1,
      entropy: 0,
      entropyTempered: 0,
      entropyFinal: 0,
      pieces: {},
      filters: [],
      keptCount: 1,
      draw: null,
      stop,
      reading: { run: 1, known: 0, reread: false, runMs: 0, stepMs: 0 },
      cache: { positions: 0, bytesPerLayer: [], bytes: 0 },
    });
  };
  return { asked, step };
}

describe('steps answered together', () => {
  test('each go on from the one before, and are no more than were asked for', async () => {
    const { asked, step } = counting(99);
    const steps = await stepsTogether(step, request, 3, () => 0);
    expect(steps.map(({ id }) => id)).toEqual([12, 13, 14]);
    expect(asked).toEqual([
      [1, 2],
      [1, 2, 12],
      [1, 2, 12, 13],
    ]);
  });

  test('end where the model ends', async () => {
    expect(await stepsTogether(counting(3).step, request, 10, () => 0)).toHaveLength(2);
  });

  test('are one at least, and no more once the time is over', async () => {
    let time = 0;
    expect(await stepsTogether(counting(99).step, request, 10, () => (time += 60))).toHaveLength(2);
    expect(await stepsTogether(counting(99).step, request, 10, () => (time += 1000))).toHaveLength(1);
  });
});

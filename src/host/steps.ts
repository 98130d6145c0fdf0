import type { GenerationStep, StepRequest } from '../core/generation.ts';

/** Steps are answered together for so long: the way to the panel and back takes longer than a step of a small model. */
const TOGETHER_MS = 100;

/** Up to `most` steps of generation, each from the one before, as many as are taken in a short while; one at least. */
export async function stepsTogether(step: (request: StepRequest) => Promise<GenerationStep>, request: StepRequest, most: number, now: () => number = () => performance.now()): Promise<readonly GenerationStep[]> {
  const end = now() + TOGETHER_MS;
  const steps = [await step(request)];
  for (let last = steps[0]; last !== undefined && last.stop === null && steps.length < most && now() < end; last = steps.at(-1)) {
    steps.push(await step({ ...request, ids: Int32Array.from([...request.ids, ...steps.map(({ id }) => id)]) }));
  }
  return steps;
}

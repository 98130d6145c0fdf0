import { beforeAll, describe, expect, it } from 'vitest';
import { checkedNumbers, judge, MOST_DIFFERENCE } from '../../../src/analysis/providerCheck.ts';
import { RuntimeFailedError, UserError } from '../../../src/core/errors.ts';
import { english, translated } from '../../../src/core/translatable.ts';
import { openLanguageModel, type LanguageModel } from '../../../src/model/languageModel.ts';
import { providedRuntime } from '../../../src/model/run/executionProvider.ts';
import type { ProvidedRuntime, Runtime } from '../../../src/model/run/runtime.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { folder } from '../model/folder.ts';

const IDS = Int32Array.of(5, 9, 2, 7, 7, 1);
let cpu: Runtime;
beforeAll(async () => {
  cpu = await wasm();
});

/** The CPU's runtime with every float of what it computes passed through `change`; `before` each run and each opening. */
function other(change: (value: number) => number, before: (what: 'open' | 'run') => void = () => undefined): Runtime {
  return {
    ...cpu,
    openSession: async (...args) => {
      before('open');
      const session = await cpu.openSession(...args);
      return {
        run: async (feeds, fetches) => {
          before('run');
          const results = await session.run(feeds, fetches);
          for (const numbers of Object.values<Float32Array | Int32Array>(results))
            if (numbers instanceof Float32Array) for (const [i, value] of numbers.entries()) numbers[i] = change(value);
          return results;
        },
        release: () => session.release(),
      };
    },
  };
}

const open = (runtime: Runtime): Promise<LanguageModel> => openLanguageModel(folder(`${FIXTURES}/llama`), runtime);

/** The self-check of a provider, and the logits that are computed after it. */
async function checked(provided: ProvidedRuntime): Promise<{ readonly model: LanguageModel; readonly logits: Float32Array }> {
  const onCpu = await open(cpu);
  const model = await open(provided);
  judge(provided, await checkedNumbers(onCpu, IDS), await checkedNumbers(model, IDS));
  const { logits } = await checkedNumbers(model, IDS);
  await onCpu.dispose();
  return { model, logits };
}

async function cpuLogits(): Promise<Float32Array> {
  const model = await open(cpu);
  const { logits } = await checkedNumbers(model, IDS);
  await model.dispose();
  return logits;
}

const why = ({ info: { provider } }: LanguageModel): string =>
  provider?.kind === 'refused' ? `${translated(provider.why, english)} ${provider.details}` : 'It is used.';

describe('an execution provider', () => {
  it('with the CPU’s numbers is used, and differs by nothing', async () => {
    const { model, logits } = await checked(
      providedRuntime(
        'webgpu',
        other((value) => value),
        cpu,
      ),
    );
    expect(model.info.provider).toEqual({ kind: 'used', provider: 'webgpu', difference: 0 });
    expect(logits).toEqual(await cpuLogits());
  });

  it('with numbers near the CPU’s is used, and how far it is off is told', async () => {
    const { model, logits } = await checked(
      providedRuntime(
        'dml',
        other((value) => value * (1 + 1e-5)),
        cpu,
      ),
    );
    const { provider } = model.info;
    if (provider?.kind !== 'used') throw new Error(why(model));
    expect(provider.difference).toBeGreaterThan(1e-6);
    expect(provider.difference).toBeLessThan(MOST_DIFFERENCE);
    expect(logits).not.toEqual(await cpuLogits());
  });

  it('with numbers too far from them is given up in a sentence with both, and the CPU computes', async () => {
    const { model, logits } = await checked(
      providedRuntime(
        'coreml',
        other((value) => value * 1.02),
        cpu,
      ),
    );
    expect(why(model)).toMatch(
      /^The execution provider CoreML is [\d.]+ off the CPU in a self-check, more than 0\.01, so the CPU computes\. The largest /,
    );
    expect(logits).toEqual(await cpuLogits());
  });

  it('that gives no numbers is given up at once', async () => {
    const { model, logits } = await checked(
      providedRuntime(
        'cuda',
        other(() => Number.NaN),
        cpu,
      ),
    );
    expect(why(model)).toMatch(/^The execution provider CUDA gave numbers that are not finite, so the CPU computes\. NaN in /);
    expect(logits).toEqual(await cpuLogits());
  });

  it.each(['open', 'run'] as const)('that fails at the first %s is given up, and the log has its words', async (where) => {
    const provided = providedRuntime(
      'webgpu',
      other(
        (value) => value,
        (what) => {
          if (what === where) throw new RuntimeFailedError('It failed.', { cause: new Error('No supported adapters') });
        },
      ),
      cpu,
    );
    const { model, logits } = await checked(provided);
    expect(why(model)).toBe(
      'The execution provider WebGPU does not work here, so the CPU computes; the log has the details. No supported adapters',
    );
    expect(logits).toEqual(await cpuLogits());
  });

  it('that fails long after the self-check is given up then: the answer is the CPU’s, and no session stays with it', async () => {
    let [fails, runs] = [false, 0];
    const provided = providedRuntime(
      'webgpu',
      other(
        (value) => value,
        (what) => {
          if (what === 'run') runs++;
          if (fails) throw new RuntimeFailedError('It failed.', { cause: new Error('The device was lost.') });
        },
      ),
      cpu,
    );
    const { model } = await checked(provided);
    expect(model.info.provider?.kind).toBe('used');
    fails = true;
    expect((await checkedNumbers(model, IDS)).logits).toEqual(await cpuLogits());
    expect(why(model)).toMatch(/The device was lost\.$/);
    const before = runs;
    await checkedNumbers(model, IDS);
    expect(runs).toBe(before);
    await model.dispose();
  });

  it('is not blamed for files that cannot be read', async () => {
    const provided = providedRuntime(
      'webgpu',
      other(
        (value) => value,
        () => {
          throw new UserError('The file is gone.');
        },
      ),
      cpu,
    );
    await expect(checkedNumbers(await open(provided), IDS)).rejects.toThrow('The file is gone.');
    expect(provided.use()).toBeNull();
  });
});

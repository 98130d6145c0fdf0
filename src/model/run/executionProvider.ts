import { messageOf, RuntimeFailedError } from '../../core/errors.ts';
import { PROVIDER_NAMES, type OtherProvider, type ProviderUse } from '../../core/runtimeChoice.ts';
import { msg, type Translatable } from '../../core/translatable.ts';
import type { ProvidedRuntime, Session, Runtime } from './runtime.ts';

/**
 * `other` computes for as long as it works, `cpu` after that: a session that cannot be opened, fails, or gives a number that is none
 * is computed on the CPU, as is everything after it.
 */
export function providedRuntime(provider: OtherProvider, other: Runtime, cpu: Runtime): ProvidedRuntime {
  const name = PROVIDER_NAMES[provider];
  let use: ProviderUse | null = null;
  const isRefused = (): boolean => use?.kind === 'refused';
  const giveUp = (why: Translatable, details: string): void => {
    if (!isRefused()) use = { kind: 'refused', provider, why, details };
  };
  const failed = (error: unknown): void => {
    // Any other error is of the model's files, and the CPU would meet it as well.
    if (!(error instanceof RuntimeFailedError)) throw error;
    giveUp(
      msg`The execution provider ${name} does not work here, so the CPU computes; the log has the details.`,
      messageOf(error.cause ?? error),
    );
  };
  return {
    ...cpu,
    provider,
    use: () => use,
    accept: (difference) => {
      if (!isRefused()) use = { kind: 'used', provider, difference };
    },
    giveUp,
    openSession: async (graph, files, memory) => {
      const openOnCpu = (): Promise<Session> => cpu.openSession(graph, files, memory);
      if (isRefused()) return openOnCpu();
      const session = await other.openSession(graph, files, memory).catch(failed);
      if (session === undefined) return openOnCpu();
      let onCpu: Promise<Session> | null = null;
      return {
        run: async (feeds, fetches) => {
          if (!isRefused()) {
            const results = await session.run(feeds, fetches).catch(failed);
            if (results !== undefined && !Object.values<Float32Array | Int32Array>(results).some(hasNaN)) return results;
            giveUp(
              msg`The execution provider ${name} gave numbers that are not finite, so the CPU computes.`,
              `NaN in ${fetches.join(', ')}`,
            );
          }
          onCpu ??= openOnCpu();
          return (await onCpu).run(feeds, fetches);
        },
        release: async () => {
          await session.release();
          await (await onCpu)?.release();
        },
      };
    },
  };
}

function hasNaN(numbers: Float32Array | Int32Array): boolean {
  return numbers instanceof Float32Array && numbers.some(Number.isNaN);
}

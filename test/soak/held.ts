import { UserError } from '../../src/core/errors.ts';

/** Outcomes of many attempts of one kind. */
export interface Outcomes {
  readonly count: number;
  /** Number of attempts that succeeded. */
  readonly whole: number;
  /** Number of attempts that ended with one sentence for the user. */
  readonly refused: number;
  readonly slowestMs: number;
  /** One message for every other attempt, such as one that left something behind. */
  readonly notHeld: readonly string[];
}

/** Runs and counts attempts. `attempt` returns its outcome; one that throws counts as not held. */
export async function outcomesOf(count: number, attempt: (index: number) => Promise<'whole' | 'refused'>): Promise<Outcomes> {
  const notHeld: string[] = [];
  let [whole, refused, slowestMs] = [0, 0, 0];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    try {
      if ((await attempt(index)) === 'whole') whole++;
      else refused++;
    } catch (error) {
      notHeld.push(`${index}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - start);
  }
  return { count, whole, refused, slowestMs, notHeld };
}

/** Whether a text may be shown to a user: one line, not too long, without traces of a stack or a runtime. */
export function isSentence(text: string): boolean {
  const isLine = text.length >= 10 && text.length <= 600 && !/\p{Cc}/u.test(text) && /[.:]$/.test(text);
  return isLine && !/\bat .*:\d+:\d+|OrtRun|safeint|bad_alloc|undefined/.test(text);
}

/** Throws unless `error` is a UserError whose message may be shown to a user. */
export function mustBeRefusal(error: unknown): void {
  if (!(error instanceof UserError)) throw error;
  if (!isSentence(error.message)) throw new Error(`No sentence: ${error.message}`, { cause: error });
}

/** A random integer from 0 to `end - 1`. */
export function below(random: () => number, end: number): number {
  return Math.floor(random() * end);
}

/** A random one of the values. */
export function oneOf<T>(random: () => number, values: readonly T[]): T {
  const value = values[below(random, values.length)];
  if (value === undefined) throw new Error('Nothing to choose from.');
  return value;
}

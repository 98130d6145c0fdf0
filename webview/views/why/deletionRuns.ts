import { ATTRIBUTION_METHODS, isSpanMethod, leavesOneOut, type AttributionMethod } from '../../../src/core/attribution.ts';
import { RANDOM_ORDERS, type DeletionCurve } from '../../../src/core/deletion.ts';
import type { LogitQuestion } from '../../../src/core/directParts.ts';
import { sumsOf, type TextUnit, type TokenRun } from '../../../src/core/textUnits.ts';
import type { PanelContext } from '../../context.ts';
import { byMean, orderedWords, randomWords, type DeletionCurves, type HiddenWord } from '../../figures/deletionCurves.ts';
import { createLongRun, type LongRun } from '../../parts/longRun.ts';

type Prediction = Pick<LogitQuestion, 'position' | 'token'>;

/** Which prediction is to fail, and which words are hidden. */
export interface DeletionAsked extends Prediction {
  /** The text's own tokens after the positions up to this one fail together; null: `token` after `position` alone. */
  readonly end: number | null;
  readonly unit: TextUnit;
  /** Up to the last position. */
  readonly units: readonly TokenRun[];
  /** The method on show; of those that leave words out, only this one is measured. */
  readonly method: AttributionMethod;
}

/** Measures the curves of questions, one at a time, and keeps what is known of each. */
export interface DeletionRuns extends Pick<LongRun, 'isRunning' | 'stop'> {
  readonly known: (asked: DeletionAsked) => DeletionCurves;
  /** Orders still to be measured, the random ones among them. */
  readonly left: (asked: DeletionAsked) => number;
  /** Goes on with a question from where it was left; resolves when it has ended, was stopped or has failed. */
  readonly run: (asked: DeletionAsked) => Promise<void>;
  /** Forgets all: the text is another. */
  readonly clear: () => void;
}

const SLOT = 'deletion';
/** Units asked for together; the engine answers with as many as it measures in a short while. */
const TOGETHER = 64;
/** Methods that compute the numbers of all words together: few passes of the model give the order. */
const COMPUTED = ATTRIBUTION_METHODS.filter((method) => !leavesOneOut(method));

interface Curves {
  readonly methods: Map<AttributionMethod, DeletionCurve>;
  readonly random: DeletionCurve[];
  /** The same curves as they are shown: another object whenever one is added. */
  shown: DeletionCurves;
}

/** Creates the runs. `changed` is called whenever something is known or begins or ends, `failed` with what went wrong. */
export function createDeletionRuns({ host }: PanelContext, changed: () => void, failed: (error: unknown) => void): DeletionRuns {
  const results = new Map<string, Curves>();
  const work = createLongRun(host, SLOT, changed, failed);
  const none: DeletionCurves = { methods: [], random: [] };
  const keyOf = ({ position, token, end, unit }: DeletionAsked): string =>
    JSON.stringify(end === null ? [position, token, unit] : [position, { end }, unit]);

  /** Methods whose order is not measured, the one on show first. */
  function missing(asked: DeletionAsked): readonly AttributionMethod[] {
    const known = results.get(keyOf(asked))?.methods;
    return [...new Set([asked.method, ...COMPUTED])].filter(
      (method) => known?.has(method) !== true && (asked.end === null || isSpanMethod(method)),
    );
  }
  async function curveOf({ position, token, end }: DeletionAsked, words: readonly HiddenWord[]): Promise<DeletionCurve> {
    if (end !== null) return host.query(SLOT, 'spanDeletion', { position, end, words });
    return host.query(SLOT, 'deletion', { position, token, words });
  }
  /** What each unit counts for what the curve is of, the token alone or several; null: nobody waits for it any more. */
  async function numbersOf(asked: DeletionAsked, method: AttributionMethod, wanted: () => boolean): Promise<ArrayLike<number> | null> {
    const { position, token, end, units } = asked;
    if (end !== null) {
      if (!isSpanMethod(method)) return null;
      const { values } = await host.query(SLOT, 'spanAttribution', { position, end, method });
      return wanted() ? sumsOf(values, units) : null;
    }
    const question = { position, token, rival: null };
    if (!leavesOneOut(method)) {
      const { values } = await host.query(SLOT, 'attribution', { ...question, method });
      return wanted() ? sumsOf(values, units) : null;
    }
    const values: number[] = [];
    while (values.length < units.length) {
      const next = units.slice(values.length, values.length + TOGETHER);
      values.push(...(await host.query(SLOT, 'leftOut', { ...question, method, units: next })).values);
      if (!wanted()) return null;
    }
    return values;
  }
  async function measure(asked: DeletionAsked, wanted: () => boolean): Promise<void> {
    const { units, position, end } = asked;
    const last = end ?? position;
    const found: Curves = results.get(keyOf(asked)) ?? { methods: new Map(), random: [], shown: none };
    results.set(keyOf(asked), found);
    const add = (): void => {
      found.shown = { methods: byMean(found.methods), random: [...found.random] };
      changed();
    };
    const measureMethod = async (method: AttributionMethod): Promise<void> => {
      const values = await numbersOf(asked, method, wanted);
      if (values === null) return;
      const curve = await curveOf(asked, orderedWords(units, last, values));
      if (!wanted()) return;
      found.methods.set(method, curve);
      add();
    };
    const [first, ...others] = missing(asked);
    if (first !== undefined) await measureMethod(first);
    // What the first is compared with.
    for (const words of randomWords(units, last).slice(found.random.length)) {
      if (!wanted()) return;
      const curve = await curveOf(asked, words);
      if (!wanted()) return;
      found.random.push(curve);
      add();
    }
    for (const method of others) if (wanted()) await measureMethod(method);
  }
  return {
    isRunning: work.isRunning,
    stop: work.stop,
    known: (asked) => results.get(keyOf(asked))?.shown ?? none,
    left: (asked) => missing(asked).length + RANDOM_ORDERS - (results.get(keyOf(asked))?.random.length ?? 0),
    run: (asked) => work.start((wanted) => measure(asked, wanted)),
    clear: () => {
      work.halt();
      results.clear();
    },
  };
}

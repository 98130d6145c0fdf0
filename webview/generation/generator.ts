import { CancelledError, messageOf } from '../../src/core/errors.ts';
import type { GenerationStep } from '../../src/core/generation.ts';
import type { SamplingSettings } from '../../src/core/sampling.ts';
import type { PanelContext } from '../context.ts';
import {
  EMPTY_TREE,
  idsTo,
  pathTo,
  selecting,
  stopAt,
  withStep,
  withToken,
  type DrawSettings,
  type GenerationTree,
} from './generationTree.ts';
import type { Settings } from '../viewSettings.ts';
import type { ViewState } from '../state.ts';

/** Least milliseconds between updates of the page during generation: drawing it takes longer than a step of a small model. */
const SHOW_MS = 120;

/** Most steps requested at once. */
const MOST_TOGETHER = 16;

/** Number of a step's candidates whose text is requested. */
export const NAMED = 20;

const GREEDY: SamplingSettings = { temperature: 0, topK: 0, topP: 1, minP: 0 };

/** Generates tokens after the text by queries to the model. At most one run at a time. */
export interface Generator {
  /**
   * Generates up to `most` tokens, until the limit, an end-of-sequence token or `pause`. It goes on while another tab is open, and stops
   * when the panel is hidden, as the page is discarded then.
   */
  run(most: number): Promise<void>;
  pause(): void;
  reset(): void;
  /** Takes another candidate in place of a token, which begins a branch. */
  take(index: number, id: number): void;
  /** Samples the token at `index` again with the current settings; another token begins a branch. */
  drawAgain(index: number): Promise<void>;
  /** Requests the steps that are not known since the page was reloaded, those of the branch shown first. */
  restore(): Promise<void>;
}

/** Settings that tokens are sampled with; greedy is temperature 0. */
export function drawSettings({ greedy, seed, temperature, topK, topP, minP }: Settings): DrawSettings {
  return { sampling: greedy ? GREEDY : { temperature, topK, topP, minP }, seed };
}

/** Reason why the tree's branch cannot go on; null: it can. `tree`: the tree shown unless given. */
export function endOf({ shown, generation, settings }: ViewState, tree = generation.tree): 'eos' | 'context' | 'limit' | null {
  if (shown === null) return null;
  return (
    stopAt(tree, tree.end, shown.explanation, settings.pastEnd) ?? (pathTo(tree, tree.end).length >= settings.newTokens ? 'limit' : null)
  );
}

/** Creates the generator, which writes into the state's tree. */
export function createGenerator({ host, store }: PanelContext): Generator {
  /** Number of the run that may write: an older run sees that it is over. */
  let current = 0;
  let restoring = false;

  /** Tree with tokens that are generated but not shown yet. */
  let ahead: GenerationTree | null = null;
  let shownAt = 0;
  /** When the run began or its last tokens arrived. */
  let wroteAt = 0;

  const tree = (): GenerationTree => ahead ?? store.state().generation.tree;
  const show = (next: GenerationTree): void => {
    ahead = null;
    shownAt = performance.now();
    store.dispatch({ type: 'generation', change: { tree: next } });
  };
  const showAhead = (): void => {
    if (ahead !== null && ahead.prompt === store.state().generation.tree.prompt) show(ahead);
    ahead = null;
  };
  const ask = (slot: string, parent: number, { sampling, seed }: DrawSettings): Promise<GenerationStep> =>
    host.query(slot, 'step', { continuation: idsTo(tree(), parent), sampling, seed, topK: NAMED, attention: false });

  /** Does `work` as the only run; an error is shown. */
  const alone = async (work: (goesOn: () => boolean) => Promise<void>): Promise<void> => {
    const mine = ++current;
    wroteAt = performance.now();
    store.dispatch({ type: 'generation', change: { running: true, failure: null, ended: null } });
    let failure: string | null = null;
    try {
      await work(() => mine === current);
    } catch (error) {
      if (!(error instanceof CancelledError)) failure = messageOf(error);
    }
    if (mine !== current) return;
    showAhead();
    store.dispatch({ type: 'generation', change: { running: false, failure } });
  };
  /** Adds up to `most` tokens after `parent`. Returns how many there were. */
  const writeAfter = async (parent: number, most: number, goesOn: () => boolean): Promise<number> => {
    const { prompt } = tree();
    const settings = drawSettings(store.state().settings);
    const { pastEnd } = store.state().settings;
    const { steps } = await host.query('step', 'steps', {
      continuation: idsTo(tree(), parent),
      ...settings,
      topK: NAMED,
      pastEnd,
      most: Math.min(most, MOST_TOGETHER),
    });
    if (!goesOn() || store.state().generation.tree.prompt !== prompt) return 0;
    let last = parent;
    const now = performance.now();
    const wroteMs = (now - wroteAt) / steps.length;
    wroteAt = now;
    for (const step of steps) {
      ahead = withToken(tree(), { id: step.id, parent: last, taken: false, settings, wroteMs, step });
      last = ahead.selected;
    }
    if (performance.now() - shownAt >= SHOW_MS) showAhead();
    return steps.length;
  };

  return {
    run: (most) =>
      alone(async (goesOn) => {
        for (let left = most; left > 0 && goesOn() && endOf(store.state(), tree()) === null;) {
          const { end } = tree();
          left -= await writeAfter(end, Math.min(left, store.state().settings.newTokens - pathTo(tree(), end).length), goesOn);
        }
      }),
    pause: () => {
      current++;
      showAhead();
      store.dispatch({ type: 'generation', change: { running: false } });
    },
    reset: () => {
      current++;
      ahead = null;
      store.dispatch({
        type: 'generation',
        change: { tree: { ...EMPTY_TREE, prompt: tree().prompt }, running: false, failure: null, ended: null },
      });
    },
    take: (index, id) => {
      const token = tree().tokens[index];
      if (token === undefined || token.id === id) return;
      current++;
      showAhead();
      const known = tree().tokens.findIndex((other) => other.parent === token.parent && other.id === id);
      const next = known < 0 ? withToken(tree(), { ...token, id, taken: id !== token.step?.id, wroteMs: null }) : selecting(tree(), known);
      store.dispatch({ type: 'generation', change: { tree: next, running: false } });
    },
    drawAgain: (index) =>
      alone(async (goesOn) => {
        await writeAfter(tree().tokens[index]?.parent ?? -1, 1, goesOn);
      }),
    restore: async () => {
      if (restoring) return;
      restoring = true;
      try {
        for (let next = unknownStep(tree()); next >= 0 && wanted(store.state()); next = unknownStep(tree())) {
          const token = tree().tokens[next];
          if (token === undefined) break;
          const { prompt } = tree();
          const step = await ask('stepAgain', token.parent, token.settings);
          if (tree().prompt !== prompt || tree().tokens[next]?.id !== token.id) continue;
          show(withStep(tree(), next, step));
        }
      } catch (error) {
        if (!(error instanceof CancelledError)) store.dispatch({ type: 'generation', change: { failure: messageOf(error) } });
      } finally {
        restoring = false;
      }
    },
  };
}

function wanted({ generation, settings }: ViewState): boolean {
  return !generation.running && generation.failure === null && settings.tab === 'generate';
}

/** Index of a token whose step is not known, on the branch shown if it has one; -1: none. */
function unknownStep(tree: GenerationTree): number {
  const onBranch = pathTo(tree, tree.end).find((index) => tree.tokens[index]?.step === null);
  return onBranch ?? tree.tokens.findIndex(({ step }) => step === null);
}

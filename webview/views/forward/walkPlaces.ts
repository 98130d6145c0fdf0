import { stageOf, type ForwardPath } from '../../../src/core/forwardPath.ts';
import type { PanelContext } from '../../context.ts';
import { firstPlace, stagesOf, type Place, type WalkStep } from '../../figures/pathSteps.ts';

/** Most places remembered for going back. */
const REMEMBERED = 64;

interface LayerHead {
  readonly layer: number;
  readonly head: number;
}

/** The number of the path that is examined, and moves from one number to another. */
export interface WalkPlaces {
  readonly place: () => Place | null;
  readonly canGoBack: () => boolean;
  /** Examines a number of this path, and remembers the previous one. */
  readonly goTo: (target: Place) => void;
  /** Examines a number of another layer or head once its path has arrived. */
  readonly goElsewhere: (settings: Partial<LayerHead>, find: (path: ForwardPath) => Place) => void;
  /** Returns to the number remembered last. */
  readonly goBack: () => void;
  /** Goes to where the given residual stream was computed: the end of the previous layer, or of the input. */
  readonly goBefore: () => void;
  /** Examines the number that was waiting for this path. Returns whether there was one. */
  readonly arrive: (path: ForwardPath) => boolean;
  /** Keeps the examined number if it belongs to this step, and otherwise examines the step's first choice, `firstPlace`. */
  readonly settle: (path: ForwardPath, step: WalkStep) => void;
}

/** Creates the state of the examined number. `path`: the path shown; `draw` shows another number of the same step. */
export function createWalkPlaces({ store }: PanelContext, path: () => ForwardPath | undefined, draw: () => void): WalkPlaces {
  let place: Place | null = null;
  /** Number to examine once the path of another layer or head has arrived. */
  let pending: ((path: ForwardPath) => Place) | undefined;
  let visited: readonly (Place & LayerHead)[] = [];

  const remember = ({ layer, head }: ForwardPath): void => {
    if (place !== null) visited = [...visited.slice(1 - REMEMBERED), { ...place, layer, head }];
  };
  const look = (found: ForwardPath, target: Place): void => {
    place = target;
    const { step } = stageOf(found.stages, target.stage);
    if (step === store.state().settings.pathStep) draw();
    else store.dispatch({ type: 'settings', change: { pathStep: step } });
  };
  const lookElsewhere = (found: ForwardPath, settings: Partial<LayerHead>, find: (path: ForwardPath) => Place): void => {
    if ((settings.layer ?? found.layer) === found.layer && (settings.head ?? found.head) === found.head) return look(found, find(found));
    pending = find;
    store.dispatch({ type: 'settings', change: settings });
  };
  const goElsewhere: WalkPlaces['goElsewhere'] = (settings, find) => {
    const found = path();
    if (found === undefined) return;
    remember(found);
    lookElsewhere(found, settings, find);
  };
  return {
    place: () => place,
    canGoBack: () => visited.length > 0,
    goTo: (target) => {
      const found = path();
      if (found === undefined) return;
      remember(found);
      look(found, target);
    },
    goElsewhere,
    goBack: () => {
      const found = path();
      const last = visited.at(-1);
      visited = visited.slice(0, -1);
      if (last === undefined || found === undefined) return;
      const { layer, head, ...target } = last;
      lookElsewhere(found, { layer, head }, () => target);
    },
    goBefore: () => {
      const found = path();
      const { shown } = store.state();
      if (found === undefined || place === null || shown === null) return;
      const { stage, index } = place;
      const endOf =
        (mark: 'input' | 'lengths') =>
        ({ stages }: ForwardPath): Place => ({
          stage: stages[stages.findIndex(({ name }) => name === mark) - 1]?.name ?? 'embedding',
          index,
        });
      if (stage === 'finalInput') return goElsewhere({ layer: shown.explanation.model.layers - 1 }, endOf('lengths'));
      if (found.layer === 0) return goElsewhere({}, endOf('input'));
      goElsewhere({ layer: found.layer - 1 }, endOf('lengths'));
    },
    arrive: (found) => {
      const find = pending;
      pending = undefined;
      if (find === undefined) return false;
      look(found, find(found));
      return true;
    },
    settle: (found, step) => {
      const kept = stagesOf(found, step).some(({ name, values }) => name === place?.stage && place.index < values.length);
      if (!kept) place = firstPlace(found, step);
    },
  };
}

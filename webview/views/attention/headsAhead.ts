import type { PanelContext } from '../../context.ts';

/** Milliseconds a head must be shown before its neighbours are requested. */
const REST = 150;

/** Requests heads that are likely to be chosen next, so that they can be drawn at once. */
export interface HeadsAhead {
  /** To be called when the pointer reaches a head. */
  pointed(layer: number, head: number): void;
  /** To be called when the chosen head is requested: requests ahead of time wait. */
  asked(): void;
  /** To be called when a head is shown: its neighbours come next. */
  shown(layer: number, head: number): void;
}

/**
 * Requester of heads ahead of time. `query`: the token whose row is shown beside a map. Failures are silent: a head that did not arrive is
 * requested again when it is chosen.
 */
export function createHeadsAhead({ store, host }: PanelContext, query: () => number): HeadsAhead {
  let resting: ReturnType<typeof setTimeout> | undefined;
  /** Number of requests so far: the neighbours of an earlier head are abandoned. */
  let turn = 0;
  let last: { readonly layer: number; readonly head: number } | undefined;

  async function fetch(place: string, layer: number, head: number): Promise<void> {
    const model = store.state().shown?.explanation.model;
    if (model === undefined || layer < 0 || layer >= model.layers || head < 0 || head >= model.heads) return;
    await Promise.allSettled([
      host.query(`attention ${place}`, 'attentionPicture', { layer, head }),
      host.query(`row ${place}`, 'attentionRow', { layer, head, query: query() }),
    ]);
  }
  /**
   * Requests the neighbours one after another, first in the direction of the last step: a head chosen meanwhile waits for at most one of
   * them.
   */
  async function fetchNeighbours(layer: number, head: number, down: number, right: number): Promise<void> {
    const own = ++turn;
    const ways = [
      [1, 0],
      [0, 1],
      [-1, 0],
      [0, -1],
    ].toSorted(([d0 = 0, r0 = 0], [d1 = 0, r1 = 0]) => d1 * down + r1 * right - (d0 * down + r0 * right));
    for (const [place, [d = 0, r = 0]] of ways.entries()) {
      if (turn !== own) return;
      await fetch(String(place), layer + d, head + r);
    }
  }
  const asked = (): void => {
    clearTimeout(resting);
    turn++;
  };
  return {
    pointed: (layer, head) => {
      asked();
      void fetch('pointed', layer, head);
    },
    asked,
    shown: (layer, head) => {
      const [down, right] = last === undefined ? [0, 0] : [layer - last.layer, head - last.head];
      last = { layer, head };
      clearTimeout(resting);
      resting = setTimeout(() => void fetchNeighbours(layer, head, down, right), REST);
    },
  };
}

import type { PanelContext } from '../context.ts';

/** Milliseconds a head must be on show before its neighbours are asked for. */
const REST = 150;

/** Asks for heads that will likely be looked at next, so that they are drawn at once. */
export interface HeadsAhead {
  /** The pointer came to a head. */
  pointed(layer: number, head: number): void;
  /** A head is asked for in earnest: what is fetched ahead waits. */
  asked(): void;
  /** A head is on show: its neighbours come next. */
  shown(layer: number, head: number): void;
}

/** `query` is the token whose row is shown beside a map. What does not come now is asked for again, so failures are silent. */
export function createHeadsAhead({ store, host }: PanelContext, query: () => number): HeadsAhead {
  let resting: ReturnType<typeof setTimeout> | undefined;
  /** Counts what is asked for: the neighbours of an earlier head are left. */
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
  /** One after another, the way of the last step first: a head that is asked for meanwhile waits for one of them at most. */
  async function fetchNeighbours(layer: number, head: number, down: number, right: number): Promise<void> {
    const own = ++turn;
    const ways = [[1, 0], [0, 1], [-1, 0], [0, -1]].toSorted(([d0 = 0, r0 = 0], [d1 = 0, r1 = 0]) => d1 * down + r1 * right - (d0 * down + r0 * right));
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

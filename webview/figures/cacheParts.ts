import type { CacheSize } from '../../src/core/generation.ts';
import type { ModelInfo } from '../../src/core/trace.ts';

/** What a cache holds: keys and values, which grow with the text, and states, which do not. */
export interface CacheParts {
  /** Layers that hold keys and values of their own. */
  readonly growing: number;
  /** Bytes of a token's keys and values. */
  readonly tokenBytes: number;
  /** Layers that hold a state, in place of keys and values or beside them, and its bytes in all of them. */
  readonly states: number;
  readonly stateBytes: number;
}

/** The parts of a cache. */
export function cacheParts({ positions, bytes, bytesPerLayer }: CacheSize, { traits }: Pick<ModelInfo, 'traits'>): CacheParts {
  const layers = Array.from(bytesPerLayer, (_, layer) => {
    const { recurrence, beside, keysOf } = traits?.layers[layer] ?? {};
    const kept = (recurrence ?? beside)?.kept ?? 0;
    return { grows: recurrence === undefined && keysOf === undefined, state: positions === 0 ? 0 : kept * Float32Array.BYTES_PER_ELEMENT };
  });
  const stateBytes = layers.reduce((sum, { state }) => sum + state, 0);
  return {
    growing: layers.filter(({ grows }) => grows).length,
    tokenBytes: (bytes - stateBytes) / Math.max(1, positions),
    states: layers.filter(({ state }) => state > 0).length,
    stateBytes,
  };
}

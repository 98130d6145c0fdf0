import type { RuntimeKind } from '../core/memory.ts';
import type { KeptForm } from './families/tensors.ts';

/**
 * A model whose weights take no more than this as float32 is made float32 where that is faster (test/bench/quantised.bench.ts). Natively,
 * integers of 4 bits are as fast as float32, those of 8 bits take up to twice as long. WebAssembly makes a matrix float32 each time it
 * multiplies with it: a text of 256 tokens takes little longer for that, each token of a generation five times as long.
 * Opening is twice as fast, and takes a third of the memory.
 */
export const DEQUANTIZED_MAX_BYTES: Readonly<Record<RuntimeKind, number>> = { wasm: 2e9, native: 1e9 };

/** The form in which a runtime keeps quantised weights, `large` being whether they exceed its limit as float32; null: it has them as float32. */
export function keptForm(runtime: RuntimeKind, large: boolean): KeptForm {
  if (runtime === 'wasm') return ({ bits }) => (large ? (bits === 4 ? 'nibbles' : 'bytes') : null);
  return ({ bits }) => (bits === 4 ? 'nibbles' : large ? 'halves' : null);
}

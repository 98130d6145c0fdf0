import type { RuntimeKind } from '../../core/runtimeChoice.ts';
import type { KeptForm } from '../families/tensors.ts';

/**
 * Weights that take at most this as float32 are dequantised where that is faster (test/bench/quantised.bench.ts). Natively, 4-bit
 * integers are as fast as float32, 8-bit ones take up to twice as long. WebAssembly dequantises a matrix each time it multiplies with
 * it: a text of 256 tokens takes little longer for that, each token of a generation five times as long. Opening a quantised model is
 * twice as fast, and takes a third of the memory.
 */
export const DEQUANTIZED_MAX_BYTES: Readonly<Record<RuntimeKind, number>> = { wasm: 2e9, native: 1e9 };

/**
 * The form in which a runtime keeps quantised weights; null: as float32. `large`: whether they exceed its limit as float32.
 */
export function keptForm(runtime: RuntimeKind, large: boolean): KeptForm {
  if (runtime === 'wasm') return ({ bits }) => (large ? (bits === 4 ? 'nibbles' : 'bytes') : null);
  return ({ bits }) => (bits === 4 ? 'nibbles' : large ? 'halves' : null);
}

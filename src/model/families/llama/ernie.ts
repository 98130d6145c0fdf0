import { flag, value, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { llamaLike, readSizes, rmsEpsilon, type Differences } from './base.ts';

/** Dense models of ERNIE 4.5: Llama with rope on neighbouring pairs. */
export function ernie(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 1024,
    inner: 3072,
    layers: 18,
    heads: 16,
    kvHeads: 2,
    headDim: 128,
    vocab: 103_424,
    positions: 131_072,
    tied: true,
  });
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 1e-5), ernieDifferences(config));
}

/** Differences of ERNIE 4.5 from Llama, with and without experts. */
export function ernieDifferences(config: Options) {
  const bias = value(config, 'use_bias') !== null && flag(config, 'use_bias', false);
  return {
    biases: { qkv: bias, output: bias, mlp: bias },
    rope: { style: 'interleaved', theta: 500_000 },
  } as const satisfies Differences;
}

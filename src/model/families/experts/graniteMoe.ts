import { eitherCount, count, type Options } from '../config.ts';
import { graniteLike, graniteSizes } from '../llama/granite.ts';
import type { Place } from '../llama/base.ts';
import { PLAIN_EXPERTS, type DecoderSpec, type DenseMlp, type Experts, type Linear } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, gatedExperts, sharedExperts } from './expertParts.ts';

/** Granite 3 with experts, chosen by their logits. */
export function graniteMoe(config: Options, tensors: Tensors): DecoderSpec {
  return graniteExperts(config, tensors, () => null);
}

/** The same with a shared expert of `shared_intermediate_size` neurons, 0 for none. */
export function graniteMoeShared(config: Options, tensors: Tensors): DecoderSpec {
  return graniteExperts(config, tensors, sharedGranite(config, tensors, 0, 0));
}

/** The shared MLP of `shared_intermediate_size` neurons, at least `least`; null for 0. */
export function sharedGranite(config: Options, tensors: Tensors, absent: number, least: number): (at: string) => Experts['shared'] {
  const { dim, activation } = graniteSizes(config);
  const inner = count(config, 'shared_intermediate_size', absent, least);
  return (at) => {
    if (inner === 0) return null;
    if (!tensors.has(`${at}.shared_mlp.input_linear.weight`)) return sharedExperts(tensors, `${at}.shared_mlp`, dim, inner, activation);
    const gateUp = tensors.linear(`${at}.shared_mlp.input_linear`, dim, 2 * inner, false);
    const down = tensors.linear(`${at}.shared_mlp.output_linear`, inner, dim, false);
    return { mlp: { kind: 'gatedFused', activation, gateUp, down }, gate: null };
  };
}

function graniteExperts(config: Options, tensors: Tensors, shared: (at: string) => Experts['shared']): DecoderSpec {
  const experts = eitherCount(config, 'num_local_experts', 'num_experts', 8);
  return graniteLike(config, tensors, { mlp: graniteMixture(config, tensors, experts, shared) });
}

/** Granite's layers of experts. */
export function graniteMixture(
  config: Options,
  tensors: Tensors,
  experts: number,
  shared: (at: string) => Experts['shared'],
): (place: Pick<Place, 'at'>) => Experts {
  const { dim, inner, activation } = graniteSizes(config);
  const chosen = chosenExperts(config, experts, 2);
  return ({ at }) => {
    const place = `${at}.block_sparse_moe`;
    const slice = (name: string, output: number, input: number, index: number): Linear => ({
      weight: tensors.slice(`${place}.${name}.weight`, [experts, output, input], index),
      layout: 'out-in',
      bias: null,
    });
    return {
      ...PLAIN_EXPERTS,
      chosen,
      score: 'softmaxOfChosen',
      normalised: false,
      router: tensors.linear(`${place}.router.layer`, dim, experts, false),
      // One tensor for all, or, from GGUF files, matrices for each.
      experts: tensors.has(`${place}.input_linear.weight`)
        ? Array.from({ length: experts }, (_, index): DenseMlp => ({
            kind: 'gatedFused',
            activation,
            gateUp: slice('input_linear', 2 * inner, dim, index),
            down: slice('output_linear', dim, inner, index),
          }))
        : gatedExperts(tensors, `${place}.experts`, experts, dim, inner, activation),
      shared: shared(at),
    };
  };
}
